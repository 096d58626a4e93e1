"""JSON of a Psi, and the checks that it has to pass: a file may hold anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from optuna_kappa._json import parse_json
from optuna_kappa._typing import Floats
from optuna_kappa._validation import REACH, Interval, check_mapping, check_type, shown

if TYPE_CHECKING:
    from optuna_kappa.psi.psi import Psi

FORMAT = "optuna-kappa psi 1"

_NUMBERS = {
    "horizon": REACH,
    "warmup": Interval(0, REACH.high),
    "lowest": Interval(-REACH.high, REACH.high),
    "scatter": Interval(0, 1e3),
    "rate_low": REACH,
    "rate_high": REACH,
}
_TABLES = ("step", "rate", "loss")
_MOST = 10_000  # numbers of a table; ours have 520
_REMEDY = "Psi.to_json writes another"


def write_psi(psi: Psi) -> str:
    """JSON text of a Psi."""
    fields: dict[str, Any] = {"format": FORMAT}
    for name in _NUMBERS:
        fields[name] = getattr(psi, name)
    for name in ("horizons", *_TABLES):
        fields[name] = getattr(psi, name).tolist()
    return json.dumps(fields, indent=1, allow_nan=False)


def read_psi(text: object) -> dict[str, Any]:
    """Return the fields of a Psi.

    Raises:
        ValueError: The text is not a Psi of this version, or a value makes no sense.

    Example:
        >>> read_psi("[]")
        Traceback (most recent call last):
        ValueError: not a Psi written by Psi.to_json: a Psi must be a dict with texts as keys, ...
    """
    written = check_type("the Psi", text, str, "give the text that Psi.to_json returned")
    try:
        data = check_mapping("a Psi", parse_json(written), "it is JSON with a format and tables")
        if data.get("format") != FORMAT:
            raise ValueError(
                f"its format is {shown(data.get('format'))}, but {FORMAT!r} is needed"
            )
        return _fields(data)
    except ValueError as error:
        raise ValueError(f"not a Psi written by Psi.to_json: {error}") from error


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    names = {"format", "horizons", *_NUMBERS, *_TABLES}
    if set(data) != names:
        raise ValueError(f"it must have the fields {', '.join(sorted(names))}")

    fields: dict[str, Any] = {}
    for name, allowed in _NUMBERS.items():
        fields[name] = allowed.check(name, data[name], _REMEDY)
    fields["horizons"] = _array("horizons", data["horizons"], 1)
    for name in _TABLES:
        fields[name] = _array(name, data[name], 2)
    _check_order(fields)
    return fields


def _array(name: str, values: object, axes: int) -> Floats:
    check_type(name, values, list, _REMEDY)
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be numbers in {axes} dimensions: {_REMEDY}.") from None

    in_reach = (array >= REACH.low) & (array <= REACH.high)
    if array.ndim != axes or not 1 < array.size <= _MOST or not in_reach.all():
        raise ValueError(
            f"{name} must be numbers above 0 in {axes} dimensions, at most {_MOST}: {_REMEDY}."
        )
    return array


def _check_order(fields: Mapping[str, Any]) -> None:
    horizons, step = fields["horizons"], fields["step"]
    shapes = {fields[name].shape for name in _TABLES}
    if len(shapes) > 1 or len(step) != len(horizons) or len(horizons) < 2 or step.shape[1] < 2:
        raise ValueError(f"step, rate and loss must have a row for each horizon: {_REMEDY}.")

    ascends = (np.diff(horizons) > 0).all() and (np.diff(step, axis=1) > 0).all()
    ends = np.allclose(step[:, -1], horizons, rtol=1e-6)
    inside = horizons[0] <= fields["horizon"] <= horizons[-1]
    if not (ascends and ends and inside and fields["warmup"] < step[0, 0]):
        raise ValueError(
            f"horizons and steps must ascend, and each schedule end at its horizon: {_REMEDY}."
        )
    if fields["rate_low"] > fields["rate_high"]:
        raise ValueError(f"rate_low must be at most rate_high: {_REMEDY}.")
