"""Whether a run under way should end: decisions as functions of plain arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa._validation import FRACTION, LARGEST_LOSS, check_count
from optuna_kappa.pruning.forecast import Forecast
from optuna_kappa.pruning.history import History
from optuna_kappa.runs.table import SAME_HORIZON

# A loss that has risen above the run's own start by more than this many times the gain of the best
# run has diverged.
_FAR = 10.0


@dataclass(frozen=True)
class Rule:
    """When a run is ended.

    Attributes:
        epsilon: A run ends when its probability to become the best is below this.
        margin: Part of the best loss by which a run would have to be better.
        n_startup_trials: Number of runs that must have reached the horizon before any run is ended
            for its forecast.

    Raises:
        ValueError: A value is outside its range.

    Example:
        End runs that have less than 2 % of a chance to beat the best by 1 %:

        >>> rule = Rule(epsilon=0.02, margin=0.01, n_startup_trials=4)
    """

    epsilon: float
    margin: float
    n_startup_trials: int

    def __post_init__(self) -> None:
        remedy = "it is a probability, and 0 prunes nothing for its forecast"
        FRACTION.check("epsilon", self.epsilon, remedy)

        remedy = "it is a part of the best loss: 0.01 asks for 1 % less"
        FRACTION.check("margin", self.margin, remedy)

        remedy = "a run is compared with runs that reached the horizon"
        check_count("n_startup_trials", self.n_startup_trials, remedy)


class Decision(NamedTuple):
    """What was decided about a run.

    Attributes:
        prune: Whether the run should end.
        step: Its last step.
        probability: Probability to become the best by the margin; None where it was not needed.
        reason: Why, in a sentence.

    Example:
        >>> decision = Decision(prune=True, step=40, probability=0.003, reason="too far behind")
        >>> decision._asdict()
        {'prune': True, 'step': 40, 'probability': 0.003, 'reason': 'too far behind'}
    """

    prune: bool
    step: int
    probability: float | None
    reason: str


def ends_anyway(reports: Mapping[int, float], horizon: int | None) -> str | None:
    """Why a run has to end, whatever other runs did; None if it does not have to.

    Args:
        reports: Losses by step.
        horizon: Step at which a probe ends; None for a full run.

    Example:
        >>> ends_anyway({10: 0.9, 20: math.nan}, horizon=None)
        'diverged: its loss at step 20 is nan'
        >>> ends_anyway({10: 0.9, 20: 0.7}, horizon=20)
        'a probe, planned to end at step 20'
    """
    if not reports:
        return None

    last = max(reports)
    if not abs(reports[last]) <= LARGEST_LOSS:
        return f"diverged: its loss at step {last} is {reports[last]}"

    if horizon is not None and last >= horizon:
        return f"a probe, planned to end at step {horizon}"

    return None


def is_due(history: History | None, step: Floats, judged: float | None = None) -> bool:
    """Whether a run is to be judged now: once in each phase, at its first report there.

    While no run has reached the horizon, the phases are not known. A run is then due whenever the
    number of its reports is a power of two. At the horizon nothing is left to save, so no run is
    due there.

    Args:
        history: Other runs; None while none has reached the horizon.
        step: Steps of its reports, ascending, above 0, shape `(n,)`.
        judged: Step at which it was last judged; by default its last report but one.

    Example:
        >>> from optuna_kappa.pruning import example_history
        >>> history = example_history()  # its first phases are 5, 10 and 15 % of 100 steps
        >>> steps = np.array([4.0, 5.0, 6.0, 10.0])
        >>> [is_due(history, steps[:n]) for n in (1, 2, 3, 4)]
        [False, True, False, True]
    """
    n = len(step)
    if history is None or not n:
        is_power_of_two = n & (n - 1) == 0
        return n > 0 and is_power_of_two

    if judged is None:
        judged = float(step[-2]) if n > 1 else 0.0

    begins = history.phases[:-1] * (1 - SAME_HORIZON)
    fractions = np.array([judged, step[-1]]) / history.horizon
    phase_judged, phase_now = np.searchsorted(begins, fractions)

    enters_phase = phase_now > phase_judged
    asked_again = judged == step[-1]
    before_end = fractions[1] < 1 - SAME_HORIZON
    return bool((enters_phase or asked_again) and before_end)


def judge(
    history: History,
    forecast: Callable[[], Forecast],
    step: Floats,
    loss: Floats,
    rule: Rule,
    sign: float = 1.0,
) -> Decision:
    """Decide whether a run under way should end, by what other runs did.

    Args:
        history: Finished runs of the same horizon and schedule.
        forecast: Returns the forecast of this run; called only if it is needed.
        step: Steps of its reports, ascending, above 0, shape `(n,)`.
        loss: Finite losses, shape `(n,)`.
        rule: When to end it.
        sign: Factor of the losses in the reason; -1 where the study maximizes.

    Example:
        Half of its run, a rate of 1e-5 is too slow to catch up:

        >>> from optuna_kappa.pruning import Place, example_curve, example_history, forecast
        >>> history, place = example_history(), Place(math.log(1e-5), np.empty(0))
        >>> step, loss = example_curve(lr=1e-5)
        >>> rule = Rule(epsilon=0.02, margin=0.0, n_startup_trials=4)
        >>> judge(history, lambda: forecast(history, place), step[:10], loss[:10], rule).prune
        True
    """
    last = int(step[-1])
    if _has_diverged(history, loss):
        divergence = _divergence(step, loss, sign)
        return Decision(True, last, probability=None, reason=divergence)

    n_whole = int(history.whole.sum())
    if n_whole < rule.n_startup_trials:
        reason = f"{n_whole} of {rule.n_startup_trials} runs to compare with"
        return Decision(False, last, probability=None, reason=reason)

    seen = history.read_under_way(step, loss)
    reached = np.isfinite(seen.value[:-1])
    if not reached.any():
        reason = "it has not reached a phase at which runs are compared yet"
        return Decision(False, last, probability=None, reason=reason)

    margin = _margin(history, rule)
    with np.errstate(over="ignore", invalid="ignore"):  # losses near the largest numbers
        probability = forecast().probability(seen, margin)

    prune = probability < rule.epsilon
    best = _best(history, sign)
    chance = f"{probability:.2g} at step {last}"
    outcome = f"was {chance}, below {rule.epsilon:g}" if prune else f"is {chance}"
    return Decision(prune, last, probability, f"its probability to beat {best}, {outcome}")


def _best(history: History, sign: float) -> str:
    """The best run and its loss, in words."""
    n_whole = int(history.whole.sum())
    run = f"the best of {n_whole} runs" if n_whole > 1 else "the only whole run"
    return f"{run}, {sign * history.best:.6g}"


def _margin(history: History, rule: Rule) -> float:
    """How much lower the run must end, in ln loss or, without logarithms, in loss."""
    if history.logarithmic:
        return -math.log1p(-rule.margin)
    return rule.margin * abs(history.best)


def _has_diverged(history: History, loss: Floats) -> bool:
    """Whether a run has risen far above its own start, and above where all others began."""
    best_curve = history.best_run.loss
    gained = float(best_curve[0] - best_curve.min()) if len(best_curve) else 0.0

    risen = float(loss[-1] - loss[0])
    is_far_above_start = gained > 0 and risen > _FAR * gained
    if not is_far_above_start:
        return False

    highest_start = max(history.worst_start, float(best_curve[0]))
    return float(loss[-1]) > highest_start


def _divergence(step: Floats, loss: Floats, sign: float) -> str:
    """How a run has diverged, in a sentence."""
    change = "loss rose" if sign > 0 else "value fell"
    start = f"{sign * loss[0]:.4g} at step {int(step[0])}"
    end = f"{sign * loss[-1]:.4g} at step {int(step[-1])}"
    return (
        f"diverged: its {change} from {start} to {end}, "
        f"more than {_FAR:g} times what the best run gained"
    )
