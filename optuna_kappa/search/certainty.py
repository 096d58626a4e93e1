"""How sure a recommendation is: the distribution of the regret of a learning rate.

The *regret* of a rate is the expected loss of a full run at that rate over the least that any rate
has, minus 1. It is not known, since the valley of the losses is not. But the posterior of the
valley (`optuna_kappa.law.valley`) has a probability for each amplitude s, shape (w, k) and minimum
m, and each of them gives the rate x = ln lr the regret

    exp(s ln cosh(z / w)) - 1,    z = x - m, times exp(k) on the right of m

if losses are positive, so that their logarithms were fitted; otherwise it is the difference of the
losses over their level. So the probability that the regret is at most r is a sum over a grid.

Before the first full run, m comes from the law, and s, w and k from the valley at the longest
horizon that was tried, less certain with the distance in ln horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.law import Law
from optuna_kappa.law.optimum import Chain, Link
from optuna_kappa.law.valley import Valley
from optuna_kappa.law.valley_shapes import unit_valleys
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.search.at_horizon import longest_valley, shape_elsewhere, valley_at

_N_MINIMA = 201
_LN_LARGEST = 100.0  # of a loss over the least one: whatever is larger is as bad
_TAIL = 1e-4  # probability of the minima that are left out on either side


@dataclass(frozen=True, eq=False)
class Certainty:
    """The distribution of the regret of a learning rate.

    Attributes:
        regret: Possible regrets, ascending, shape `(n,)`. A regret of 0.02 is a loss that is 2 %
            above the least one.
        weight: Probability of each, shape `(n,)`.

    Example:
        >>> certainty = Certainty(np.array([0.001, 0.02, 0.5]), np.array([0.7, 0.2, 0.1]))
        >>> round(certainty.within(0.02), 2), round(certainty.mean, 4), certainty.quantile(0.5)
        (0.9, 0.0547, 0.001)
    """

    regret: Floats
    weight: Floats

    def within(self, regret: float) -> float:
        """Probability that the regret is at most this much.

        Example:
            >>> Certainty(np.array([0.001, 0.5]), np.array([0.75, 0.25])).within(0.02)
            0.75
        """
        return min(1.0, float(self.weight[self.regret <= regret].sum()))

    def quantile(self, p: float) -> float:
        """The regret that is not exceeded with probability p.

        Example:
            >>> Certainty(np.array([0.001, 0.5]), np.array([0.75, 0.25])).quantile(0.9)
            0.5
        """
        cumulative = np.cumsum(self.weight)
        place = int(np.searchsorted(cumulative, p * cumulative[-1]))
        return float(self.regret[min(place, len(self.regret) - 1)])

    @property
    def mean(self) -> float:
        """The expected regret.

        Example:
            >>> Certainty(np.array([0.0, 0.5]), np.array([0.75, 0.25])).mean
            0.125
        """
        return float(self.regret @ self.weight)


class Truth(NamedTuple):
    """One of the valleys that may be there.

    Attributes:
        s: Its amplitude.
        shape: Index of its shape in `optuna_kappa.law.valley_shapes.SHAPES`.
        m: Its minimum, in ln lr.

    Example:
        >>> Truth(s=1.0, shape=0, m=-5.0).loss(-5.0)
        0.0
    """

    s: float
    shape: int
    m: float

    def loss(self, ln_lr: float) -> float:
        """Expected loss of a run above that at the minimum, or its logarithm.

        Example:
            >>> Truth(s=1.0, shape=0, m=-5.0).loss(-4.0) > 0.1
            True
        """
        valleys = unit_valleys(np.array([ln_lr]), np.array([self.m]))
        return self.s * float(valleys[self.shape, 0, 0])


@dataclass(frozen=True, eq=False)
class Belief:
    """What is believed of the valley of full runs.

    Attributes:
        s: Amplitudes, shape `(a,)`.
        m: Minima, shape `(g,)`.
        p: Probability of each amplitude, shape and minimum, shape `(a, k, g)`.
        noise: Standard deviation of the loss of a single run at the best rate.
        level: Typical loss, by which differences are divided; 1 if losses are logarithms.
        logarithmic: Whether losses are logarithms.

    Example:
        >>> p = np.full((1, 12, 1), 1 / 12)
        >>> belief = Belief(np.ones(1), np.array([-5.0]), p, 0.1, 1.0, True)
        >>> belief.certainty(-5.0).mean
        0.0
    """

    s: Floats
    m: Floats
    p: Floats
    noise: float
    level: float
    logarithmic: bool

    def certainty(self, ln_lr: float) -> Certainty:
        """The distribution of the regret of a learning rate, given as ln lr.

        Example:
            >>> p = np.full((1, 12, 1), 1 / 12)
            >>> belief = Belief(np.ones(1), np.array([-5.0]), p, 0.1, 1.0, True)
            >>> belief.certainty(-6.0).within(0.1)
            0.0
        """
        valleys = unit_valleys(np.array([ln_lr]), self.m)[:, :, 0]
        excess = (self.s[:, None, None] * valleys).ravel()
        if self.logarithmic:
            regret = np.expm1(np.minimum(excess, _LN_LARGEST))
        else:
            regret = excess / self.level

        order = np.argsort(regret, kind="stable")
        return Certainty(regret[order], self.p.ravel()[order])

    def draw(self, rng: np.random.Generator) -> Truth:
        """One of the valleys, drawn by its probability.

        Example:
            >>> p = np.full((1, 12, 1), 1 / 12)
            >>> belief = Belief(np.ones(1), np.array([-5.0]), p, 0.1, 1.0, True)
            >>> belief.draw(np.random.default_rng(0)).m
            -5.0
        """
        cumulative = np.cumsum(self.p)
        place = int(np.searchsorted(cumulative, rng.random() * cumulative[-1]))
        i, shape, j = np.unravel_index(min(place, self.p.size - 1), self.p.shape)
        return Truth(float(self.s[i]), int(shape), float(self.m[j]))


def belief_of(chain: Chain, law: Law, horizon: float, schedule: AnySchedule) -> Belief | None:
    """What is believed of the valley of full runs, given the runs so far.

    Args:
        chain: Valleys of the runs of the same problem.
        law: Law fitted to these runs, and to others if there are any.
        horizon: Horizon of a full run.
        schedule: Its schedule.

    Returns:
        None while no horizon has shown a valley.

    Example:
        >>> from optuna_kappa.law import fit
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> from optuna_kappa.schedules import as_schedule
        >>> runs = example_runs()  # the best lr is 0.01 / horizon
        >>> chain, law = find_chain(observe(runs)), fit(runs)
        >>> belief = belief_of(chain, law, 64, as_schedule("constant"))
        >>> good, bad = np.log(0.01 / 64), np.log(0.05 / 64)
        >>> belief.certainty(good).quantile(0.5) < 0.1 < belief.certainty(bad).quantile(0.5)
        True
    """
    if not law.optima:
        return None

    at_target = valley_at(chain, law, horizon, schedule)
    if at_target is not None:
        valley, move = at_target
        level = 1.0 if chain.logarithmic else valley.seen.level
        return Belief(valley.s, valley.m + move, valley.p, valley.noise, level, chain.logarithmic)

    longest = longest_valley(chain)
    return None if longest is None else _unseen(chain, *longest, law, horizon, schedule)


def _unseen(
    chain: Chain, longest: Link, valley: Valley, law: Law, horizon: float, schedule: AnySchedule
) -> Belief:
    """What is believed of a horizon that has had no runs."""
    shape = shape_elsewhere(longest, valley, horizon, schedule)
    ln_s = shape.ln_amplitudes
    z = (ln_s - shape.mean) / shape.sd
    p_amplitude = np.exp(-0.5 * z**2)

    predicted = law.predict(horizon, schedule)
    m = np.linspace(predicted.quantile(_TAIL), predicted.quantile(1 - _TAIL), _N_MINIMA)
    p_minimum = predicted.density(m)

    p = p_amplitude[:, None, None] * shape.weight[:, None] * p_minimum
    level = 1.0 if chain.logarithmic else longest.losses.level
    return Belief(np.exp(ln_s), m, p / p.sum(), valley.noise, level, chain.logarithmic)
