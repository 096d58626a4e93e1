"""Losses that runs of a horizon are expected to have, from the law and the runs tried there.

Before the first run of a horizon, the law says where the minimum of its valley is likely to be.
Each run then tells more about the valley itself, until the law hardly matters.

The next run goes where it is expected to gain most. Let the minimum be at the i-th of several
places. There a run at x = ln lr has the expected loss L_i(x), with standard deviation s(x). If d
is the least L_i of the runs so far, minus L_i(x), the expected gain of a run at x is

    gain_i(x) = d Phi(d / s) + s phi(d / s)

with Phi and phi the distribution function and the density of a standard normal (the expected
improvement of Jones et al., 1998). It is averaged over the places by their probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Bools, Floats
from optuna_kappa.law.far_rates import bad_ends
from optuna_kappa.law.law import Law
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.optimum import Chain
from optuna_kappa.law.valley import unseen
from optuna_kappa.law.valley_shapes import SHAPE_PRIOR
from optuna_kappa.schedules import AnySchedule, as_schedule
from optuna_kappa.search.at_horizon import longest_valley, shape_elsewhere, valley_at

_POINTS = 241
_REACH = 0.5  # distance in ln lr over which the loss of a run tells of other losses


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Expected losses over a range of ln lr, for each place where the minimum may be.

    Attributes:
        x: ln lr, ascending, shape `(n,)`.
        weight: Probability of each place, shape `(g,)`.
        loss: Expected loss for each place, up to a constant, shape `(g, n)`.
        sd: Standard deviation of the loss, the same for all places, shape `(n,)`.
        ends: ln lr of the nearest clearly bad rate on either side of the best one tried; infinite
            where there is none. No rate beyond them is worth a try.

    Example:
        >>> x = np.linspace(-9.0, -3.0, 61)
        >>> valleys = np.abs(x - np.array([[-6.0], [-5.0]]))
        >>> losses = Surrogate(x, weight=np.array([0.1, 0.9]), loss=valleys, sd=np.full(61, 0.01))
        >>> round(losses.best, 2)
        -5.0
    """

    x: Floats
    weight: Floats
    loss: Floats
    sd: Floats
    ends: tuple[float, float] = (-np.inf, np.inf)

    @property
    def best(self) -> float:
        """The ln lr with the least expected loss.

        Example:
            >>> x = np.array([-6.0, -5.0, -4.0])
            >>> Surrogate(x, np.ones(1), np.array([[1.3, 1.1, 1.2]]), np.zeros(3)).best
            -5.0
        """
        expected = self.weight @ self.loss
        return float(self.x[np.argmin(expected)])

    @property
    def spacing(self) -> float:
        """Distance between neighbors in x.

        Example:
            >>> x = np.array([-6.0, -5.0, -4.0])
            >>> Surrogate(x, np.ones(1), np.array([[1.3, 1.1, 1.2]]), np.zeros(3)).spacing
            1.0
        """
        return float(self.x[1] - self.x[0])

    def next_to_try(self, tried: Sequence[float], running: Sequence[float] = ()) -> float:
        """The ln lr whose run is expected to gain most over the best run so far.

        Args:
            tried: ln lr of the finished runs.
            running: ln lr of the runs that have not finished. Little can be gained near these:
                their losses will be known.

        Example:
            >>> x = np.linspace(-9.0, -3.0, 61)
            >>> losses = Surrogate(x, np.ones(1), (x[None] + 5) ** 2, np.full(61, 0.01))
            >>> round(losses.next_to_try([-7.0]), 2)
            -5.0
        """
        taken = [*tried, *running]
        if not taken:
            return self.best

        indices = np.interp(taken, self.x, np.arange(len(self.x)))
        cells = np.unique(indices.round().astype(int))
        best_so_far = self.loss[:, cells].min(axis=1)
        lead = best_so_far[:, None] - self.loss

        gain = _expected_gain(lead, self._sd_beside(running))
        expected = self.weight @ gain
        expected[~self._is_worth_a_try()] = -np.inf
        return float(self.x[np.argmax(expected)])

    def _is_worth_a_try(self) -> Bools:
        """Which ln lr lie between the bad ends, shape `(n,)`; all where none does.

        Far beyond a bad rate the loss is unknown, so a gain cannot be ruled out there by the
        standard deviation alone, and the same bad rate would be tried again and again.
        """
        low, high = self.ends
        inside: Bools = (self.x >= low) & (self.x <= high)
        return inside if inside.any() else np.ones_like(inside)

    def _sd_beside(self, running: Sequence[float]) -> Floats:
        """Standard deviation of the loss once the running runs have finished, above 0."""
        distance = self.x[:, None] - np.array(running)
        correlation = np.exp(-0.5 * (distance / _REACH) ** 2)
        unexplained = np.prod(1 - correlation**2, axis=1)
        left: Floats = self.sd * np.sqrt(unexplained)

        # Above 0, since it is divided by.
        least = 1e-9 * np.ptp(self.loss) + 1e-300
        return np.maximum(left, least)


def surrogate(
    chain: Chain,
    law: Law,
    horizon: float,
    schedule: AnySchedule | str,
    low: float,
    high: float,
) -> Surrogate:
    """Compute the losses that runs of a horizon are expected to have.

    Args:
        chain: Valleys of the runs of the same problem.
        law: Law fitted to these runs, and to others if there are any. It must have an optimum.
        horizon: Horizon of the runs to come.
        schedule: Their schedule.
        low: Lower end of the range of ln lr.
        high: Upper end.

    Example:
        >>> from optuna_kappa.law import fit
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs()
        >>> chain = find_chain(observe(runs))
        >>> losses = surrogate(chain, fit(runs), 256, "constant", low=-14.0, high=-6.0)
        >>> round(losses.best), round(np.log(0.01 / 256))
        (-10, -10)
    """
    x = np.linspace(low, high, _POINTS)
    resolved = as_schedule(schedule)
    at_target = valley_at(chain, law, horizon, resolved)
    if at_target is None:
        return _from_law_alone(x, chain, law.predict(horizon, resolved), horizon, resolved)

    valley, move = at_target
    x_seen = x - move
    low, high = bad_ends(valley.seen, chain.scale)
    return Surrogate(
        x,
        weight=valley.weight,
        loss=valley.loss(x_seen),
        sd=valley.sd(x_seen),
        ends=(low + move, high + move),
    )


def _from_law_alone(
    x: Floats, chain: Chain, predicted: Mixture, horizon: float, schedule: AnySchedule
) -> Surrogate:
    """Expected losses of a horizon without any runs yet.

    Where short runs have shown a cliff, too high a rate is expected to cost more than one too low.
    """
    shapes = SHAPE_PRIOR
    longest = longest_valley(chain)
    if longest is not None:
        shapes = shape_elsewhere(*longest, horizon, schedule).weight
    weight, loss = unseen(x, predicted.density, shapes)
    return Surrogate(x, weight, loss, sd=np.zeros_like(x))


def _expected_gain(lead: Floats, sd: Floats) -> Floats:
    """Expected gain of a run whose loss is normal; see the head of this module.

    Args:
        lead: Best loss so far minus the expected loss of the run, any shape.
        sd: Standard deviation of the loss of the run, above 0.
    """
    # SciPy takes as long to import as NumPy, and `import optuna_kappa` must not wait for it.
    from scipy.special import ndtr

    z = lead / sd
    by_lead = lead * ndtr(z)
    by_chance = sd * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    gain: Floats = by_lead + by_chance
    return gain
