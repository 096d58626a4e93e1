"""What the figure of pruned trials shows: which trials, and which of their reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import LARGEST_LOSS
from optuna_kappa.study.explain import Kill, kills
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.trials import lr_of
from optuna_kappa.visualization import marks

# With these limits, all figures of a study stay below 200 kB.
MOST_CURVES = 36  # of each kind
_MOST_REPORTS = 24  # of a curve
_MOST_KILLS = 100  # pruned trials that are marked

DIGITS = 5  # of a value
_EARLIEST = 0.01  # the axis starts at this fraction of the longest run, if no trial ended earlier


class Curve(NamedTuple):
    """The reports of one trial.

    Attributes:
        trial: Number of the trial.
        lr: Learning rate; None if the trial has none.
        step: Steps, ascending.
        value: Reported values, all finite.
    """

    trial: int
    lr: float | None
    step: list[int]
    value: list[float]


class PruningInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        kept: Trials that ran to the end.
        pruned: Pruned trials.
        probes: Trials that ended at a shorter horizon, as planned.
        best: Number of the best kept trial.
        kills: Pruned trials that are marked. They have reports and are no probes.
        counts: Kept trials, pruned trials and probes of the study, shown or not.
        first: Step at which the axis starts.
        maximize: Whether the study maximizes.
    """

    kept: list[Curve]
    pruned: list[Curve]
    probes: list[Curve]
    best: int | None
    kills: list[Kill]
    counts: tuple[int, int, int]
    first: int
    maximize: bool


def get_pruning_info(study: Study, lr: LrName) -> PruningInfo:
    """Select what the figure shows of a study.

    Args:
        study: A study with one objective.
        lr: Name of the learning-rate parameter, or several names.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.add_trial(optuna.create_trial(value=1.0, intermediate_values={1: 2.0, 2: 1.0}))
        >>> get_pruning_info(study, "lr").kept
        [Curve(trial=0, lr=None, step=[1, 2], value=[2.0, 1.0])]
    """
    killed = kills(study, lr)
    kept, pruned, probes = _by_fate(snapshot_now(study), killed)

    maximize = study.direction.name == "MAXIMIZE"
    best = _best(kept, maximize=maximize)
    first = _first_step([*kept, *pruned, *probes])

    # Without reports, there is no place for a mark.
    marked = [kill for kill in killed if kill.kind != "probe" and kill.step is not None]
    return PruningInfo(
        kept=_curves(kept, lr, first, best),
        pruned=_curves(pruned, lr, first),
        probes=_curves(probes, lr, first),
        best=best,
        kills=[marked[i] for i in marks.thin(len(marked), most=_MOST_KILLS)],
        counts=(len(kept), len(pruned), len(probes)),
        first=first,
        maximize=maximize,
    )


def _by_fate(
    trials: Sequence[FrozenTrial], killed: Sequence[Kill]
) -> tuple[list[FrozenTrial], list[FrozenTrial], list[FrozenTrial]]:
    """Kept trials, pruned trials and probes. Trials that failed or still run are in none."""
    kinds = {kill.trial: kill.kind for kill in killed}

    kept = []
    pruned = []
    probes = []
    for trial in trials:
        if trial.state == TrialState.COMPLETE:
            kept.append(trial)
        elif kinds.get(trial.number) == "probe":
            probes.append(trial)
        elif trial.number in kinds:
            pruned.append(trial)

    return kept, pruned, probes


def _best(kept: Sequence[FrozenTrial], *, maximize: bool) -> int | None:
    if not kept:
        return None

    sign = -1.0 if maximize else 1.0
    best = min(kept, key=lambda trial: sign * trial.values[0])
    return best.number


def _first_step(trials: Sequence[FrozenTrial]) -> int:
    """The step at which the axis starts.

    Many reports long before the first trial ended would take most of a logarithmic axis.
    """
    firsts = []
    lasts = []
    for trial in trials:
        # A logarithmic axis has no place for step 0.
        steps = [step for step in trial.intermediate_values if step > 0]
        if steps:
            firsts.append(min(steps))
            lasts.append(max(steps))

    if not lasts:
        return 1
    earliest_end = min(math.ceil(_EARLIEST * max(lasts)), *lasts)
    return max(earliest_end, min(firsts))


def _curves(
    trials: Sequence[FrozenTrial],
    lr: LrName,
    first: int,
    best: int | None = None,
) -> list[Curve]:
    """Curves of evenly chosen trials, and of the best one."""
    reported = [trial for trial in trials if trial.intermediate_values]
    n_curves = min(len(reported), MOST_CURVES)
    places = np.linspace(0, len(reported) - 1, n_curves).round().astype(int)
    chosen = {reported[place].number for place in places}

    curves = []
    for trial in reported:
        if trial.number not in chosen and trial.number != best:
            continue
        curve = _curve(trial, lr, first)
        if curve.step:
            curves.append(curve)

    return curves


def _curve(trial: FrozenTrial, lr: LrName, first: int) -> Curve:
    """Reports of a trial, unless they diverged. Of many, those evenly spaced on a log axis."""
    reports = trial.intermediate_values
    steps = []
    for step, value in sorted(reports.items()):
        if step >= first and abs(value) <= LARGEST_LOSS:
            steps.append(step)

    if len(steps) > _MOST_REPORTS:
        # Slightly smaller, so that rounding does not skip a report that lies at the place wanted.
        wanted = np.geomspace(steps[0], steps[-1], _MOST_REPORTS) * (1 - 1e-9)
        places = np.unique(np.searchsorted(steps, wanted))
        steps = [steps[place] for place in places]

    values = [float(f"{reports[step]:.{DIGITS}g}") for step in steps]
    return Curve(trial.number, lr_of(trial, lr), steps, values)
