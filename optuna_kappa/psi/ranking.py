"""Which schedule ends lowest at a horizon, each with its best peak rate, by the loss law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa._validation import POSITIVE
from optuna_kappa.psi.loss_law import LossLaw
from optuna_kappa.psi.planned import planned
from optuna_kappa.psi.psi import Psi
from optuna_kappa.psi.terms import Terms
from optuna_kappa.schedules import Schedule, constant, cosine, linear, step, wsd

_RATES = 80  # tried for each schedule; neighbours differ by less than a tenth
_LOWEST = 1e-3  # smallest of them, as a share of the largest fitted rate
_EDGE = 1.0001
_END = slice(-1, None)


@dataclass(frozen=True)
class Ranked:
    """A schedule at its best peak rate.

    Args:
        schedule: The schedule.
        lr: Its best base rate, within the fitted rates; the only one, if the runs share a peak.
        at_edge: Whether that is the largest fitted rate, so that a larger one may be better.
        loss: Expected loss at the end.
        error: Standard error of it.
        above: Expected loss above that of the best schedule, as a share of it.
        chance: Probability that it is the best of all, by the law's errors.
        beyond: What of it lies outside the fitted curves; '' if nothing does.
    """

    schedule: Schedule
    lr: float
    at_edge: bool
    loss: float
    error: float
    above: float
    chance: float
    beyond: str


def rank(law: LossLaw, horizon: float) -> list[Ranked]:
    """Rank the constant rate, cosine, linear, halving, WSD and Psi's own schedule, best first.

    None has a warm-up, which would cost all of them the same.

    Args:
        law: The loss law.
        horizon: Data of the planned run.

    Raises:
        ValueError: If the horizon is not above 0.

    Example:
        >>> values = np.array([2, -1, -0.7, -0.5, 3, 0.6, -0.6, 0, 0.3])
        >>> law = LossLaw(values, np.eye(9) * 1e-4, 0.4, 20.0, 1e-4, 0.005)
        >>> ranked = rank(law, horizon=1000)
        >>> ranked[0].schedule.name, ranked[-1].schedule.name
        ('psi(horizon=1000)', 'constant')
    """
    horizon = POSITIVE.check("horizon", horizon, "it is the data of the planned run")
    psi = Psi.from_law(law, horizon)
    common = [constant(), cosine(), linear(), step(n=8), wsd(warmup=0)]
    best = [(schedule, _best_lr(law, schedule, horizon)) for schedule in common]
    best.append((psi.open_loop(), psi.peak_lr()))

    curves = [planned(schedule, lr, horizon) for schedule, lr in best]
    ends = np.array([_ends(law, Terms.of(one, law.rate_unit, law.kappa_unit)) for one in curves])
    winners = ends.argmin(axis=0)
    predictions = [law.predict(one) for one in curves]
    lowest = min(float(one.loss[-1]) for one in predictions)

    ranked = []
    for row, ((schedule, lr), predicted) in enumerate(zip(best, predictions, strict=True)):
        loss = float(predicted.loss[-1])
        ranked.append(
            Ranked(
                schedule=schedule,
                lr=lr,
                at_edge=lr * _EDGE >= law.rate_unit,
                loss=loss,
                error=float(predicted.error[-1]),
                above=loss / lowest - 1,
                chance=float(np.mean(winners == row)),
                beyond=predicted.beyond,
            )
        )
    return sorted(ranked, key=lambda one: one.loss)


def _best_lr(law: LossLaw, schedule: Schedule, horizon: float) -> float:
    lowest = law.rate_unit if law.one_peak else max(law.rate_low, _LOWEST * law.rate_unit)
    rates = np.unique(np.geomspace(lowest, law.rate_unit, _RATES))
    ends = [law.loss(planned(schedule, float(rate), horizon))[-1] for rate in rates]
    return float(rates[int(np.argmin(ends))])


def _ends(law: LossLaw, terms: Terms) -> Floats:
    """Loss at the end for each draw of the law's parameters, the same draws for all schedules."""
    return np.array([terms.loss(draw, _END)[0] for draw in law.draws()])
