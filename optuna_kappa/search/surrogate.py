"""What full runs would lose, learning rate by learning rate, from the law and those tried.

Before any run of a horizon is seen, the law says where the minimum of its valley lies; each run
then tells more about the valley itself, until the law hardly matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.law import Law
from optuna_kappa.law.observations import Observations
from optuna_kappa.law.optimum import OWN, Chain, Link, Optimum
from optuna_kappa.law.valley import fit_valley, unseen
from optuna_kappa.schedules import AnySchedule, as_schedule

_POINTS = 241
_LAW_COUNTS = 4.0  # learning rates tried from which on the law counts less
_TELLS = 0.5  # how far from a run, in ln lr, its loss tells of the loss
_HERE = (0.8, 1.05)  # runs seen at these parts of a horizon are of that horizon


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Expected losses over a range of ln lr, for each place where the minimum may lie.

    Attributes:
        x: ln lr, ascending, shape `(n,)`.
        weight: Probability of each place, shape `(g,)`.
        loss: Expected loss, up to a constant, shape `(g, n)`.
        sd: Standard deviation of the loss, wherever the minimum lies, shape `(n,)`.
    """

    x: Floats
    weight: Floats
    loss: Floats
    sd: Floats

    @property
    def best(self) -> float:
        """The ln lr with the least expected loss."""
        return float(self.x[np.argmin(self.weight @ self.loss)])

    def most_gain(self, tried: Sequence[float], running: Sequence[float] = ()) -> float:
        """The ln lr whose run is expected to gain most over the best of those tried or running.

        Args:
            tried: ln lr of the finished runs.
            running: Of those that are not finished; they will have told what is at their places.
        """
        from scipy.special import ndtr  # not on `import optuna_kappa`: it takes as long as NumPy

        had = [*tried, *running]
        if not had:
            return self.best
        cells = np.unique(np.interp(had, self.x, np.arange(len(self.x))).round().astype(int))
        lead = self.loss[:, cells].min(axis=1)[:, None] - self.loss
        told = np.exp(-0.5 * ((self.x[:, None] - np.array(running)) / _TELLS) ** 2)
        sd = self.sd * np.sqrt(np.prod(1 - told**2, axis=1))
        sd = np.maximum(sd, 1e-9 * np.ptp(self.loss) + 1e-300)
        gain = lead * ndtr(lead / sd) + sd * np.exp(-0.5 * (lead / sd) ** 2) / np.sqrt(2 * np.pi)
        return float(self.x[np.argmax(self.weight @ gain)])


def surrogate(
    chain: Chain,
    law: Law,
    horizon: float,
    schedule: AnySchedule | str,
    low: float,
    high: float,
) -> Surrogate:
    """The losses of runs of a horizon.

    Args:
        chain: Of runs of the same problem.
        law: Fitted to them, and to others if there are any; with an optimum to start from.
        horizon: Horizon of the runs to come.
        schedule: Their schedule.
        low: Lower end of the range of ln lr.
        high: Upper end.
    """
    x = np.linspace(low, high, _POINTS)
    resolved = as_schedule(schedule)
    link = link_at(chain, resolved.name, horizon)
    if link is None:
        return Surrogate(x, *unseen(x, law.predict(horizon, resolved).density), np.zeros(_POINTS))
    # Without what was seen here, which would count twice, and without what the same runs, earlier
    # on, did not show: that the optimum lies beyond them.
    seen = link.seen
    beyond = [
        one.seen for one in chain.links if one.losses.edge and set(one.seen.run) == set(seen.run)
    ]
    elsewhere = replace(law, optima=tuple(o for o in law.optima if not _is_of(o, [seen, *beyond])))
    where, ahead = (law.predict(h, resolved).quantile(0.5) for h in (seen.horizon, horizon))
    density = _fading(elsewhere, seen, resolved) if elsewhere.optima else None
    valley = fit_valley(link.losses, chain.scale, link.prior, density)
    at = x - (ahead - where)
    return Surrogate(x, valley.weight, valley.loss(at), valley.sd(at))


def _fading(law: Law, seen: Observations, schedule: AnySchedule) -> Callable[[Floats], Floats]:
    """The law's density of the optimum, the flatter, the more runs of the horizon there are.

    Whatever the law is wrong about, many runs find the best all the same.
    """
    power = min(1.0, _LAW_COUNTS / len(np.unique(seen.ln_lr)))
    density = law.predict(seen.horizon, schedule).density
    return lambda x: np.asarray(density(x) ** power)


def link_at(chain: Chain, schedule: str, horizon: float) -> Link | None:
    """What was found from runs of a horizon; None if there were none."""
    low, high = horizon * _HERE[0], horizon * _HERE[1]
    here = [
        link
        for link in chain.links
        if link.seen.schedule == schedule and low <= link.seen.horizon <= high
    ]
    return max(here, key=lambda link: link.seen.horizon, default=None)


def _is_of(optimum: Optimum, several: Sequence[Observations]) -> bool:
    at = (optimum.schedule, optimum.horizon, optimum.table)
    return at in [(one.schedule, one.horizon, OWN) for one in several]
