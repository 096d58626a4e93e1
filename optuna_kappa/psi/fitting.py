"""Fit of the loss law to curves: robust least squares of log losses, with weak priors.

Residuals of neighbouring records of a curve share their cause, the misfit of the law, so that a
curve counts as `_INDEPENDENT` records however densely it was recorded. The priors hold what the
curves do not tell: without one, beta would go to 0, and the noise that annealing removes would
have no end. Runs that share a peak tell neither q nor delta, which then stay 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.optimize import OptimizeResult, least_squares
from scipy.special import expit, logit

from optuna_kappa._typing import Floats
from optuna_kappa.psi.curve import Curve
from optuna_kappa.psi.loss_law import LossLaw
from optuna_kappa.psi.terms import PARAMETERS, Terms

# Relative residual from which on Huber's loss is linear: how far the law itself is off, which in
# arXiv 2503.12811 is 0.1 to 0.2 % in the mean and 0.4 to 1 % at worst on schedules not fitted.
_SCALE = 3e-3
_FIRST_SCALE = 0.1  # ... at first, and for curves that the law does not fit: the priors then count
_DEVIATION = 1.48  # standard deviation of a normal variable over its median absolute value
_INDEPENDENT = 20.0  # independent records a curve
# Means and standard deviations. Those of beta and gamma hold the fits of arXiv 2503.12811, that of
# C the starts below. Weak ones keep q near the paper's clock and delta where noise only grows.
_PRIORS = {
    "log_c": (np.log(30.0), 4.0),
    "gamma": (0.6, 0.5),
    "log_beta": (np.log(0.6), 1.0),
    "log_clock": (0.0, 0.3),
    "log_delta": (0.0, 1.0),
}
_LOWEST = 0.5  # loss without noise over the smallest one measured, before anything is known
_LOWEST_LOG = 2.0  # standard deviation of its logarithm
_LARGEST_LOG = 200.0  # steps of the search go far into the tails, where exp would overflow
_LARGEST_POWER = 3.0  # of ln q, as in `Terms`
_LEAST_LOSS = 1e-6  # a share of the smallest loss; predictions below have no logarithm
# Starts. Annealing to 0 gains about a tenth of the loss, within 1/300 to 1/3 of all kappa.
_STARTS = tuple(product((0.1,), (3.0, 30.0, 300.0), (0.3, 0.9)))
_FIRST_STEPS = 12  # of every start, before the best ones go on
_GO_ON = 2  # so many of them
_LAST_STEPS = 200
_ONE_PEAK = 1.05  # the first record of a decay may be so much below the peak


def fit(curves: Sequence[Curve]) -> LossLaw:
    """Fit the law to curves of runs of one model.

    Args:
        curves: Curves whose rates differ: best are several peaks, and a run whose rate decays.
            What annealing gains is little more than a guess if all rates are constant.

    Raises:
        ValueError: If there are too few records or the rate never changes.

    Example:
        >>> step = np.arange(1.0, 41.0)
        >>> rate = np.where(step < 20, 1.0, 0.2)
        >>> values = np.array([2, 0, -0.7, -1, 3, 0.5, -0.5, 0, 0])
        >>> truth = LossLaw(values, np.eye(9), 1, 23, 0, 0)
        >>> loss = truth.predict(Curve("a", step, rate, step)).loss
        >>> bool(abs(fit([Curve("a", step, rate, loss)]).values[0] - 2) < 0.1)
        True
    """
    _check(curves)
    rate_unit = float(max(curve.rate.max() for curve in curves))
    kappa_unit = float(max(curve.kappa[-1] for curve in curves))
    terms = [Terms.of(curve, rate_unit, kappa_unit) for curve in curves]

    peaks = [float(curve.rate.max()) for curve in curves]
    n_free = len(PARAMETERS) - 2 * (max(peaks) <= min(peaks) * _ONE_PEAK)
    found = _best(terms, curves, n_free)
    values = _all_values(found.x)
    covariance = np.zeros((len(PARAMETERS), len(PARAMETERS)))
    covariance[:n_free, :n_free] = _covariance(found)

    relative = []
    for term, curve in zip(terms, curves, strict=True):
        at = curve.measured
        relative.append(term.loss(values, at) / curve.loss[at] - 1)
    scatter = float(np.sqrt(np.mean(np.concatenate(relative) ** 2)))
    return LossLaw(
        values=values,
        covariance=covariance,
        rate_unit=rate_unit,
        kappa_unit=kappa_unit,
        rate_low=float(min(curve.rate.min() for curve in curves)),
        scatter=scatter,
    )


def _check(curves: Sequence[Curve]) -> None:
    records = sum(int(curve.measured.sum()) for curve in curves)
    if records <= len(PARAMETERS):
        raise ValueError(
            f"the curves must have more than {len(PARAMETERS)} measured losses together, got "
            f"{records}: add runs, or record the loss more often."
        )
    rates = np.concatenate([curve.rate for curve in curves])
    if rates.max() <= rates.min() * _ONE_PEAK:
        raise ValueError(
            "the rate must change in at least one curve, but is the same in all; add a run whose "
            "rate decays"
        )


def _best(terms: Sequence[Terms], curves: Sequence[Curve], n_free: int) -> OptimizeResult:
    measured = [curve.measured for curve in curves]
    losses = [curve.loss[at] for curve, at in zip(curves, measured, strict=True)]
    least = float(min(loss.min() for loss in losses if len(loss)))
    spread = float(max(loss.max() for loss in losses if len(loss))) - least

    def relative(values: Floats) -> list[Floats]:
        logs = []
        for term, loss, at in zip(terms, losses, measured, strict=True):
            ratio = np.maximum(term.loss(values, at), _LEAST_LOSS * least) / loss
            logs.append(np.log(ratio))
        return logs

    def residuals(free: Floats, scale: float) -> Floats:
        values = _all_values(free)
        priors = _prior(values)[: n_free + len(_PRIORS) - len(PARAMETERS)]
        lowest = (free[0] - np.log(_LOWEST * least)) / _LOWEST_LOG
        parts = [priors, np.array([lowest])]
        for logs in relative(values):
            weight = np.sqrt(min(1.0, _INDEPENDENT / max(1, len(logs))))
            parts.append(logs / scale * weight)
        return np.concatenate(parts)

    def descend(start: Floats, steps: int, scale: float) -> OptimizeResult:
        return least_squares(
            residuals, start, loss="huber", x_scale="jac", max_nfev=steps, args=(scale,)
        )

    tried = []
    for gain, speed, part in _STARTS:
        start = [np.log(0.6 * least), np.log(0.1 * least + 0.1 * spread), np.log(0.4)]
        start += [
            np.log(gain * least),
            np.log(speed),
            logit(part),
            _PRIORS["log_beta"][0],
            0.0,
            0.0,
        ]
        tried.append(descend(np.array(start[:n_free]), _FIRST_STEPS, _FIRST_SCALE))

    tried.sort(key=lambda one: float(one.cost))
    misfit = np.abs(np.concatenate(relative(_all_values(tried[0].x))))
    scale = float(np.clip(_DEVIATION * np.median(misfit), _SCALE, _FIRST_SCALE))
    ended = [descend(one.x, _LAST_STEPS, scale) for one in tried[:_GO_ON]]
    return min(ended, key=lambda one: float(one.cost))


def _all_values(free: Floats) -> Floats:
    """The parameters of what is searched.

    L0 is searched as ln(L0 - B), which keeps losses above 0, and gamma as the logit of gamma / q:
    with a gamma above q, a fall of the rate to nothing would remove all noise at once. The last
    two are 0, as q = delta = 1, unless they are searched.
    """
    fixed = [0.0, 0.0] if len(free) < len(PARAMETERS) else []
    values = np.concatenate([free, fixed])
    lowest, noise = np.exp(np.clip(values[[0, 3]], -_LARGEST_LOG, _LARGEST_LOG))
    values[0] = lowest + noise
    values[5] = np.exp(np.clip(values[7], -_LARGEST_POWER, _LARGEST_POWER)) * expit(values[5])
    return values


def _prior(values: Floats) -> Floats:
    known = dict(zip(PARAMETERS, values, strict=True))
    return np.array([(known[name] - mean) / sd for name, (mean, sd) in _PRIORS.items()])


def _covariance(found: OptimizeResult) -> Floats:
    # The Jacobian is scaled by the robust loss, so its square is the curvature of the cost. The
    # residuals' own size stands for the noise where it is above the assumed scale.
    size = max(1.0, 2 * found.cost / len(found.fun))
    searched = np.linalg.pinv(found.jac.T @ found.jac) * size

    # Slopes of the parameters by what is searched; see `_all_values`.
    x = found.x
    slopes = np.eye(len(x))
    slopes[0, [0, 3]] = np.exp(x[[0, 3]])
    gamma = _all_values(x)[5]
    slopes[5, 5] = gamma * (1 - expit(x[5]))
    if len(x) == len(PARAMETERS):
        slopes[5, 7] = gamma
    return np.asarray(slopes @ searched @ slopes.T, dtype=float)
