"""What of a run table no fit uses, and why: for notes, so that nothing vanishes without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optuna_kappa._typing import Bools
from optuna_kappa._validation import check_type
from optuna_kappa.law.curves import Curve, read_curves
from optuna_kappa.law.observations import NEARLY_WHOLE, Observations, canonical, observe
from optuna_kappa.law.optimum import find_chain
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.gaps import is_gap
from optuna_kappa.schedules import CONSTANT

_MOST_SHOWN = 3  # runs in a note


def omissions(runs: RunTable) -> list[str]:
    """Say what is left out of a fit to these runs, a sentence or two for each reason.

    Returns:
        Nothing if each run counts at some horizon and no loss is missing.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> both = [example_runs(horizons=[4, 16]), example_runs(horizons=[7200])]
        >>> alone = both[1].where(both[1].run == "3")
        >>> print(omissions(RunTable.concatenate([both[0], alone]))[0])
        run '1:3' (at 7200) is left out: no other learning rate was seen within 5 % of its ...
    """
    check_type("runs", runs, RunTable, "read_csv and run_table make one")
    observations = observe(runs)
    return [*_left_out(runs, observations), *_about_plateaus(observations)]


def runs_left_out(runs: RunTable) -> list[str]:
    """Say which runs and losses are left out of a fit; as `omissions`, without plateaus.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> runs_left_out(example_runs())
        []
    """
    return _left_out(runs, observe(runs))


def _left_out(runs: RunTable, observations: Sequence[Observations]) -> list[str]:
    """Say which runs and losses no observation has."""
    gaps = is_gap(runs)
    curves = {curve.run: curve for curve in read_curves(runs)}

    counting = _runs_that_count(observations)
    unused = [curve for label, curve in curves.items() if label not in counting]
    ended_early = [curve for curve in unused if _ended_early(curve)]
    others = [curve for curve in unused if not _ended_early(curve)]

    return [
        *_about_gaps(runs, gaps, curves),
        *_about_early(ended_early),
        *_about_alone([curve for curve in others if len(curve.step)]),
        *_about_lossless([curve.run for curve in others if not len(curve.step)]),
    ]


def _ended_early(curve: Curve) -> bool:
    """Whether a scheduled run ended too early to count at its horizon."""
    if canonical(curve.schedule) == CONSTANT or not len(curve.step):
        return False
    return bool(curve.step[-1] * NEARLY_WHOLE < curve.horizon)


def _runs_that_count(observations: Sequence[Observations]) -> set[str]:
    """Labels of the runs that were seen or had diverged at a horizon that is used."""
    labels: set[str] = set()
    for seen in observations:
        labels.update(seen.run.tolist())
    return labels


def _about_gaps(
    runs: RunTable,
    gaps: Bools,
    curves: Mapping[str, Curve],
) -> list[str]:
    """Say how many losses are missing, and which runs have none at all."""
    if not gaps.any():
        return []

    with_gaps = set(runs.run[gaps].tolist())
    notes = [
        f"{int(gaps.sum())} of {len(runs)} rows have no loss (empty, NaN or infinite) in runs "
        f"that did not diverge ({len(with_gaps)} of them): they count as gaps."
    ]

    empty = sorted(with_gaps - set(curves))
    if empty:
        notes.append(
            f"{_named(empty)} left out: no loss was measured before the run ended, as far as the "
            "other runs show when one is due."
        )
    return notes


def _about_early(curves: Sequence[Curve]) -> list[str]:
    """Say which scheduled runs ended too early to count."""
    if not curves:
        return []

    places = [f"{curve.step[-1]:g} of {curve.horizon:g}" for curve in curves]
    labels = [curve.run for curve in curves]
    return [
        f"{_named(labels, places)} left out: the last loss of a scheduled run must be from 4/5 of "
        "its horizon or later. If you know the final loss, give it a row of its own."
    ]


def _about_alone(curves: Sequence[Curve]) -> list[str]:
    """Say which runs are alone at their horizon."""
    if not curves:
        return []

    places = []
    for curve in curves:
        is_constant = canonical(curve.schedule) == CONSTANT
        place = curve.step[-1] if is_constant else curve.horizon
        places.append(f"at {place:g}")

    labels = [curve.run for curve in curves]
    within = "within 5 % of" if canonical(curves[0].schedule) == CONSTANT else "at"
    return [
        f"{_named(labels, places)} left out: no other learning rate was seen {within} its "
        "horizon. Are all steps in one unit?"
    ]


def _about_lossless(labels: Sequence[str]) -> list[str]:
    """Say which runs diverged at once, where nothing can be compared with them."""
    if not labels:
        return []

    return [
        f"{_named(labels)} left out: no loss is finite, which counts as a divergence at the first "
        "report, and at that horizon no two learning rates have a finite loss."
    ]


def _about_plateaus(observations: Sequence[Observations]) -> list[str]:
    """Say at which horizons the losses locate no optimum."""
    flat = []
    for link in find_chain(observations).links:
        if link.losses.is_flat:
            flat.append(f"{link.seen.horizon:g}")
    if not flat:
        return []

    where = f"horizon {flat[0]}" if len(flat) == 1 else f"horizons {_listed(flat)}"
    return [
        f"the best losses at the {where} cannot be told apart, so they locate no optimum there. "
        "If they are those of a coarse metric, such as an accuracy, record the loss instead."
    ]


def _named(labels: Sequence[str], places: Sequence[str] = ()) -> str:
    """The runs as the beginning of a sentence: "run 'a' (at 24) is"."""
    described = []
    for i, label in enumerate(labels):
        described.append(f"{label!r} ({places[i]})" if places else f"{label!r}")

    if len(labels) == 1:
        return f"run {described[0]} is"
    return f"runs {_listed(described)} are"


def _listed(texts: Sequence[str]) -> str:
    """Several texts in words; of many, the first ones."""
    shown = list(texts[:_MOST_SHOWN])
    n_more = len(texts) - len(shown)
    if n_more:
        shown.append(f"{n_more} more")
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
