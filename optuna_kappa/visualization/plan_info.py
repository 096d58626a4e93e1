"""The data of the figure of a plan: probes and full runs, planned and done, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from optuna_kappa.study.outlook import TOLERANCES
from optuna_kappa.visualization import marks
from optuna_kappa.visualization.outcomes import Outcome, Ran, ran
from optuna_kappa.visualization.searched import Searched

MOST_TRIALS = 100  # of each horizon


class Rung(NamedTuple):
    """The trials of one horizon.

    Attributes:
        horizon: The horizon.
        is_target: Whether they are full runs, of which there may be any number.
        planned: Number of probes planned; for full runs, and where it is not known, those there
            are.
        done: Trials that have ended, failed ones left out.
        running: Trials that are running.
        spent: What all of them have cost so far, in full-run equivalents.
        left: What is still to come of those planned, in full-run equivalents.

    Example:
        >>> Rung(8, False, planned=4, done=3, running=0, spent=1.0, left=1 / 3).done
        3
    """

    horizon: int
    is_target: bool
    planned: int
    done: int
    running: int
    spent: float
    left: float


class Placed(NamedTuple):
    """A trial with its learning rate and horizon.

    Attributes:
        trial: Its number.
        horizon: The horizon that it was planned for.
        lr: Its learning rate.
        outcome: How it ended.
        value: Its last value; None without a finite one.
        is_best: Whether no trial of its horizon came to its end with a better one.

    Example:
        >>> Placed(3, 8, 0.01, "probe", 0.9, is_best=True).horizon
        8
    """

    trial: int
    horizon: int
    lr: float
    outcome: Outcome
    value: float | None
    is_best: bool


class PlanInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        rungs: All horizons, ascending; that of full runs is the last one of them as a rule.
        trials: The trials that are shown, by horizon and number.
        n_trials: Trials that have a learning rate, shown or not.
        schedule: Name of the schedule of full runs.
        within: Regrets, and the probability that the recommended rate's is at most as large.

    Example:
        >>> PlanInfo([], [], 0, "constant").rungs
        []
    """

    rungs: list[Rung]
    trials: list[Placed]
    n_trials: int
    schedule: str
    within: Sequence[tuple[float, float]] = ()


def get_plan_info(known: Searched) -> PlanInfo:
    """What the figure shows of a study.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.visualization.searched import searched
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> info = get_plan_info(searched(study))
        >>> [(rung.horizon, rung.planned, rung.left) for rung in info.rungs]
        [(1, 6, 0.25), (8, 4, 1.333), (24, 0, 0.0)]
    """
    if not known.horizon:
        return PlanInfo([], [], 0, known.schedule)

    by_horizon: dict[int, list[Ran]] = {horizon: [] for horizon, _ in known.rungs}
    by_horizon[known.horizon] = []
    for one in ran(known):
        by_horizon.setdefault(one.planned, []).append(one)

    wanted = dict(known.rungs)
    rungs = []
    placed: list[Placed] = []
    n_trials = 0
    for horizon, there in sorted(by_horizon.items()):
        rungs.append(_rung(horizon, there, wanted.get(horizon), known.horizon))
        with_lr = [one for one in there if one.lr is not None]
        n_trials += len(with_lr)
        placed += _placed(with_lr, known)

    within = []
    if known.certainty is not None:
        within = [(regret, known.certainty.within(regret)) for regret in TOLERANCES]
    return PlanInfo(rungs, placed, n_trials, known.schedule, tuple(within))


def _rung(horizon: int, there: Sequence[Ran], wanted: int | None, target: int) -> Rung:
    """The trials of a horizon, counted."""
    n_running = sum(one.outcome == "running" for one in there)
    n_failed = sum(one.outcome == "failed" for one in there)
    n_done = len(there) - n_running - n_failed
    n_planned = max(wanted or 0, n_done + n_running)

    spent = sum(one.trained for one in there) / target
    # What runs now has spent a part of what it will cost.
    of_running = sum(max(horizon - one.trained, 0) for one in there if one.outcome == "running")
    to_come = (n_planned - n_done - n_running) * horizon
    return Rung(
        horizon=horizon,
        is_target=horizon >= target,
        planned=n_planned,
        done=n_done,
        running=n_running,
        spent=round(spent, 3),
        left=round((of_running + to_come) / target, 3),
    )


def _placed(with_lr: Sequence[Ran], known: Searched) -> list[Placed]:
    """The trials of a horizon that are shown, the best one among them."""
    best = None
    to_the_end = [one for one in with_lr if one.outcome in ("complete", "probe")]
    compared = [(known.sign * one.value, one.trial) for one in to_the_end if one.value is not None]
    if compared:
        best = min(compared)[1]

    keep = [i for i, one in enumerate(with_lr) if one.trial == best]
    placed = []
    for i in marks.thin(len(with_lr), keep, MOST_TRIALS):
        one = with_lr[i]
        assert one.lr is not None
        is_best = one.trial == best
        placed.append(Placed(one.trial, one.planned, one.lr, one.outcome, one.value, is_best))
    return placed
