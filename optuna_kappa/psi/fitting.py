"""Fit of the loss law to curves: robust least squares of log losses, with weak priors.

Residuals of neighbouring records of a curve share their cause, the misfit of the law, so that a
curve counts as `_INDEPENDENT` records however densely it was recorded. The priors keep beta from
going to 0 where the curves do not tell: the noise that annealing removes would have no end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.optimize import OptimizeResult, least_squares

from optuna_kappa._typing import Floats
from optuna_kappa.psi.curve import Curve
from optuna_kappa.psi.loss_law import PARAMETERS, LossLaw, Terms

_SCALE = 1e-3  # relative residual from which on Huber's loss is linear; as in arXiv 2503.12811
_INDEPENDENT = 20.0  # independent records a curve
_BETA = (np.log(0.6), 1.0)  # mean and standard deviation of ln beta; fits of arXiv 2503.12811
_GAMMA = (0.6, 0.5)  # ... and of gamma; their fits are between 0.4 and 0.7
_LEAST_LOSS = 1e-6  # a share of the smallest loss; predictions below have no logarithm
# Starts. Annealing to 0 gains 0.03 to 0.3 of the loss, within 1/300 to 1/3 of all kappa.
_STARTS = tuple(product((0.03, 0.2), (3.0, 30.0, 300.0), (0.3, 0.9)))


def fit(curves: Sequence[Curve]) -> LossLaw:
    """Fit the law to curves of runs of one model.

    Args:
        curves: Curves, of which at least one has a rate that changes: what annealing gains
            cannot be told from constant rates.

    Raises:
        ValueError: If there are too few records or the rate never changes.

    Example:
        >>> step = np.arange(1.0, 41.0)
        >>> rate = np.where(step < 20, 1.0, 0.2)
        >>> truth = LossLaw(np.array([2, 0, -0.7, -1, 3, 0.5, -0.5]), np.eye(7), 1, 23, 0.2, 0)
        >>> loss = truth.predict(Curve("a", step, rate, step)).loss
        >>> bool(abs(fit([Curve("a", step, rate, loss)]).values[0] - 2) < 0.1)
        True
    """
    _check(curves)
    rate_unit = float(max(curve.rate.max() for curve in curves))
    kappa_unit = float(max(curve.kappa[-1] for curve in curves))
    terms = [Terms.of(curve, rate_unit, kappa_unit) for curve in curves]
    losses = [curve.loss for curve in curves]

    found = _best(terms, losses)
    relative = [term.loss(found.x) / loss - 1 for term, loss in zip(terms, losses, strict=True)]
    scatter = float(np.sqrt(np.mean(np.concatenate(relative) ** 2)))
    return LossLaw(
        values=found.x,
        covariance=_covariance(found),
        rate_unit=rate_unit,
        kappa_unit=kappa_unit,
        rate_low=float(min(curve.rate.min() for curve in curves)),
        scatter=scatter,
    )


def _check(curves: Sequence[Curve]) -> None:
    records = sum(len(curve.step) for curve in curves)
    if records <= len(PARAMETERS):
        raise ValueError(
            f"the curves must have more than {len(PARAMETERS)} records together, got {records}"
        )
    if not any(len(curve.changes[0]) for curve in curves):
        raise ValueError(
            "the rate must change in at least one curve, but is constant in all; "
            "add a run whose rate decays"
        )


def _best(terms: Sequence[Terms], losses: Sequence[Floats]) -> OptimizeResult:
    least = float(min(loss.min() for loss in losses))
    spread = float(max(loss.max() for loss in losses)) - least

    def residuals(values: Floats) -> Floats:
        parts = [_prior(values)]
        for term, loss in zip(terms, losses, strict=True):
            ratio = np.maximum(term.loss(values), _LEAST_LOSS * least) / loss
            weight = np.sqrt(min(1.0, _INDEPENDENT / len(loss)))
            parts.append(np.log(ratio) / _SCALE * weight)
        return np.concatenate(parts)

    best = None
    for gain, speed, gamma in _STARTS:
        start = [0.9 * least, np.log(0.1 * least + 0.1 * spread), np.log(0.4)]
        start += [np.log(gain * least), np.log(speed), gamma, _BETA[0]]
        found = least_squares(residuals, start, loss="huber", x_scale="jac", max_nfev=300)
        if best is None or found.cost < best.cost:
            best = found
    return best


def _prior(values: Floats) -> Floats:
    gamma, log_beta = values[5:]
    return np.array([(gamma - _GAMMA[0]) / _GAMMA[1], (log_beta - _BETA[0]) / _BETA[1]])


def _covariance(found: OptimizeResult) -> Floats:
    # The Jacobian is scaled by the robust loss, so its square is the curvature of the cost. The
    # residuals' own size stands for the noise where it is above the assumed scale.
    size = max(1.0, 2 * found.cost / len(found.fun))
    return np.asarray(np.linalg.pinv(found.jac.T @ found.jac) * size, dtype=float)
