"""Laws in files: reads what `Law.to_json` writes, and checks each value.

Numbers are bounded, as those of run tables are (`optuna_kappa._validation.REACH`), so that all
that follows from them can be computed. Optima may lie a little beyond the rates of their runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from optuna_kappa._json import parse_json
from optuna_kappa._validation import Interval, check_count, check_mapping, check_type, shown
from optuna_kappa.law.contexts import Context
from optuna_kappa.law.descent import Descent
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.prior import MIXTURE, Prior, SlopeClass

FORMAT = "optuna-kappa law 1"

_LN_LR = Interval(-250, 250)
_LN_LOSS = Interval(-750, 750)  # all that floats hold
_HORIZON = Interval(1e-110, 1e110)
_MULTIPLIER = Interval(1e-20, 1e20)  # far beyond what a schedule multiplies a rate by
_END = Interval(0, 1e20)  # a rate may fall to 0
_ERROR = Interval(0, 1e3, "(]")  # standard error, in ln lr
_REMEDY = "Law.to_json writes another"


def read_law(
    text: object,
) -> tuple[tuple[Optimum, ...], tuple[Optimum, ...], Context, Prior]:
    """Return the optima, the related optima, the context and the prior of a law.

    Raises:
        ValueError: The text is not a law of this version, or a value makes no sense.

    Example:
        >>> empty = {"format": FORMAT, "optima": [], "related": [], "context": []}
        >>> import json
        >>> optima, related, context, prior = read_law(json.dumps(empty))
        >>> optima, prior.name  # files of version 0.1 name no prior
        ((), 'mixture')
    """
    written = check_type("the law", text, str, "give the text that Law.to_json returned")
    try:
        data = check_mapping("a law", parse_json(written), "it is JSON with a format and optima")
        if data.get("format") != FORMAT:
            given = shown(data.get("format"))
            raise ValueError(f"its format is {given}, but {FORMAT!r} is needed")

        optima = tuple(map(_optimum, _list(data, "optima")))
        related = tuple(map(_optimum, _list(data, "related")))
        return optima, related, _context(data), _prior(data)
    except ValueError as error:
        raise ValueError(f"not a law written by Law.to_json: {error}") from error


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    return check_type(name, data.get(name), list, _REMEDY)


def _optimum(data: object) -> Optimum:
    """Read an optimum from the fields in a file; old files do not name its loss.

    Raises:
        ValueError: A field is missing or not known, or has a value that makes no sense.
    """
    given = {"ln_loss": None, "end": None, **check_mapping("an optimum", data, _REMEDY)}
    _check_fields("an optimum", Optimum, given)

    check_type("schedule", given["schedule"], str, "it is the name of a schedule")
    for name, allowed in (("ln_lr", _LN_LR), ("horizon", _HORIZON), ("se", _ERROR)):
        given[name] = allowed.check(name, given[name], "it is a number of an optimum")
    for name in ("mean", "peak"):
        if given[name] is not None:
            given[name] = _MULTIPLIER.check(name, given[name], "it multiplies a rate")
    if given["end"] is not None:
        given["end"] = _END.check("end", given["end"], "it multiplies a rate at the end of a run")
    if given["ln_loss"] is not None:
        given["ln_loss"] = _LN_LOSS.check("ln_loss", given["ln_loss"], "it is that of a loss")

    check_count("n", given["n"], "it is a number of runs", least=0)
    check_count("at_edge", given["at_edge"], "it is a side, or 0", least=-1, most=1)
    check_count("table", given["table"], "it is the number of a table", least=0)
    return Optimum(**{**given, "context": _context(given)})


# What a prior lacks in files that were written before laws knew of it.
_OLD_PRIOR = {"descent": None, "annealing": 0.0, "annealing_sd": 0.0}


def _prior(data: Mapping[str, Any]) -> Prior:
    """The prior; the mixture in a file that was written before laws had one."""
    if "prior" not in data:
        return MIXTURE

    given = {**_OLD_PRIOR, **check_mapping("the prior", data["prior"], _REMEDY)}
    slopes = []
    for one in _list(given, "slopes"):
        values = check_mapping("a slope class", one, _REMEDY)
        _check_fields("a slope class", SlopeClass, values)
        slopes.append(SlopeClass(**values))

    _check_fields("a prior", Prior, given)
    return Prior(**{**given, "slopes": tuple(slopes), "descent": _descent(given["descent"])})


def _descent(data: object) -> Descent | None:
    """What the descent of the loss tells; None in a file that was written before it counted."""
    if data is None:
        return None

    given = check_mapping("descent", data, _REMEDY)
    _check_fields("descent", Descent, given)
    return Descent(**given)


def _check_fields(name: str, kind: Any, given: Mapping[str, Any]) -> None:
    """Check that the fields of a dataclass are all given, and no others.

    Raises:
        ValueError: A field is missing or not known.
    """
    names = {field.name for field in fields(kind)}
    if set(given) != names:
        raise ValueError(f"{name} must have the fields {', '.join(sorted(names))}")


def _context(data: Mapping[str, Any]) -> Context:
    """The context: pairs of texts, the name of a column and its value."""
    pairs = []
    for pair in _list(data, "context"):
        is_pair = isinstance(pair, list) and len(pair) == 2
        if not is_pair or not all(isinstance(part, str) for part in pair):
            raise ValueError(f"each of context must be two texts, got {shown(pair)}: {_REMEDY}.")
        pairs.append((pair[0], pair[1]))

    return tuple(pairs)
