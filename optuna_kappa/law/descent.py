"""How fast the loss still falls: a hint of how the optimum will move.

Where the lowest loss of short runs still falls like a power of the data, the model has not begun
to overfit, and its optimum will stay for a while. Where it hardly falls any more, the optimum is
about to move. So the descent, the exponent -d ln loss / d ln D of the lowest loss, tells
something of a slope that the optima of short runs do not show yet.

In the atlas (`docs/atlas.md`) it does so for plain gradient descent on repeated data: there its
rank correlation with the slope to come is -0.8. For other regimes it tells little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa._validation import Interval
from optuna_kappa.law.contexts import Context
from optuna_kappa.law.optimum import OWN, Optimum

AHEAD = float(np.log(12))
"""The slope to come is the mean slope over this distance in ln D beyond the largest horizon."""

SLOPES_TO_COME = (-0.2, 1.4)
"""A slope to come counts within what the atlas has."""

LEAST = 0.02
"""Added to a descent. A loss that rises counts as one that stays."""

_SHAPE = Interval(0, 100, "()")
_COEFFICIENT = Interval(-10, 10)

_APART = float(np.log(2))  # two horizons this far apart are compared, or those nearest to it
_NEAREST = 0.3  # two horizons nearer to each other than this tell nothing
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)


@dataclass(frozen=True)
class Descent:
    """What the descent tells of the slope s to come: it is gamma distributed.

    Attributes:
        shape: Shape of the gamma distribution.
        ln_mean: ln of its mean where the optimum stays, s = 0.
        per_slope: How that changes with s.

    Raises:
        ValueError: A number is not allowed.

    Example:
        >>> Descent(shape=2.0, ln_mean=-0.6, per_slope=-1.5).shape
        2.0
    """

    shape: float
    ln_mean: float
    per_slope: float

    def __post_init__(self) -> None:
        meaning = "it is of the distribution of a descent"
        for name, allowed in (
            ("shape", _SHAPE),
            ("ln_mean", _COEFFICIENT),
            ("per_slope", _COEFFICIENT),
        ):
            object.__setattr__(self, name, allowed.check(name, getattr(self, name), meaning))

    def likelihood(self, descent: float, mean: Floats, sd: Floats) -> Floats:
        """Likelihood of a descent, given the slope to come, up to a factor.

        Args:
            descent: The descent, see `descent_of`.
            mean: Means of the slope to come, shape `(k,)`.
            sd: Its standard deviations, shape `(k,)`.

        Returns:
            Likelihoods, shape `(k,)`; the largest is 1.

        Example:
            >>> slopes = np.array([0.0, 1.0])
            >>> told = Descent(shape=2.0, ln_mean=-0.6, per_slope=-1.5)
            >>> told.likelihood(0.5, slopes, np.full(2, 0.1)).round(2).tolist()
            [1.0, 0.04]
            >>> told.likelihood(0.0, slopes, np.full(2, 0.1)).round(2).tolist()
            [0.07, 1.0]
        """
        slopes = np.clip(mean[:, None] + sd[:, None] * _NODES, *SLOPES_TO_COME)
        ln_means = self.ln_mean + self.per_slope * slopes
        ratio = (max(descent, 0.0) + LEAST) * np.exp(-ln_means)

        ln_density = -self.shape * (ln_means + ratio)
        density = np.exp(ln_density - ln_density.max()) @ _NODE_WEIGHTS
        likelihood: Floats = density / density.max()
        return likelihood


def descent_of(optima: Sequence[Optimum], context: Context = ()) -> float | None:
    """The exponent -d ln loss / d ln D of the lowest loss, at the largest horizon seen.

    It compares the largest horizon with the one nearest to half of it, under the same schedule.

    Args:
        optima: Optima; those of other tables and other contexts do not count.
        context: The context.

    Returns:
        None if no schedule has two horizons that are far enough apart, or no loss is known.

    Example:
        >>> def found(horizon, loss):
        ...     return Optimum("constant", horizon, -6.0, 0.1, 6, 0, ln_loss=np.log(loss))
        >>> descent_of([found(1.0, 0.8), found(2.0, 0.4)])
        1.0
    """
    by_schedule: dict[str, list[tuple[float, float]]] = {}
    for one in optima:
        if one.table == OWN and one.context == context and one.ln_loss is not None:
            known = by_schedule.setdefault(one.schedule, [])
            known.append((float(np.log(one.horizon)), one.ln_loss))

    largest = max(by_schedule.values(), key=max, default=[])
    last = max(largest, default=None)
    before = [one for one in largest if last and last[0] - one[0] > _NEAREST]
    if last is None or not before:
        return None

    near_half = min(before, key=lambda one: abs(last[0] - one[0] - _APART))
    return float((near_half[1] - last[1]) / (last[0] - near_half[0]))
