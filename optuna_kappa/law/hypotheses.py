"""The hypotheses that `optuna_kappa.law.posterior` weighs, and their prior probabilities.

A hypothesis is one combination of a class of slopes, a ceiling and a size of the bias of other
tables. Given these, the law is Gaussian. With u = ln(d_max / d), the depth of a horizon below the
largest one, the slope s moves the optimum by s L(u):

    L(u) = S(u) - S(0),    S(u) = u - BEND ln(1 + exp((u - u_c) / BEND))

L is u, bent around a ceiling u_c: horizons well below d_max exp(-u_c) share one lr. It takes a
factor of about e^(4 BEND) = 7 in the horizon to go from no movement to the full slope, as Adam's
optimum does on MNIST.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats, Rows
from optuna_kappa.law.kernel import integrated_walk, steepening
from optuna_kappa.law.prior import Prior, SlopeClass

# Prior of the bias of other tables (a smaller model, a past study), as (weight, sd): either they
# carry over, or they are about something else. The optima found at the target decide.
BIASES = ((0.9, 0.1), (0.1, 2.0))
BEND = 0.5
_NO_CEILING = 1e3  # a depth below all horizons
_CEILINGS = 12
# Means of 13 equally likely parts of a standard normal distribution: ceilings that are known.
_STANDARD_NORMAL = np.array(
    [-1.9, -1.25, -0.89, -0.63, -0.4, -0.2, 0.0, 0.2, 0.4, 0.63, 0.89, 1.25, 1.9]
)
_AHEAD = 1.4  # ceilings reach up to exp(1.4) = 4 times the largest horizon


class Hypotheses(NamedTuple):
    """All combinations of a slope's class, a ceiling and a bias, k of them.

    Attributes:
        prior: Prior probabilities, shape `(k,)`.
        slope_mean: Means of the slope's class, shape `(k,)`.
        slope_sd: Standard deviations of the slope's class, shape `(k,)`.
        ceiling: Depths u_c, shape `(k,)`; negative if it lasts beyond the largest horizon.
        bias_sd: Standard deviations of the bias of other tables, shape `(k,)`.
        drift: Standard deviations of the drift of the slope, for a unit of ln D, shape `(k,)`.
        steepening: How fast the slope grows to 1 beyond the largest horizon, shape `(k,)`.
        slope_class: Which of the prior's classes the slope is of, shape `(k,)`.

    Example:
        >>> from optuna_kappa.law.prior import MIXTURE
        >>> hypotheses = combine_hypotheses(MIXTURE, 64.0, deepest=4.0, several_tables=False)
        >>> round(float(hypotheses.prior.sum()), 6)
        1.0
    """

    prior: Floats
    slope_mean: Floats
    slope_sd: Floats
    ceiling: Floats
    bias_sd: Floats
    drift: Floats
    steepening: Floats
    slope_class: Rows

    def lever(self, depths: Floats) -> Floats:
        """Factor L(u) that the slope is multiplied by, shape `(k, n)`.

        Args:
            depths: Depths u below the largest horizon, shape `(n,)`.

        Example:
            >>> from optuna_kappa.law.prior import MIXTURE
            >>> hypotheses = combine_hypotheses(MIXTURE, 64.0, deepest=4.0, several_tables=False)
            >>> hypotheses.lever(np.array([0.0, 2.0, -2.0]))[0].tolist()
            [0.0, 2.0, -2.0]
        """
        ceiling = self.ceiling[:, None]
        bent = np.logaddexp(0.0, (depths - ceiling) / BEND)
        bent_at_largest = np.logaddexp(0.0, -ceiling / BEND)

        lever: Floats = depths - BEND * (bent - bent_at_largest)
        return lever

    def moved(self, depths: Floats, lever: Floats) -> Floats:
        """Expected ln lr of the optimum over that at the largest horizon, shape `(k, n)`.

        Args:
            depths: Depths u below the largest horizon, shape `(n,)`.
            lever: L(u), see `lever`.

        Example:
            >>> from optuna_kappa.law.prior import MIXTURE
            >>> hypotheses = combine_hypotheses(MIXTURE, 64.0, deepest=4.0, several_tables=False)
            >>> depths = np.array([2.0, -2.0])
            >>> hypotheses.moved(depths, hypotheses.lever(depths))[0].tolist()  # inverse
            [2.0, -2.0]
        """
        slope = self.slope_mean[:, None]
        moved: Floats = slope * lever - (1 - slope) * steepening(depths, self.steepening)
        return moved

    def missing(self, depths: Floats) -> Floats:
        """What the slope at each depth lacks to 1, where all schedules share one kappa.

        Args:
            depths: Depths u below the largest horizon, shape `(n,)`.

        Returns:
            Shape `(k, n)`; 0 for steeper slopes.

        Example:
            >>> from optuna_kappa.law.prior import MIXTURE
            >>> hypotheses = combine_hypotheses(MIXTURE, 64.0, deepest=4.0, several_tables=False)
            >>> inverse = hypotheses.missing(np.array([4.0, -8.0]))[:2]
            >>> inverse.round(2).tolist()  # without a ceiling, and with one beyond all runs
            [[0.0, 0.0], [1.0, 0.0]]
        """
        share = _share_left(self.ceiling[:, None] - depths)
        ahead = np.maximum(0.0, -depths)
        fading = np.exp(-self.steepening[:, None] * ahead)
        missing: Floats = np.maximum(1 - self.slope_mean[:, None] * share, 0.0) * fading
        return missing

    def slope_to(self, ahead: float) -> tuple[Floats, Floats]:
        """Mean slope from the largest horizon to a larger one: its mean and variance.

        Args:
            ahead: ln of the ratio of the two horizons.

        Returns:
            Both of shape `(k,)`.

        Example:
            >>> from optuna_kappa.law.prior import MIXTURE
            >>> hypotheses = combine_hypotheses(MIXTURE, 64.0, deepest=4.0, several_tables=False)
            >>> mean, variance = hypotheses.slope_to(2.0)
            >>> float(mean[0])
            1.0
        """
        depths = np.array([-ahead])
        lever = self.lever(depths)
        mean = -self.moved(depths, lever)[:, 0] / ahead

        per_slope = lever[:, 0] / ahead
        drift_variance = self.drift**2 * integrated_walk(depths, depths)[0, 0] / ahead**2
        return mean, (self.slope_sd * per_slope) ** 2 + drift_variance

    @property
    def share_at_largest(self) -> Floats:
        """Share of the slope that the ceiling leaves at the largest horizon, L'(0), shape `(k,)`.

        Example:
            >>> from optuna_kappa.law.prior import MIXTURE
            >>> hypotheses = combine_hypotheses(MIXTURE, 64.0, deepest=4.0, several_tables=False)
            >>> hypotheses.share_at_largest[:3].round(3).tolist()
            [1.0, 0.057, 0.122]
        """
        return _share_left(self.ceiling)


def combine_hypotheses(
    prior: Prior,
    largest: float,
    deepest: float,
    *,
    several_tables: bool,
) -> Hypotheses:
    """Combine each class of slopes with each ceiling and each size of the bias.

    Args:
        prior: Classes of slopes.
        largest: Largest peak horizon seen, from which depths are counted.
        deepest: Depth of the smallest horizon seen. Ceilings of which nothing is known are less
            deep.
        several_tables: Whether optima of other tables count, which may be biased.

    Example:
        >>> from optuna_kappa.law.prior import MIXTURE
        >>> hypotheses = combine_hypotheses(MIXTURE, 64.0, deepest=4.0, several_tables=True)
        >>> hypotheses.bias_sd[:4].tolist()
        [0.1, 2.0, 0.1, 2.0]
    """
    biases = BIASES if several_tables else ((1.0, 0.0),)

    rows = []
    slope_class = []
    for i, one in enumerate(prior.slopes):
        for weight, ceiling in _with_ceilings(one, largest, deepest):
            for bias_weight, bias_sd in biases:
                rows.append((weight * bias_weight, ceiling, bias_sd))
                slope_class.append(i)

    probability, ceiling_of, bias_sd_of = np.array(rows).T
    classes = [prior.slopes[i] for i in slope_class]
    return Hypotheses(
        prior=probability,
        slope_mean=np.array([one.mean for one in classes]),
        slope_sd=np.array([one.sd for one in classes]),
        ceiling=ceiling_of,
        bias_sd=bias_sd_of,
        drift=np.array([one.drift for one in classes]),
        steepening=np.array([one.steepening for one in classes]),
        slope_class=np.array(slope_class),
    )


def _share_left(below: Floats) -> Floats:
    """Share of a slope that a ceiling leaves, by the depth of the ceiling below the horizon."""
    share: Floats = 0.5 * (1 + np.tanh(below / (2 * BEND)))
    return share


def _with_ceilings(
    slope_class: SlopeClass,
    largest: float,
    deepest: float,
) -> list[tuple[float, float]]:
    """Weight of a class of slopes with each of its ceilings, and the ceiling."""
    weight = slope_class.weight
    p_ceiling = 0.0 if slope_class.mean == 0 else slope_class.ceiling
    if p_ceiling == 0:
        # A flat law under a ceiling is the flat law, so its class needs no ceilings.
        return [(weight, _NO_CEILING)]

    if slope_class.ceiling_at is None:
        ceilings = np.linspace(-_AHEAD, deepest, _CEILINGS + 2)[:-1]
    else:
        middle = np.log(largest / slope_class.ceiling_at)
        ceilings = middle + slope_class.ceiling_sd * _STANDARD_NORMAL

    rows = [(weight * (1 - p_ceiling), _NO_CEILING)]
    for ceiling in ceilings.tolist():
        rows.append((weight * p_ceiling / len(ceilings), ceiling))
    return rows
