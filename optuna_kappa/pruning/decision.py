"""Whether a run under way should end: decisions as functions of plain arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.forecast import Forecast
from optuna_kappa.pruning.history import History

_SAME = 1e-6
_FAR = 10.0  # times what the best gained: a loss this far above the run's own start has diverged


@dataclass(frozen=True)
class Rule:
    """When a run is ended.

    Attributes:
        epsilon: Probability to become the best under which it is.
        margin: Part of the best loss by which it would have to be better.
        n_startup_trials: Runs that have come to the horizon before any is ended for its forecast.
    """

    epsilon: float
    margin: float
    n_startup_trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon < 1:
            raise ValueError(
                f"epsilon must be a probability, at least 0 (nothing is pruned for its forecast) "
                f"and below 1, but is {self.epsilon!r}"
            )
        if not 0 <= self.margin < 1:
            raise ValueError(
                f"margin must be a part of the best loss, at least 0 and below 1, but is "
                f"{self.margin!r}; 0.01 asks for 1 % less"
            )
        if self.n_startup_trials < 1:
            raise ValueError(
                f"n_startup_trials must be at least 1, but is {self.n_startup_trials!r}: a run is "
                "compared with runs that came to the horizon"
            )


class Decision(NamedTuple):
    """What was decided about a run.

    Attributes:
        prune: Whether it should end.
        step: Its last step.
        probability: To become the best by the margin; None where it was not asked for.
        reason: Why, in a sentence.
    """

    prune: bool
    step: int
    probability: float | None
    reason: str


def ends_anyway(reports: Mapping[int, float], horizon: int | None) -> str | None:
    """Why a run has to end whatever others did; None if nothing says so.

    Args:
        reports: Losses by step.
        horizon: Step at which a probe ends; None for a full run.
    """
    if not reports:
        return None
    last = max(reports)
    if not math.isfinite(reports[last]):
        return f"diverged: its loss at step {last} is {reports[last]}"
    if horizon is not None and last >= horizon:
        return f"a probe, planned to end at step {horizon}"
    return None


def is_due(history: History | None, step: Floats, judged: float | None = None) -> bool:
    """Whether a run is to be judged now: the first time in a phase.

    Before any run has come to the horizon, phases are not known, and every power of two of the
    reports is looked at. At the horizon there is nothing left to save.

    Args:
        history: What is known of others.
        step: Steps of its reports, ascending, above 0.
        judged: Step at which it was last judged; by default its last report but one.
    """
    n = len(step)
    if history is None or not n:
        return n > 0 and n & (n - 1) == 0
    if judged is None:
        judged = float(step[-2]) if n > 1 else 0.0
    at = np.array([judged, step[-1]]) / history.horizon
    before, now = np.searchsorted(history.phases[:-1] * (1 - _SAME), at)
    return bool((now > before or judged == step[-1]) and at[1] < 1 - _SAME)


def judge(
    history: History,
    forecast: Callable[[], Forecast],
    step: Floats,
    loss: Floats,
    rule: Rule,
    sign: float = 1.0,
) -> Decision:
    """Decides about a run by what others did.

    Args:
        history: Finished runs of the same horizon and schedule.
        forecast: Of this run; asked for only if it is needed.
        step: Steps of its reports, ascending, above 0, shape `(n,)`.
        loss: Finite losses, shape `(n,)`.
        rule: When to end it.
        sign: By which losses are multiplied to be shown, -1 where the study maximises.
    """
    last = int(step[-1])
    n_whole = int(history.whole.sum())
    if _far_above(history, loss):
        moved = "loss rose" if sign > 0 else "value fell"
        start = f"{sign * loss[0]:.4g} at step {int(step[0])}"
        reason = f"diverged: its {moved} from {start} to {sign * loss[-1]:.4g} at step {last}, "
        reason += f"more than {_FAR:g} times what the best run gained"
        return Decision(True, last, None, reason)
    if n_whole < rule.n_startup_trials:
        reason = f"{n_whole} of {rule.n_startup_trials} runs to compare with"
        return Decision(False, last, None, reason)
    margin = -math.log1p(-rule.margin)
    if not history.logarithmic:
        margin = rule.margin * abs(history.best)
    seen = history.read_under_way(step, loss)
    if not np.isfinite(seen.value[:-1]).any():
        return Decision(False, last, None, "it has come to no phase of a run yet")
    with np.errstate(over="ignore", invalid="ignore"):  # of losses near the largest numbers
        probability = forecast().probability(seen, margin)
    chance = f"{probability:.2g} at step {last}"
    whose = f"the best of {n_whole} runs" if n_whole > 1 else "the only whole run"
    best = f"{whose}, {sign * history.best:.6g}"
    if probability < rule.epsilon:
        reason = f"its probability to beat {best}, was {chance}, below {rule.epsilon:g}"
        return Decision(True, last, probability, reason)
    return Decision(False, last, probability, f"its probability to beat {best}, is {chance}")


def _far_above(history: History, loss: Floats) -> bool:
    """Whether a run has risen far above its own start, and above where all others began."""
    curve = history.best_run.loss
    gained = float(curve[0] - curve.min()) if len(curve) else 0.0
    far = gained > 0 and float(loss[-1] - loss[0]) > _FAR * gained
    return far and float(loss[-1]) > max(history.worst_start, float(curve[0]))
