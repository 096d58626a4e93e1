"""Checks of what is passed to a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

from optuna.study import Study

from optuna_kappa._validation import POSITIVE, check_items, check_mapping, check_type, shown
from optuna_kappa.search.trajectory import Trajectory
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.visualization.searched import Searched, searched
from optuna_kappa.visualization.spending import Unit

Searches: TypeAlias = (
    Study
    | Sequence[Study]
    | Mapping[str, Study | Trajectory | Sequence[Study | Searched | Trajectory]]
)
"""A study, several, or the repeats of each sampler by name: studies or trajectories."""


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


def searches_by_name(
    searches: Searches,
    against: Unit,
    lr: LrName,
) -> dict[str, list[Trajectory | Searched]]:
    """The repeats of each sampler, from what `plot_budget` is given.

    Args:
        searches: A study, several, or the repeats of each sampler by name.
        against: What they spend.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.

    Raises:
        ValueError: They are something else, or some studies maximize and others minimize.

    Example:
        >>> import optuna
        >>> list(searches_by_name(optuna.create_study(study_name="mine"), "budget", "lr"))
        ['mine']
    """
    if isinstance(searches, Study):
        searches = [searches]
    if not isinstance(searches, Mapping):
        by_name: dict[str, list[Study]] = {}
        for study in check_items("searches", searches, Study, "or repeats by sampler"):
            by_name.setdefault(_free_name(study.study_name, by_name), []).append(study)
        searches = by_name

    known: dict[str, list[Trajectory | Searched]] = {}
    signs = set()
    for name, repeats in check_mapping("searches", searches, "repeats by sampler").items():
        alone = isinstance(repeats, (Study, Trajectory))
        each = (
            [repeats]
            if alone
            else check_items(f"searches[{name!r}]", repeats, object, "one a repeat")
        )
        known[name] = [_search(name, one, against, lr) for one in each]
        signs |= {one.sign for one in known[name] if isinstance(one, Searched)}

    if len(signs) > 1:
        raise ValueError(
            "searches must have one direction: values of studies that maximize cannot be compared "
            "with losses; draw them apart."
        )
    return known


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    """The name of a study; of several with one name, the later ones are counted."""
    free = name
    n = 1
    while free in taken:
        n += 1
        free = f"{name} ({n})"
    return free


def _search(name: str, repeat: object, against: Unit, lr: LrName) -> Trajectory | Searched:
    """One repeat, as it is summarized."""
    if isinstance(repeat, (Study, Searched)):
        return searched(repeat, lr=lr)
    if against == "time":
        what = f"each of searches[{name!r}]"
        raise ValueError(f"{what} must be a Study, got {shown(repeat)}: others know no time.")

    return check_type(
        f"each of searches[{name!r}]", repeat, Trajectory, "or a Study, one a repeat"
    )
