r"""Numbers with the uncertainty that a few seeds leave.

A statistic of S seeds is computed on all seeds, and again without each seed in turn (the
jackknife). Its standard error is

    se^2 = (S - 1) / S * sum_i (left_out_i - their mean)^2

and its 95 % interval is value +- t_{S-1} * se, by Student's t with S - 1 degrees of freedom. A
bootstrap of five seeds would be too narrow. It draws from the five values as if there were no
others, so its standard error lacks the factor S / (S - 1) and its quantiles lack the tails of t.

The spacing of the learning rates is the same for all seeds. It adds a second, independent error,
the `resolution`, which is carried through functions of several estimates to first order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from optuna_kappa._typing import Floats

_LEVEL = 0.975  # upper end of a 95 % interval
_NORMAL = float(stats.norm.ppf(_LEVEL))


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number and what is known about its error.

    Attributes:
        value: The statistic of all seeds.
        left_out: The same statistic without each seed in turn, shape `(S,)`; empty for one seed.
        resolution: Standard error that the seeds have in common and so do not show.
        edge: Whether the number rests on an optimum at the edge of the learning rates tried. It
            is then a bound rather than a number.
    """

    value: float
    left_out: Floats
    resolution: float = 0.0
    edge: bool = False

    @property
    def known(self) -> bool:
        """Whether there is an interval, that is, whether there are at least two seeds."""
        return len(self.left_out) > 1

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval; infinite for a single seed."""
        if not self.known:
            return math.inf

        n = len(self.left_out)
        squares = float(np.sum((self.left_out - self.left_out.mean()) ** 2))
        se = math.sqrt((n - 1) / n * squares)
        from_seeds = float(stats.t.ppf(_LEVEL, n - 1)) * se
        from_resolution = _NORMAL * self.resolution
        return math.hypot(from_seeds, from_resolution)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + self.half_width


def derive(function: Callable[[Floats], float], estimates: Sequence[Estimate]) -> Estimate:
    """Compute a function of estimates from the same seeds, whose errors may be correlated.

    Args:
        function: From the n values, shape `(n,)`, to a number.
        estimates: The n estimates.
    """
    values = np.array([estimate.value for estimate in estimates])
    left_out = np.stack([estimate.left_out for estimate in estimates], axis=1)
    resolutions = np.diag([estimate.resolution for estimate in estimates])

    # To first order: move one estimate at a time by its resolution.
    value = function(values)
    changes = [function(values + error) - value for error in resolutions]

    return Estimate(
        value=value,
        left_out=np.array([function(row) for row in left_out]),
        resolution=math.hypot(*changes),
        edge=any(estimate.edge for estimate in estimates),
    )


def difference(first: Estimate, second: Estimate) -> Estimate:
    """`first - second`; for logarithms, the logarithm of the ratio."""
    return derive(lambda values: float(values[0] - values[1]), [first, second])


def shifted(estimate: Estimate, by: float) -> Estimate:
    """The estimate plus a known number."""
    return derive(lambda values: float(values[0]) + by, [estimate])
