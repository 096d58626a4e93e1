r"""Prior covariance of the excess of runs over phases: how much one run says about another.

For runs i and k at phases u and v (fractions of the horizon), with [x] = 1 if x holds and else 0,

    cov(z_i(u), z_k(v)) =   sum_j a_j T_j(u, v) (w_j R(i, k) + (1 - w_j) [i = k])     progress
                          + a_K K(i u, k v)                                            kappa
                          + a_C C(u, v)                                                common
                          + 25                                                         mean
                          + s(u)^2 [i = k] [u = v]                                     noise

Progress: T_j says how an excess goes on: at its level, with a trend in ln u, with a trend in u, or
wandering. A part w_j of it is shared by neighbors. R falls with the distance of two runs'
parameters, so that neighbors do alike: runs at a lower learning rate catch up in the way in which
others at a lower rate did.

Kappa: the law's part. K is largest where the runs have had the same kappa, and falls with the
difference of ln lr + ln u (and of the other parameters). So a run at half the rate is where
another one was at half the data. Where the optimum has moved by the end of that other run follows
from this. It is one part among others: how far it holds is for the runs to say.

Common: C is the same for all runs. Mean: the prior variance of one constant mean.

The constants a, w, s, lengths and q are in `constants.py`.
"""

from __future__ import annotations

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.constants import FITTED

_MEAN_VARIANCE = 25.0  # of z; so wide that the mean is all but free


def prior_covariance(
    ln_lr: Floats,
    others: Floats,
    phases: Floats,
) -> Floats:
    """Prior covariance of the excess of n runs at K phases, run by run, shape `(n K, n K)`.

    Args:
        ln_lr: Natural logarithms of the learning rates, shape `(n,)`.
        others: Other parameters, in parts of their ranges, shape `(n, p)`.
        phases: Fractions of the horizon, ascending, shape `(K,)`.

    Example:
        A run at half the rate says less about a run than one at nearly the same rate:

        >>> ln_lr = np.log([1e-3, 0.9e-3, 0.5e-3])
        >>> final = prior_covariance(ln_lr, np.empty((3, 0)), phases=np.array([1.0]))
        >>> final[0].round(2).tolist()
        [26.03, 26.01, 25.9]
    """
    n = len(ln_lr)
    k = len(phases)
    other_distance = _square_distance(others)
    shared, own = _progress(phases)

    covariance = _kappa_part(ln_lr, other_distance, phases)
    likeness = _likeness(ln_lr, other_distance)
    covariance += np.kron(likeness, shared) + _MEAN_VARIANCE
    common = _common_part(phases)
    covariance += np.tile(common, (n, n))

    run = np.arange(n)
    by_run_and_phase = covariance.reshape(n, k, n, k)  # a view
    by_run_and_phase[run, :, run, :] += own
    return covariance


def _square_distance(others: Floats) -> Floats:
    """o^2 = sum of (difference / L_o)^2 over the other parameters, shape `(n, n)`."""
    difference = others[:, None] - others
    squares = np.square(difference / FITTED.other_length)
    return np.asarray(squares.sum(axis=2))


def _likeness(ln_lr: Floats, other_distance: Floats) -> Floats:
    """R = (1 + r^2 / 2 q)^-q with r^2 = (difference of ln lr / L_lr)^2 + o^2, shape `(n, n)`."""
    difference = ln_lr[:, None] - ln_lr
    distance = np.square(difference / FITTED.lr_length) + other_distance
    tail = FITTED.neighbor_tail
    return np.asarray((1 + distance / (2 * tail)) ** -tail)


def _progress(phases: Floats) -> tuple[Floats, Floats]:
    """How an excess goes on: what neighbors share, and what is a run's own, shape `(K, K)` each.

    T_1 = 1,  T_2 = lg u lg v,  T_3 = (u - 1) (v - 1),  T_4 = exp(-|lg u - lg v| / m)

    shared = sum_j w_j a_j T_j;  own = sum_j (1 - w_j) a_j T_j + s(u)^2 [u = v]
    """
    k = len(phases)
    lg_u = np.log10(phases)

    level = FITTED.level_variance * np.ones((k, k))
    log_trend = FITTED.log_trend_variance * np.outer(lg_u, lg_u)
    to_go = phases - 1
    trend = FITTED.trend_variance * np.outer(to_go, to_go)
    apart = np.abs(lg_u[:, None] - lg_u)
    wander = FITTED.wander_variance * np.exp(-apart / FITTED.wander_memory)

    shared = (
        FITTED.level_shared * level
        + FITTED.log_trend_shared * log_trend
        + FITTED.trend_shared * trend
        + FITTED.wander_shared * wander
    )

    noise = np.full(k, FITTED.noise_sd**2)
    noise[-1] = FITTED.noise_sd_last**2
    own = (
        (1 - FITTED.level_shared) * level
        + (1 - FITTED.log_trend_shared) * log_trend
        + (1 - FITTED.trend_shared) * trend
        + (1 - FITTED.wander_shared) * wander
        + np.diag(noise)
    )
    return shared, own


def _kappa_part(
    ln_lr: Floats,
    other_distance: Floats,
    phases: Floats,
) -> Floats:
    """a_K K, shape `(n K, n K)`, with ln kappa = ln lr + ln u up to a constant.

    K = exp(-(difference of ln kappa / L_K)^2 / 2) / (1 + o^2 / 2)
    """
    k = len(phases)
    ln_u = np.log(phases)
    ln_kappa = np.add.outer(ln_lr, ln_u).ravel()
    distance = (ln_kappa[:, None] - ln_kappa) / FITTED.kappa_length

    part = np.exp(-0.5 * distance**2)
    variance = FITTED.kappa_variance / (1 + other_distance / 2)
    part *= np.kron(variance, np.ones((k, k)))  # in place: the matrix is large
    return np.asarray(part)


def _common_part(phases: Floats) -> Floats:
    """a_C C with C = exp(-(difference of ln u / L_C)^2 / 2), shape `(K, K)`."""
    ln_u = np.log(phases)
    distance = (ln_u[:, None] - ln_u) / FITTED.common_length
    return np.asarray(FITTED.common_variance * np.exp(-0.5 * distance**2))
