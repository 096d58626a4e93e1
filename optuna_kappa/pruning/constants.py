"""The constants of the forecast, fitted to replayed searches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ForecastConstants:
    """What a forecast assumes about learning curves before it has seen any.

    Variances are those of the excess z, which has no unit; u is the fraction of the horizon done.
    The symbols are those of the formulas in `covariance.py` (a, w, L, m, q, s), `excess.py`
    (c, S) and `calibration.py` (N, V, F, G).

    Source: all were fitted together to the replays of `python -m studies.replay pruners`, on runs
    on MNIST, on TaskSet, and on others that docs/pruning.md describes.

    Attributes:
        level_variance: a_1, variance of the level at which an excess stays.
        level_shared: w_1, part of that variance that runs with the same parameters share.
        log_trend_variance: a_2, variance of the trend in lg u, per decade of u.
        log_trend_shared: w_2, part of it that runs with the same parameters share.
        trend_variance: a_3, variance of the trend in u, per whole horizon.
        trend_shared: w_3, part of it that runs with the same parameters share.
        wander_variance: a_4, variance of an excess that wanders.
        wander_shared: w_4, part of it that runs with the same parameters share.
        wander_memory: m, length over which wandering is remembered, in lg u (decades of u).
        neighbor_tail: q; the smaller, the more slowly the likeness of runs falls with distance.
        lr_length: L_lr, length over which runs are alike, in ln lr.
        other_length: L_o, the same for another parameter, in parts of its range.
        kappa_variance: a_K, variance of the part that depends on kappa.
        kappa_length: L_K, length of that part in ln kappa.
        common_variance: a_C, variance of the part that is common to all runs.
        common_length: L_C, length of that part in ln u.
        noise_sd: s, standard deviation of z at a phase, besides the scatter of reports.
        noise_sd_last: s_K, the same at the last phase, the final loss.
        scatter_share: S, part of the variance of a run's scatter that is noise of z at a phase.
        scatter_share_last: S_K, the same at the last phase, the final loss.
        unit_share: c, the unit of excess, as a part of what the best run gained.
        prior_misses: N, weight of the prior on the squares of misses, in runs.
        prior_square: V, what that prior expects of a square, in units of the forecast's variance.
        prior_dof: F, degrees of freedom of a forecast's tails, besides those of the misses.
        behind_discount: G; the larger, the less the misses of runs behind the best count.

    Example:
        >>> FITTED.unit_share  # z = ln 2 where a run is behind by 30.5 % of what the best gained
        0.305
    """

    level_variance: float = 0.456
    level_shared: float = 0.994
    log_trend_variance: float = 0.105
    log_trend_shared: float = 0.992
    trend_variance: float = 0.594
    trend_shared: float = 0.998
    wander_variance: float = 0.0634
    wander_shared: float = 0.961
    wander_memory: float = 0.415

    neighbor_tail: float = 1.28
    lr_length: float = 1.1
    other_length: float = 0.353

    kappa_variance: float = 0.135
    kappa_length: float = 1.0
    common_variance: float = 0.368
    common_length: float = 0.7

    noise_sd: float = 0.0561
    noise_sd_last: float = 0.0837
    scatter_share: float = 0.0486
    scatter_share_last: float = 0.0251
    unit_share: float = 0.305

    prior_misses: float = 1.0
    prior_square: float = 1.0
    prior_dof: float = 4.0
    behind_discount: float = 0.779


FITTED = ForecastConstants()
