"""What searches are told of their runs before the first trial, rightly or wrongly.

What is told has one of three forms: `nothing`, OPTIMIZER/PASSES as in `adam/24` (the passes over
the data in a full run), or the name of a prior, as in `paper`.
"""

from __future__ import annotations

from collections.abc import Sequence

from optuna_kappa._validation import POSITIVE
from optuna_kappa.law.prior import as_prior
from optuna_kappa.law.regimes import kind_of_optimizer
from studies.samplers import NOTHING, Known, check

UNTOLD = "nothing"


def parse_told(names: Sequence[str]) -> dict[str, Known]:
    """What each name stands for, by "told NAME".

    Args:
        names: Names as the module says.

    Raises:
        ValueError: A name is none of these, or is given twice.

    Example:
        >>> parse_told(["adam/24", "paper"])["told adam/24"]
        Known(optimizer='adam', passes=24.0, prior=None)
    """
    if names:
        check(names, names, "name of what is told")
    return {f"told {name}": _known(name) for name in names}


def _known(name: str) -> Known:
    if name == UNTOLD:
        return NOTHING

    optimizer, slash, passes = name.partition("/")
    if not slash:
        return Known(prior=as_prior(name).name)

    number = POSITIVE.check("passes", _number(passes), "write OPTIMIZER/PASSES, as in adam/24")
    kind_of_optimizer(optimizer)  # one that is not known shows before any search
    return Known(optimizer, number)


def _number(text: str) -> float | str:
    """The number that a text stands for, or the text, which the check then shows."""
    try:
        return float(text)
    except ValueError:
        return text
