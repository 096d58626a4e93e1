r"""Numbers with the uncertainty that a few seeds leave.

A statistic of S seeds is known by its value on all and on all but each one (the jackknife). With

    se^2 = (S - 1) / S * sum_i (left_out_i - their mean)^2

its 95 % interval is value +- t_{S-1} * se, by Student's t with S - 1 degrees of freedom. A
bootstrap of five seeds would be too narrow: it draws from five values as if they were all there
are, so its standard error lacks the factor S / (S - 1) and its quantiles the tails of t.

What all seeds share, the spacing of the learning rates, is a second, independent error: the
`resolution`. It is carried through functions of several estimates to first order.
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
    """A number and what is known of its error.

    Attributes:
        value: The statistic of all seeds.
        left_out: The same without each seed in turn, shape `(S,)`; empty for a single seed.
        resolution: Standard error that seeds do not show.
        edge: Whether it rests on an optimum at the edge of the learning rates tried, and so is
            a bound rather than a number.
    """

    value: float
    left_out: Floats
    resolution: float = 0.0
    edge: bool = False

    @property
    def known(self) -> bool:
        """Whether it has an interval: two seeds do."""
        return len(self.left_out) > 1

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval; infinite for a single seed."""
        n = len(self.left_out)
        if n < 2:
            return math.inf
        se = math.sqrt((n - 1) / n * float(np.sum((self.left_out - self.left_out.mean()) ** 2)))
        return math.hypot(float(stats.t.ppf(_LEVEL, n - 1)) * se, _NORMAL * self.resolution)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + self.half_width


def derive(function: Callable[[Floats], float], estimates: Sequence[Estimate]) -> Estimate:
    """A function of estimates from the same seeds, with what their errors have in common.

    Args:
        function: From values, shape `(n,)`, to a number.
        estimates: What it is of, n of them.
    """
    values = np.array([estimate.value for estimate in estimates])
    left_out = np.stack([estimate.left_out for estimate in estimates], axis=1)
    value = function(values)
    moved = [
        function(values + step) - value
        for step in np.diag([estimate.resolution for estimate in estimates])
    ]
    return Estimate(
        value,
        np.array([function(row) for row in left_out]),
        math.hypot(*moved),
        any(estimate.edge for estimate in estimates),
    )


def difference(first: Estimate, second: Estimate) -> Estimate:
    """`first - second`; of logarithms, the ratio."""
    return derive(lambda values: float(values[0] - values[1]), [first, second])


def shifted(estimate: Estimate, by: float) -> Estimate:
    """The estimate plus a known number."""
    return derive(lambda values: float(values[0]) + by, [estimate])
