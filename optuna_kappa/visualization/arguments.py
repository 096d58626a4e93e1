"""Checks of what is passed to a plot."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from optuna_kappa._validation import POSITIVE, check_items, check_type, shown


def check_parts(name: str, values: object, parts: tuple[str, ...]) -> list[Sequence[Any]]:
    """Return what the caller passed, if each item of it has these parts.

    Args:
        name: Name of the argument.
        values: What the caller passed.
        parts: What the parts of an item are, in words.

    Raises:
        ValueError: It is not a sequence of items of so many parts.

    Example:
        >>> check_parts("targets", [(256, "cosine")], ("horizon", "schedule"))
        [(256, 'cosine')]
    """
    remedy = f"each is ({', '.join(parts)})"
    checked: list[Sequence[Any]] = check_items(name, values, Sequence, remedy)
    for value in checked:
        if len(value) != len(parts):
            raise ValueError(
                f"each of {name} must have {len(parts)} parts, got {shown(value)}: {remedy}."
            )
    return checked


def check_law_arguments(targets: object, truth: object, unit: object) -> None:
    """Check what `plot_law` is told beside the law.

    Raises:
        ValueError: One of them is of another type, or a number is out of its range.
    """
    check_type("unit", unit, str, "it names the unit of a horizon")
    for target in check_parts("targets", targets, ("horizon", "schedule")):
        POSITIVE.check("horizon", target[0], "it is that of a planned run")
    for known in check_parts("truth", truth, ("horizon", "lr", "label")):
        POSITIVE.check("horizon", known[0], "it is that of a known optimum")
        check_type("lr", known[1], Real, "it is that of a known optimum")
        check_type("label", known[2], str, "it is the name of a known optimum")
