"""Psi: the learning rate as a function of the loss and of the data that remain.

    alpha = Psi(loss, remaining)

By the loss law, the state of a run is more than its loss: noise that a fall of the rate has not
yet removed depends on the rates so far. A table over the loss and the remaining data alone cannot
be solved step by step from the end, as dynamic programming would, since two runs of one loss may
need different rates. But on the best schedules it can: what is left of a best schedule is the best
that can be done from where the run is (Bellman's principle), and each horizon has one such path.
So the best whole schedules are searched for several horizons, and the table holds, for so much
remaining data, which loss each of these runs has there, and which rate. A run whose loss is lower
than planned gets the rate of a run of a longer horizon with as much data left; one that is behind,
that of a shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa._validation import POSITIVE, UNIT, Interval, check_type
from optuna_kappa.psi.formula import Formula, formula_of
from optuna_kappa.psi.loss_law import LossLaw
from optuna_kappa.psi.optimal import best_schedule
from optuna_kappa.psi.psi_file import read_psi, write_psi
from optuna_kappa.schedules import Schedule

if TYPE_CHECKING:
    from optuna_kappa.psi.scheduler import PsiScheduler, TorchOptimizer

# Horizons of the table, over the one asked for.
_FACTORS = 2.0 ** np.linspace(-2, 1, 13)
_BEGINNING = 0.1  # part of a shorter run that is not compared: losses fall steeply there
_PROGRESS = "it is the part of the run that is done"
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Psi:
    """Best schedules for several horizons, as a table of rates; `Psi.from_law` makes it.

    Args:
        horizon: Data of the run that it was made for.
        warmup: Data over which the rate rises linearly from 0.
        lowest: Loss that the law gives a run without end and noise.
        scatter: Typical relative distance of fitted losses from the law.
        rate_low: Lowest rate that is set: the smallest fitted one, or that at a schedule's end.
        rate_high: Largest fitted rate.
        horizons: Horizons of the table, ascending, shape (h,).
        step: Data seen at each place of each schedule, shape (h, n).
        rate: Rate there, shape (h, n).
        loss: Loss that the law expects there, shape (h, n).

    Example:
        >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
        >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 10.0, 0.001, 0.001)
        >>> psi = Psi.from_law(law, horizon=100)
        >>> psi(loss=3.0, progress=0.5) > psi(loss=3.0, progress=0.95)
        True
    """

    horizon: float
    warmup: float
    lowest: float
    scatter: float
    rate_low: float
    rate_high: float
    horizons: Floats
    step: Floats
    rate: Floats
    loss: Floats

    @classmethod
    def from_law(cls, law: LossLaw, horizon: float, warmup: float = 0.0) -> Psi:
        """Search the best schedules by a loss law.

        Args:
            law: The law, of runs of the model that is to be trained.
            horizon: Data of the run that is planned.
            warmup: Data over which its rate rises linearly from 0: below an eighth of the horizon.

        Raises:
            ValueError: If the horizon is not above 0, or the warm-up too long.

        Example:
            >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
            >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 10.0, 0.001, 0.001)
            >>> Psi.from_law(law, horizon=100).horizons.tolist()[-1]
            200.0
        """
        check_type("law", law, LossLaw, "optuna_kappa.psi.fit makes one")
        horizon = POSITIVE.check("horizon", horizon, "it is the data of the planned run")
        allowed = Interval(0, horizon / 8, "[)")
        warmup = allowed.check("warmup", warmup, "it is in the unit of the horizon")

        horizons = horizon * _FACTORS
        paths = [best_schedule(law, float(one), warmup) for one in horizons]
        step, rate, loss = (np.array(values) for values in zip(*paths, strict=True))
        return cls(
            horizon=horizon,
            warmup=warmup,
            lowest=float(law.values[0] - np.exp(law.values[3])),
            scatter=law.scatter,
            rate_low=min(law.rate_low, float(rate.min())),
            rate_high=law.rate_unit,
            horizons=horizons,
            step=step,
            rate=rate,
            loss=loss,
        )

    def __call__(self, loss: float, progress: float, horizon: float | None = None) -> float:
        """Rate for a run with this loss.

        Args:
            loss: Loss now, smoothed and of the kind that the law was fitted to. One outside the
                table counts as its nearest.
            progress: Part of the run that is done, from 0 to 1.
            horizon: Data of the whole run; by default the one that this Psi was made for.

        Raises:
            ValueError: If the loss is not above 0, or another argument out of its range.
        """
        loss = POSITIVE.check("loss", loss, "it is the loss of the run now")
        losses, log_rates = self._row(progress, horizon)
        excess = np.log(np.maximum(losses - self.lowest, _ROUNDING * losses))
        at = np.log(max(loss - self.lowest, _ROUNDING * loss))
        return float(np.exp(np.interp(at, excess, log_rates)))

    def seen(self, progress: float, horizon: float | None = None) -> tuple[float, float]:
        """Lowest and highest loss that the table knows at this point of a run.

        Example:
            >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
            >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 10.0, 0.001, 0.001)
            >>> low, high = Psi.from_law(law, horizon=100).seen(0.9)
            >>> low < high
            True
        """
        losses, _ = self._row(progress, horizon)
        return float(losses[0]), float(losses[-1])

    def expected_loss(self, progress: float, horizon: float | None = None) -> float:
        """Loss that the law expects of the open loop.

        Example:
            >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
            >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 10.0, 0.001, 0.001)
            >>> psi = Psi.from_law(law, horizon=100)
            >>> psi.expected_loss(0.5) > psi.expected_loss(1.0)
            True
        """
        progress = UNIT.check("progress", progress, _PROGRESS)
        horizon = self._checked_horizon(horizon)
        places, log_losses = self._between(np.log(self.loss), horizon)
        return float(np.exp(np.interp(progress, places, log_losses)))

    def open_loop(self, horizon: float | None = None) -> Schedule:
        """Schedule for a known horizon, whose base rate is `peak_lr` of that horizon.

        Args:
            horizon: Data of the whole run, within the table: from a quarter to twice the horizon
                that this Psi was made for, which is the default.

        Raises:
            ValueError: If the horizon is outside.

        Example:
            >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
            >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 10.0, 0.001, 0.001)
            >>> schedule = Psi.from_law(law, horizon=100).open_loop()
            >>> schedule.name, round(schedule(0.0), 3)
            ('psi(horizon=100)', 1.0)
        """
        horizon = self._checked_horizon(horizon)
        places, log_rates = self._between(np.log(self.rate), horizon)
        factors = np.exp(log_rates - log_rates.max())

        start = self.warmup / horizon
        ahead = ([0.0, start], [0.0, factors[0]]) if start > 0 else ([0.0], [factors[0]])
        x = np.concatenate([ahead[0], places])
        y = np.concatenate([ahead[1], factors])
        return Schedule(
            f"psi(horizon={horizon:g})",
            mean=float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)),
            shape=partial(_interpolated, places=x, factors=y),
            knots=tuple(x[1:-1].tolist()),
        )

    def peak_lr(self, horizon: float | None = None) -> float:
        """Base rate of the open loop.

        Example:
            >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
            >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 10.0, 0.001, 0.001)
            >>> round(Psi.from_law(law, horizon=100).peak_lr(), 3)
            0.1
        """
        _, log_rates = self._between(np.log(self.rate), self._checked_horizon(horizon))
        return float(np.exp(log_rates.max()))

    @cached_property
    def formula(self) -> Formula:
        """Closed form that is nearest to the table."""
        return formula_of(
            self.horizon, self.lowest, self.horizons, self.step, self.rate, self.loss
        )

    def scheduler(
        self, optimizer: TorchOptimizer, n_steps: int, horizon: float | None = None
    ) -> PsiScheduler:
        """Scheduler of a torch optimizer; call its `step(loss)` after each batch.

        Args:
            optimizer: Torch optimizer, whose rates are set.
            n_steps: Calls of `step` in the whole run.
            horizon: Data of the whole run; by default the one that this Psi was made for.
        """
        # Imported here, because that module needs this one.
        from optuna_kappa.psi.scheduler import PsiScheduler

        return PsiScheduler(optimizer, self, n_steps, self._checked_horizon(horizon))

    def to_json(self) -> str:
        """JSON text, for `from_json`."""
        return write_psi(self)

    @classmethod
    def from_json(cls, text: str) -> Psi:
        """Read a Psi from the text that `to_json` wrote.

        Raises:
            ValueError: If the text is not such a Psi.

        Example:
            >>> Psi.from_json("{}")
            Traceback (most recent call last):
            ValueError: not a Psi written by Psi.to_json: its format is None, but ...
        """
        return cls(**read_psi(text))

    def _checked_horizon(self, horizon: float | None) -> float:
        if horizon is None:
            return self.horizon
        allowed = Interval(float(self.horizons[0]), float(self.horizons[-1]))
        remedy = "the table has schedules for these; make another Psi.from_law for it"
        return allowed.check("horizon", horizon, remedy)

    def _row(self, progress: float, horizon: float | None) -> tuple[Floats, Floats]:
        """Ascending losses, and ln rates, of the runs of the table with as much data left."""
        progress = UNIT.check("progress", progress, _PROGRESS)
        own = self._checked_horizon(horizon)
        remaining = (1 - progress) * own

        losses = []
        log_rates = []
        for row, whole in enumerate(self.horizons):
            seen = whole - remaining
            if whole < own * (1 - _ROUNDING) and seen < _BEGINNING * whole:
                continue
            losses.append(np.interp(seen, self.step[row], np.log(self.loss[row])))
            log_rates.append(np.log(np.interp(seen, self.step[row], self.rate[row])))

        order = np.argsort(losses)
        return np.exp(np.array(losses)[order]), np.array(log_rates)[order]

    def _between(self, values: Floats, horizon: float) -> tuple[Floats, Floats]:
        """Places (parts of the run) and values there, between the two nearest horizons."""
        logs = np.log(self.horizons)
        after = int(np.clip(np.searchsorted(logs, np.log(horizon)), 1, len(logs) - 1))
        share = (np.log(horizon) - logs[after - 1]) / (logs[after] - logs[after - 1])

        # Each schedule has its places at the same parts of what follows its warm-up.
        start = self.warmup / horizon
        row = self.step[0]
        parts = (row - self.warmup) / (row[-1] - self.warmup)
        places = start + (1 - start) * parts
        return places, (1 - share) * values[after - 1] + share * values[after]


def _interpolated(p: Floats, *, places: Floats, factors: Floats) -> Floats:
    return np.asarray(np.interp(p, places, factors), dtype=float)
