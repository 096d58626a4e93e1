"""What the next runs are worth: how sure the recommendation would be after them.

A purchase is a few more runs of one horizon. Its worth is simulated. The truth (where the minimum
is, and how steep the valley) is drawn from what is believed so far. Under each draw the runs get
the losses that they would then have, with noise. The law is fitted anew, and the probability that
its recommendation is good enough is averaged over the draws.

A probe tells of the minimum at its own horizon d, which moves with that at the target D. In the
component of the law's prediction that the minimum at D was drawn from, both are normal. The law's
uncertainty grows with the horizon like that of a random walk, so their correlation is taken to be
the ratio of their standard deviations, sd(d) / sd(D).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from optuna_kappa.law.fitting import join
from optuna_kappa.law.law import Law
from optuna_kappa.law.observations import Observations, observations_of
from optuna_kappa.law.optimum import Chain, Optimum, find_chain
from optuna_kappa.law.prior import Prior
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.search.at_horizon import link_at
from optuna_kappa.search.certainty import Belief, Truth, belief_of
from optuna_kappa.search.surrogate import Surrogate, surrogate

_N_DRAWS = 24
_SIDES = (0.3, 0.7)  # quantiles of the law's prediction at which two probes are run
_APART = 1.5  # least ratio of horizons that are worth telling apart


class Purchase(NamedTuple):
    """A few more runs of one horizon, and how sure the recommendation would be after them.

    Attributes:
        n: Number of runs.
        horizon: Their horizon.
        cost: What they cost, in full-run equivalents.
        now: Probability that the recommendation is good enough, before them.
        then: The same after them, on average.

    Example:
        >>> Purchase(n=2, horizon=8, cost=0.7, now=0.71, then=0.9).gain
        0.19
    """

    n: int
    horizon: int
    cost: float
    now: float
    then: float

    @property
    def gain(self) -> float:
        """By how much the probability is expected to rise.

        Example:
            >>> Purchase(n=1, horizon=24, cost=1.0, now=0.5, then=0.75).gain
            0.25
        """
        return round(self.then - self.now, 6)


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a problem: the losses seen so far, and what they are the losses of.

    Attributes:
        seen: Observations, as `optuna_kappa.law.observations.observe` makes them.
        logarithmic: Whether logarithms of the losses are fitted.
        others: Optima of other tables, which count with those of `seen`.
        horizon: Steps of a full run.
        schedule: Schedule of the runs.
        prior: What was believed of the law before any run.
        low: Lower end of the range of ln lr.
        high: Upper end.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.prior import MIXTURE
        >>> from optuna_kappa.runs import example_runs
        >>> from optuna_kappa.schedules import as_schedule
        >>> seen, constant = observe(example_runs()), as_schedule("constant")
        >>> known = Known(seen, True, (), 64, constant, MIXTURE, low=-12.0, high=-2.0)
        >>> round(known.best)  # ln(0.01 / 64)
        -9
    """

    seen: Sequence[Observations]
    logarithmic: bool
    others: Sequence[Sequence[Optimum]]
    horizon: int
    schedule: AnySchedule
    prior: Prior
    low: float
    high: float

    @cached_property
    def chain(self) -> Chain:
        """Valleys of the observations."""
        return find_chain(self.seen, logarithmic=self.logarithmic)

    @cached_property
    def law(self) -> Law:
        """The law of the observations and of the other tables."""
        shapes = {self.schedule.name: self.schedule}
        return join([*self.others, self.chain.optima], shapes, self.prior)

    @cached_property
    def belief(self) -> Belief | None:
        """What is believed of the valley of full runs; None while there is no law."""
        return belief_of(self.chain, self.law, self.horizon, self.schedule)

    @property
    def best(self) -> float:
        """The ln lr with the least expected loss of a full run. There must be a law."""
        return self._expected(self.horizon).best

    def within(self, regret: float) -> float:
        """Probability that the regret of `best` is at most this much; 0 while there is no law."""
        if self.belief is None:
            return 0.0
        return self.belief.certainty(self.best).within(regret)

    def next_rates(self, n: int, horizon: int) -> list[float]:
        """The ln lr that the next runs of a horizon would have. There must be a law."""
        if horizon < self.horizon:
            predicted = self.law.predict(horizon, self.schedule)
            sides = _SIDES if n == 2 else np.linspace(0, 1, n + 2)[1:-1]
            return [min(max(predicted.quantile(p), self.low), self.high) for p in sides]

        link = link_at(self.chain, self.schedule.name, horizon)
        tried = [] if link is None else link.seen.ln_lr.tolist()
        expected = self._expected(horizon)
        running: list[float] = []
        for _ in range(n):
            running.append(expected.next_to_try(tried, running))
        return running

    def with_runs(self, ln_lr: Sequence[float], losses: Sequence[float], horizon: int) -> Known:
        """What would be known after a few more runs of a horizon.

        Args:
            ln_lr: Their ln lr.
            losses: Their final losses, shape as `ln_lr`.
            horizon: Their horizon.
        """
        bought = [f"bought {i}" for i in range(len(ln_lr))]
        rows = list(zip(ln_lr, losses, bought, strict=True))

        link = link_at(self.chain, self.schedule.name, horizon)
        if link is None:
            name = self.schedule.name
            seen = [*self.seen, observations_of(name, float(horizon), rows)]
            return replace(self, seen=sorted(seen, key=_in_order))

        here = link.seen
        rows += zip(here.ln_lr.tolist(), here.loss.tolist(), here.run.tolist(), strict=True)
        joined = observations_of(here.schedule, here.horizon, rows)
        return replace(self, seen=[joined if one is here else one for one in self.seen])

    def _expected(self, horizon: int) -> Surrogate:
        return surrogate(self.chain, self.law, horizon, self.schedule, self.low, self.high)


def purchases(
    known: Known,
    rungs: Sequence[tuple[int, int]],
    regret: float,
    n_draws: int = _N_DRAWS,
    seed: int = 0,
) -> list[Purchase]:
    """What a few more runs would be worth, the purchase with the largest gain first.

    Args:
        known: What is known so far.
        rungs: (horizon, number of probes) of each rung of the ladder.
        regret: A recommendation is good enough if its regret is at most this much.
        n_draws: Number of truths that are drawn.
        seed: Seed of the draws.

    Returns:
        One or two full runs, and two more probes of the longest rung and of a longer horizon;
        nothing while there is no law.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.prior import MIXTURE
        >>> from optuna_kappa.runs import example_runs
        >>> from optuna_kappa.schedules import as_schedule
        >>> seen, constant = observe(example_runs()), as_schedule("constant")
        >>> known = Known(seen, True, (), 512, constant, MIXTURE, low=-12.0, high=-2.0)
        >>> best, *_ = purchases(known, [(64, 6)], regret=0.02, n_draws=4)
        >>> best.gain > 0
        True
    """
    belief = known.belief
    if belief is None:
        return []

    now = known.within(regret)
    bought = []
    for n, horizon in _candidates(rungs, known.horizon):
        rng = np.random.default_rng(seed)  # the same truths for each
        outcomes = _outcomes(known, belief, n, horizon, n_draws, rng)
        then = float(np.mean([one.within(regret) for one in outcomes]))
        # What runs tell lowers no expected probability; only the draws can.
        then = max(then, now)
        bought.append(Purchase(n, horizon, n * horizon / known.horizon, now, then))

    return sorted(bought, key=lambda purchase: (-purchase.then, purchase.cost))


def _candidates(rungs: Sequence[tuple[int, int]], target: int) -> Iterator[tuple[int, int]]:
    """Numbers and horizons of runs that may be worth having."""
    yield 1, target
    yield 2, target
    if not rungs:
        return

    longest, _ = rungs[-1]
    yield 2, longest
    between = round(math.sqrt(longest * target))
    if longest * _APART <= between <= target / _APART:
        yield 2, between


def _outcomes(
    known: Known,
    belief: Belief,
    n: int,
    horizon: int,
    n_draws: int,
    rng: np.random.Generator,
) -> Iterator[Known]:
    """What would be known after n runs of a horizon, for each of some truths."""
    ln_lr = known.next_rates(n, horizon)
    for _ in range(n_draws):
        at_target = belief.draw(rng)
        truth = at_target
        if horizon < known.horizon:
            truth = at_target._replace(m=_minimum_at(horizon, known, at_target.m, rng))

        level = _level(known, truth, horizon)
        noise = rng.normal(0.0, belief.noise, n)
        losses = [level + truth.loss(x) + e for x, e in zip(ln_lr, noise.tolist(), strict=True)]
        if known.logarithmic:
            losses = np.exp(losses).tolist()
        yield known.with_runs(ln_lr, losses, horizon)


def _minimum_at(horizon: int, known: Known, m: float, rng: np.random.Generator) -> float:
    """Draw the minimum at a shorter horizon, given that of full runs."""
    here = known.law.predict(horizon, known.schedule)
    target = known.law.predict(known.horizon, known.schedule)

    z = (m - target.mean) / target.sd
    weight = target.weight * np.exp(-0.5 * z**2) / target.sd
    weight = weight / weight.sum() if weight.sum() > 0 else target.weight
    i = int(np.searchsorted(np.cumsum(weight), rng.random() * weight.sum()))
    i = min(i, len(weight) - 1)

    correlation = min(1.0, float(here.sd[i] / target.sd[i]))
    rest = math.sqrt(1 - correlation**2)
    return float(here.mean[i] + here.sd[i] * (correlation * z[i] + rest * rng.normal()))


def _level(known: Known, truth: Truth, horizon: int) -> float:
    """The least loss of a horizon, or its logarithm, from the runs there; else from any."""
    link = link_at(known.chain, known.schedule.name, horizon)
    if link is None:
        link = known.chain.links[-1]

    finite = np.isfinite(link.seen.loss)
    y = link.seen.loss[finite]
    y = np.log(y) if known.logarithmic else y
    above = [truth.loss(x) for x in link.seen.ln_lr[finite].tolist()]

    # Far from the minimum, valleys are known badly: the best runs tell where the least loss is.
    best = np.argsort(y)[:3]
    return float(np.mean(y[best] - np.array(above)[best]))


def _in_order(seen: Observations) -> tuple[bool, str, float]:
    """Constant rate first, then each schedule by ascending horizon."""
    return seen.schedule != "constant", seen.schedule, seen.horizon
