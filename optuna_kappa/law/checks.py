"""The numbers that a verdict rests on. They also show where a law is weak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa.law.contexts import Context
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.posterior import Posterior, posterior_of
from optuna_kappa.law.prior import MIXTURE, Prior
from optuna_kappa.schedules import CONSTANT

# Horizons within this factor of the largest say too little, so they are left out together with it.
APART = 2.0
_LATE = 8.0  # kappas are compared from the largest horizon down to this part of it
_MOST_LN = 700.0  # of a factor
_NORMAL = 1.645  # standard deviations of a 90 % interval


@dataclass(frozen=True)
class Shift:
    """How a schedule's optimum compares with what the other schedules predict for it.

    Attributes:
        factor: Optimal lr of the schedule, over the one predicted from the other schedules.
        low: Lower end of its 90 % interval.
        high: Upper end of it.

    Example:
        >>> shift = Shift(factor=1.5, low=1.1, high=2.0)
        >>> shift.low < 1 < shift.high  # do the schedules agree?
        False
    """

    factor: float
    low: float
    high: float


@dataclass(frozen=True)
class Checks:
    """What an engineer would check before trusting a law; None is what the runs cannot tell.

    Attributes:
        left_out: Optimum at the largest horizon minus the prediction from the horizons up to half
            of it, in standard deviations.
        kappa_cv: Coefficient of variation of kappa, over the optima that lie inside the rates
            tried, from an eighth of the largest horizon on.
        alone: Root mean square of the difference between the law and the optimum that each
            horizon shows by itself, in ln lr.
        at_edge: Number of horizons whose best learning rate was the lowest or highest tried.
        horizons: Number of horizons.
        shifts: A shift for each schedule that can be compared with others.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> checks = fit(example_runs(slope=1.0)).checks
        >>> checks.horizons, checks.at_edge, round(checks.kappa_cv, 2)
        (4, 0, 0.0)
    """

    left_out: float | None
    kappa_cv: float | None
    alone: float | None
    at_edge: int
    horizons: int
    shifts: Mapping[str, Shift]


def check(
    optima: Sequence[Optimum],
    related: Sequence[Optimum] = (),
    context: Context = (),
    prior: Prior = MIXTURE,
) -> Checks:
    """Check the law that follows from a prior, these optima and related ones of other contexts.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> law = fit(example_runs(slope=1.0))
        >>> abs(check(law.optima).left_out) < 3  # the largest horizon is where it should be
        True
    """
    inside = [optimum for optimum in optima if not optimum.at_edge]
    posterior = posterior_of((*optima, *related), prior, context)
    return Checks(
        left_out=left_out(optima, related, context, prior),
        kappa_cv=_kappa_variation(inside, _largest_horizon(optima)),
        alone=_root_mean_square_error(inside, posterior),
        at_edge=len(optima) - len(inside),
        horizons=len(optima),
        shifts=_shifts(inside, optima, context, prior),
    )


def left_out(
    optima: Sequence[Optimum],
    related: Sequence[Optimum],
    context: Context,
    prior: Prior = MIXTURE,
) -> float | None:
    """Optimum at the largest horizon minus its prediction from the shorter ones.

    Returns:
        In standard deviations of both; None if no horizon is short enough to predict from.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> law = fit(example_runs(slope=1.0))
        >>> round(left_out(law.optima, related=(), context=()), 1)
        -0.3
    """
    if not optima:
        return None

    largest = max(optima, key=_horizon)
    shorter = [optimum for optimum in optima if optimum.horizon * APART <= largest.horizon]
    if not shorter:
        return None

    posterior = posterior_of((*shorter, *related), prior, context)
    mean, sd = _predicted(posterior, largest)
    return (largest.ln_lr - mean) / float(np.hypot(sd, largest.se))


def _horizon(optimum: Optimum) -> float:
    return optimum.horizon


def _largest_horizon(optima: Sequence[Optimum]) -> float:
    return max(map(_horizon, optima), default=0.0)


def _predicted(posterior: Posterior, optimum: Optimum) -> tuple[float, float]:
    """Mean and standard deviation of ln lr that a posterior predicts where an optimum lies."""
    prediction = posterior.predict(
        optimum.horizon,
        optimum.schedule,
        optimum.mean,
        optimum.peak,
        optimum.end,
    )
    return prediction.moments


def _kappa_variation(inside: Sequence[Optimum], largest_horizon: float) -> float | None:
    """Coefficient of variation of the kappas of long horizons; None with fewer than two."""
    kappas = []
    for optimum in inside:
        is_late = optimum.horizon * _LATE >= largest_horizon
        if is_late and optimum.kappa is not None:
            kappas.append(optimum.kappa)

    if len(kappas) < 2:
        return None
    # Kappas at the end of what floats hold cannot be squared.
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        variation = float(np.std(kappas) / np.mean(kappas))
    return variation if np.isfinite(variation) else None


def _root_mean_square_error(inside: Sequence[Optimum], posterior: Posterior) -> float | None:
    """Root mean square of optima minus the law's means, in ln lr; None without optima."""
    if not inside:
        return None

    errors = []
    for optimum in inside:
        mean, _ = _predicted(posterior, optimum)
        errors.append(optimum.ln_lr - mean)

    return float(np.sqrt(np.mean(np.square(errors))))


def _shifts(
    inside: Sequence[Optimum],
    optima: Sequence[Optimum],
    context: Context,
    prior: Prior,
) -> dict[str, Shift]:
    """Shift of each schedule, apart from the constant rate, that can be compared with others."""
    shifts = {}
    schedules = {optimum.schedule for optimum in optima}
    for schedule in sorted(schedules - {CONSTANT}):
        seen = [optimum for optimum in inside if optimum.schedule == schedule]
        others = [optimum for optimum in optima if optimum.schedule != schedule]
        if seen and others:
            largest = max(seen, key=_horizon)
            shifts[schedule] = _shift(largest, Posterior(others, prior, context))

    return shifts


def _shift(optimum: Optimum, others: Posterior) -> Shift:
    """Shift of a schedule's optimum from what the posterior of other schedules predicts."""
    mean, sd = _predicted(others, optimum)
    difference = optimum.ln_lr - mean

    # The prediction has an error, and so has the optimum.
    error = _NORMAL * float(np.hypot(sd, optimum.se))

    ln_factors = [
        difference,
        difference - error,
        difference + error,
    ]
    # A factor of e^700 says as much as a larger one, which no float would hold.
    factor, low, high = np.exp(np.clip(ln_factors, -_MOST_LN, _MOST_LN)).tolist()
    return Shift(factor, low, high)
