"""What full runs would lose, learning rate by learning rate, from the law and those tried.

Before any run of a horizon is seen, the law says where the minimum of its valley lies; each run
then tells more about the valley itself, until the law hardly matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from optuna_kappa.law.law import Law
from optuna_kappa.law.observations import Observations, observe
from optuna_kappa.law.optimum import OWN, Chain, Optimum
from optuna_kappa.law.valley import fit_valley, unseen
from optuna_kappa.runs import Floats, RunTable
from optuna_kappa.schedules import AnySchedule, as_schedule

_POINTS = 241
_HERE = (0.8, 1.05)  # runs seen at these parts of a horizon are of that horizon


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Expected losses over a range of ln lr, for each place where the minimum may lie.

    Attributes:
        x: ln lr, ascending, shape `(n,)`.
        weight: Probability of each place, shape `(g,)`.
        loss: Expected loss, up to a constant, shape `(g, n)`.
    """

    x: Floats
    weight: Floats
    loss: Floats

    @property
    def best(self) -> float:
        """The ln lr with the least expected loss."""
        return float(self.x[np.argmin(self.weight @ self.loss)])

    def most_gain(self, tried: Sequence[float]) -> float:
        """The ln lr whose run is expected to gain most over the best of those tried or running."""
        if not len(tried):
            return self.best
        columns = np.unique(np.abs(self.x[:, None] - np.array(tried)).argmin(axis=0))
        had = self.loss[:, columns].min(axis=1)
        gain = self.weight @ np.maximum(had[:, None] - self.loss, 0.0)
        return float(self.x[np.argmax(gain)])


def surrogate(
    runs: RunTable,
    law: Law,
    horizon: float,
    schedule: AnySchedule | str,
    low: float,
    high: float,
) -> Surrogate:
    """The losses of runs of a horizon.

    Args:
        runs: Runs of the same problem.
        law: Fitted to them, and to others if there are any; with an optimum to start from.
        horizon: Horizon of the runs to come.
        schedule: Their schedule.
        low: Lower end of the range of ln lr.
        high: Upper end.
    """
    x = np.linspace(low, high, _POINTS)
    resolved = as_schedule(schedule)
    observations = observe(runs)
    seen = _seen_at(observations, resolved.name, horizon)
    if seen is None:
        return Surrogate(x, *unseen(x, law.predict(horizon, resolved).density))
    chain = Chain(observations)
    for other in observations[: next(i for i, o in enumerate(observations) if o is seen)]:
        chain.next(other)
    # Without what was seen here, which would count twice.
    elsewhere = replace(law, optima=tuple(o for o in law.optima if not _is_of(o, seen)))
    where, ahead = (law.predict(h, resolved).quantile(0.5) for h in (seen.horizon, horizon))
    density = elsewhere.predict(seen.horizon, resolved).density if elsewhere.optima else None
    valley = fit_valley(chain.losses(seen), chain.scale, chain.prior(seen), density)
    return Surrogate(x, valley.weight, valley.loss(x - (ahead - where)))


def _seen_at(
    observations: Sequence[Observations], schedule: str, horizon: float
) -> Observations | None:
    low, high = horizon * _HERE[0], horizon * _HERE[1]
    here = [o for o in observations if o.schedule == schedule and low <= o.horizon <= high]
    return max(here, key=lambda one: one.horizon, default=None)


def _is_of(optimum: Optimum, seen: Observations) -> bool:
    at = (optimum.schedule, optimum.horizon, optimum.table)
    return at == (seen.schedule, seen.horizon, OWN)
