"""One proposal for the target after a ladder of probes: how good is it, by each rule?

A ladder of a given budget is drawn from recorded runs. Each rule then names one learning rate for
the target horizon:

    law              the rate with the least expected loss, from the law and what is known of the
                     optimizer and the passes over the data
    law-uninformed   the same from the law alone
    copy             the best rate of the largest probe horizon
    slope-s          that rate * (target / largest probe horizon)^-s

Its regret is its expected loss, the mean over the recorded seeds, over the best one, minus 1.
An informed law chooses its probes itself. The other rules share the probes that the uninformed law
chooses; the two ladders differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from optuna_kappa.backtest.results import SLOPES
from optuna_kappa.law import Prior, regimes
from optuna_kappa.search.budget import rungs_for
from studies.replay.grid import Grid
from studies.replay.objective import LR
from studies.replay.probing import Probes, draw_probes, ln_range

LAW = "law"
UNINFORMED = "law-uninformed"
RULES = (LAW, UNINFORMED, *SLOPES)
_LEVEL = 0.9  # of the interval whose coverage is counted


class OneShot(NamedTuple):
    """What came of one ladder.

    Attributes:
        regrets: Regret of each of `RULES`.
        cost: Full-run equivalents that the law's probes cost.
        covered: Whether the law's 90 % interval holds the best learning rate.
        has_law: Whether the law had an optimum to start from. Without one its proposal is the
            best probe's rate, and its interval is empty.
    """

    regrets: Mapping[str, float]
    cost: float
    covered: bool
    has_law: bool


def prior_for(optimizer: str | None, passes: float | None, horizon: float) -> Prior | None:
    """Prior of the law for what is known before the first probe; None for the law's own.

    Args:
        optimizer: Name of the optimizer; None if it is not known.
        passes: Passes over the data in a run of the target horizon; None if they are not known.
        horizon: Target horizon, in steps.

    Raises:
        ValueError: The optimizer is not known, or the passes are not positive.
    """
    if optimizer is None and passes is None:
        return None
    return regimes.prior_for(optimizer=optimizer, passes=passes, horizon=horizon)


def one_shot(
    goal: Grid,
    lender: Grid,
    budget: float,
    seed: int,
    prior: Prior | None = None,
) -> OneShot:
    """Draw a ladder of probes and propose a learning rate by each rule.

    Args:
        goal: What a rate is proposed for.
        lender: Where the probes come from: the goal itself, or runs of another schedule.
        budget: Full-run equivalents of the probes.
        seed: Seed of the ladder.
        prior: Prior of the informed law; None for the law's own.
    """
    rungs = rungs_for(budget)
    plain = draw_probes(lender, goal.horizon, rungs, seed)
    informed = plain
    if prior is not None:
        informed = draw_probes(lender, goal.horizon, rungs, seed, prior)

    lrs = {
        LAW: _by_law(informed, goal),
        UNINFORMED: _by_law(plain, goal),
    }
    for rule, slope in SLOPES.items():
        lrs[rule] = _by_slope(plain, goal, slope)

    return OneShot(
        regrets={rule: goal.regret({LR: lr}) for rule, lr in lrs.items()},
        cost=informed.steps / goal.horizon,
        covered=_covers(informed, goal),
        has_law=bool(informed.law.optima),
    )


def _by_law(probes: Probes, goal: Grid) -> float:
    """The learning rate that the law proposes."""
    low, high = ln_range(goal)
    expected = probes.expected(goal.horizon, goal.schedule, low, high)
    if expected is None:
        return _by_slope(probes, goal, slope=0.0)
    return float(np.exp(expected.best))


def _by_slope(probes: Probes, goal: Grid, slope: float) -> float:
    """The best learning rate of the largest probe horizon, moved by a slope.

    The lowest one tried if all probes diverged.
    """
    best = probes.last_best
    if best is None:
        return min(probe.lr for probe in probes.done)
    ratio = goal.horizon / best.trained_for
    return float(best.lr * ratio**-slope)


def _covers(probes: Probes, goal: Grid) -> bool:
    """Whether the law's 90 % interval holds the learning rate of the lowest expected loss."""
    if not probes.law.optima:
        return False

    tail = (1 - _LEVEL) / 2
    predicted = probes.law.predict(goal.horizon, goal.schedule)
    ln_best = float(np.log(goal.best_lr))
    return predicted.quantile(tail) <= ln_best <= predicted.quantile(1 - tail)
