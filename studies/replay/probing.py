"""Draw a ladder of probes from recorded runs, as a `KappaSampler` would choose them.

The first rung covers the range of learning rates. Each later probe goes where the law, fitted to
the probes before it, expects most. No Optuna study is needed, so a ladder takes a tenth of a
second.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from optuna.distributions import FloatDistribution

from optuna_kappa import RunTable
from optuna_kappa.law import Law, Prior, join
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import Chain, find_chain
from optuna_kappa.law.prior import MIXTURE
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.search.budget import Rung
from optuna_kappa.search.picking import N_SPREAD, Picker, below_wall
from optuna_kappa.search.surrogate import Surrogate, surrogate
from optuna_kappa.study.seeding import uniform_number
from studies.replay.grid import Grid
from studies.replay.objective import LR, Curve


class Probe(NamedTuple):
    """A probe that was run.

    Attributes:
        lr: Learning rate.
        horizon: Horizon that it was planned for, in steps.
        curve: Its reports.
    """

    lr: float
    horizon: float
    curve: Curve

    @property
    def loss(self) -> float:
        """Final loss; NaN if the probe diverged."""
        return float(self.curve.losses[-1])

    @property
    def trained_for(self) -> float:
        """Horizon of its curve, in steps.

        It is larger than the planned one if the first report of the recorded runs comes later.
        """
        return float(self.curve.steps[-1])

    @property
    def ended(self) -> float:
        """Steps trained: up to the horizon, or up to the report of the divergence."""
        steps, losses = self.curve
        diverged = np.flatnonzero(~np.isfinite(losses))
        last = diverged[0] if len(diverged) else -1
        return float(steps[last])


class Probes:
    """Probes of one schedule, and what the law makes of them.

    Attributes:
        done: The probes, in the order in which they were run.
        schedule: Their schedule.
    """

    def __init__(
        self,
        done: Sequence[Probe],
        schedule: AnySchedule,
        prior: Prior | None = None,
    ) -> None:
        """Store the probes; the law is fitted when it is needed.

        Args:
            done: The probes.
            schedule: Their schedule.
            prior: Prior of the law; None for the law's own.
        """
        self.done = done
        self.schedule = schedule
        self._prior = prior

    @property
    def steps(self) -> float:
        """Steps trained in all."""
        return sum(probe.ended for probe in self.done)

    @property
    def last_best(self) -> Probe | None:
        """The best probe of the largest horizon at which one did not diverge; None if all did."""
        finite = [probe for probe in self.done if np.isfinite(probe.loss)]
        if not finite:
            return None

        largest = max(probe.horizon for probe in finite)
        last = [probe for probe in finite if probe.horizon == largest]
        return min(last, key=lambda probe: probe.loss)

    @cached_property
    def law(self) -> Law:
        """The law fitted to the probes. It may have no optimum to start from."""
        shapes = {self.schedule.name: self.schedule}
        return join([self._chain.optima], shapes, self._prior or MIXTURE)

    def tried(self, horizon: float) -> list[float]:
        """Ln lr of the probes of a horizon."""
        return [float(np.log(probe.lr)) for probe in self.done if probe.horizon == horizon]

    def wall(self, horizon: float) -> float:
        """The lowest ln lr that diverged by this horizon, above all that did not.

        Infinite if there is none.
        """
        fine = [-np.inf]
        diverged = []
        for probe in self.done:
            ln_lr = float(np.log(probe.lr))
            if not np.isfinite(probe.loss) and probe.ended <= horizon:
                diverged.append(ln_lr)
            elif np.isfinite(probe.loss) and probe.horizon == horizon:
                fine.append(ln_lr)

        return min((ln_lr for ln_lr in diverged if ln_lr > max(fine)), default=np.inf)

    def expected(
        self,
        horizon: float,
        schedule: AnySchedule,
        low: float,
        high: float,
    ) -> Surrogate | None:
        """Expected losses of runs of a horizon over a range of ln lr.

        Args:
            horizon: Horizon of the runs, in steps.
            schedule: Their schedule.
            low: Lower end of the range.
            high: Upper end.

        Returns:
            None if the law has no optimum to start from.
        """
        if not self.law.optima:
            return None
        return surrogate(self._chain, self.law, horizon, schedule, low, high)

    @cached_property
    def _chain(self) -> Chain:
        runs = as_runs(self.done, self.schedule.name)
        return find_chain(observe(runs), logarithmic=runs.positive)


def draw_probes(
    lender: Grid,
    horizon: float,
    rungs: Sequence[Rung],
    seed: int,
    prior: Prior | None = None,
) -> Probes:
    """Run a ladder of probes.

    Args:
        lender: Where the probes come from.
        horizon: Target horizon, in steps.
        rungs: Rungs of the ladder, by ascending horizon.
        seed: Seed of the learning rates and of the recorded seeds. Probe number n replays the
            same recorded seed whatever its learning rate.
        prior: Prior of the law that chooses learning rates; None for the law's own.
    """
    done: list[Probe] = []
    for place, rung in enumerate(rungs):
        planned = max(1, round(rung.fraction * horizon))
        for _ in range(rung.n):
            u = uniform_number(seed, len(done))
            probes = Probes(tuple(done), lender.schedule, prior)
            lr = _pick(probes, lender, planned, rungs[0].n, is_first=place == 0, u=u)
            rng = np.random.default_rng([seed, len(done)])
            curve = lender.curve({LR: lr}, planned, rng)
            done.append(Probe(lr, planned, curve))

    return Probes(done, lender.schedule, prior)


def as_runs(probes: Sequence[Probe], schedule: str) -> RunTable:
    """Turn probes into a run table.

    Args:
        probes: At least one probe.
        schedule: Name of their schedule.
    """
    counts = [len(probe.curve.steps) for probe in probes]
    step = np.concatenate([probe.curve.steps for probe in probes])
    horizon = np.repeat([probe.trained_for for probe in probes], counts)
    return RunTable.from_columns(
        {
            "run": np.repeat(np.arange(len(probes)), counts),
            "lr": np.repeat([probe.lr for probe in probes], counts),
            "schedule": np.full(len(step), schedule),
            "horizon": horizon,
            "step": step,
            "loss": np.concatenate([probe.curve.losses for probe in probes]),
        }
    )


def _pick(
    probes: Probes,
    lender: Grid,
    horizon: float,
    n_first: int,
    *,
    is_first: bool,
    u: float,
) -> float:
    """Learning rate of the next probe.

    Args:
        probes: The probes so far.
        lender: Where the probes come from.
        horizon: Horizon of the next probe.
        n_first: Number of probes of the first rung.
        is_first: Whether the next probe is of the first rung.
        u: Uniform random number of the probe, in [0, 1).
    """
    low, high = ln_range(lender)
    tried = probes.tried(horizon)
    n_spread = min(n_first, N_SPREAD)

    wall = np.inf
    expected = None
    if not is_first or len(tried) >= n_spread:
        wall = probes.wall(horizon)
        upper_end = below_wall(low, high, wall)
        expected = probes.expected(horizon, lender.schedule, low, upper_end)

    picker = Picker(
        low,
        high,
        wall,
        expected,
        n_cells=n_spread,
        n_first=n_spread if is_first else 0,
        u=u,
    )
    return float(np.exp(picker.pick(tried, running=[])))


def ln_range(objective: Grid) -> tuple[float, float]:
    """The range of ln lr of an objective."""
    lr = objective.space[LR]
    assert isinstance(lr, FloatDistribution)
    return float(np.log(lr.low)), float(np.log(lr.high))
