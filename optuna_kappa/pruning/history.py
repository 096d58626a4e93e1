"""The finished runs of a study as arrays, for comparison with a run under way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.phases import SAME_FRACTION, Reading, choose, read
from optuna_kappa.pruning.run import Run

# A loss of 0 or less has no logarithm. It is read as this far below all others, in ln loss.
_FAR_BELOW = 7.0
_LARGEST = 700.0  # a larger logarithm has no exponential in double precision
_ASKED = 16  # whole runs that decide where phases lie: the first ones, so that phases stay


@dataclass(frozen=True, eq=False)
class History:
    """Finished runs of one horizon, at K phases.

    Attributes:
        runs: The n runs.
        horizon: Their horizon, in steps.
        phases: Fractions of the horizon, ascending, the last one 1, shape `(K,)`.
        logarithmic: Whether losses are compared by their logarithms, which they are where all are
            positive.
        ln_lr: Logarithms of the learning rates, shape `(n,)`.
        others: Other parameters, shape `(n, p)`.
        value: Losses, or their logarithms, at the phases, shape `(n, K)`. The last column is the
            final loss of each run, NaN for a run that was ended before.
        scatter: Scatter of a single report, as `Reading.scatter`, shape `(n, K)`.
        averaged: Number of reports averaged, as `Reading.averaged`, shape `(n, K)`.

    Example:
        >>> from optuna_kappa.pruning import example_history
        >>> history = example_history(lrs=[1e-4, 1e-3])
        >>> history.value.shape == (2, len(history.phases))
        True
        >>> np.exp(history.value[:, -1]).round(3).tolist()
        [0.84, 0.14]
    """

    runs: Sequence[Run]
    horizon: float
    phases: Floats
    logarithmic: bool
    ln_lr: Floats
    others: Floats
    value: Floats
    scatter: Floats
    averaged: Floats

    @cached_property
    def whole(self) -> np.ndarray:
        """Which runs reached the horizon, shape `(n,)`.

        Example:
            >>> from optuna_kappa.pruning import example_history
            >>> example_history(lrs=[1e-4, 1e-3]).whole.tolist()
            [True, True]
        """
        return np.isfinite(self.value[:, -1])

    @cached_property
    def best_run(self) -> Run:
        """The run with the lowest final loss.

        Example:
            >>> from optuna_kappa.pruning import example_history
            >>> best = example_history(lrs=[3e-4, 1e-3, 1e-2]).best_run
            >>> round(math.exp(best.place.ln_lr), 6)
            0.001
        """
        row = np.nanargmin(self.value[:, -1])
        return self.runs[int(row)]

    @property
    def best(self) -> float:
        """The lowest final loss of a run.

        Example:
            >>> from optuna_kappa.pruning import example_history
            >>> round(example_history().best, 3)
            0.14
        """
        return self.best_run.final

    @cached_property
    def lowest(self) -> Floats:
        """The lowest value at each phase, shape `(K,)`; NaN where no run has reported.

        Example:
            >>> from optuna_kappa.pruning import example_history
            >>> history = example_history()
            >>> bool(history.lowest[-1] == math.log(history.best))
            True
        """
        return np.asarray(np.fmin.reduce(self.value, axis=0))

    def reads_as(self, other: History) -> bool:
        """Whether the same curve has the same values in both histories."""
        return (
            self.horizon == other.horizon
            and self.logarithmic == other.logarithmic
            and np.array_equal(self.phases, other.phases)
        )

    def columns(self, run: Run) -> Reading:
        """Read a finished run at the phases; its last value is its final loss."""
        reading = self.read(run.step, run.loss)
        reading.value[-1] = self._scaled(run.final)
        return reading

    def _scaled(self, loss: float) -> float:
        """A loss as it is compared: its logarithm in a logarithmic history."""
        return math.log(loss) if self.logarithmic else loss

    @cached_property
    def worst_start(self) -> float:
        """The highest loss at the first phase, among the runs that reached the horizon."""
        starts = self.value[self.whole, 0]
        known = starts[np.isfinite(starts)]
        highest = float(known.max()) if len(known) else math.inf
        return math.exp(min(highest, _LARGEST)) if self.logarithmic else highest

    def read_under_way(self, step: Floats, loss: Floats) -> Reading:
        """Read the curve of a run under way at the phases.

        If the run has passed a phase without a report before it, the phase takes the value of the
        last report. Where losses are compared by their logarithms, a loss of 0 or less is read as
        far below all others.

        Args:
            step: Steps of its reports, ascending, above 0, shape `(n,)`.
            loss: Finite losses, shape `(n,)`.

        Example:
            >>> from optuna_kappa.pruning import example_curve, example_history
            >>> history = example_history()
            >>> step, loss = example_curve(lr=3e-3)
            >>> reading = history.read_under_way(step[:10], loss[:10])
            >>> float(history.phases[np.isfinite(reading.value)].max())  # half of its run
            0.5
        """
        if self.logarithmic:
            lowest = math.exp(float(np.nanmin(self.lowest)) - _FAR_BELOW)
            loss = np.maximum(loss, lowest)

        reading = self.read(step, loss)
        if not len(step):
            return reading

        fraction = step[-1] / self.horizon * (1 + SAME_FRACTION)
        phase = np.searchsorted(self.phases, fraction) - 1
        if phase >= 0 and not np.isfinite(reading.value[phase]):
            reading.value[phase] = self._scaled(loss[-1])

        return reading

    def read(self, step: Floats, loss: Floats) -> Reading:
        """Read a curve at the phases; reports beyond the horizon do not count.

        Args:
            step: Steps of its reports, ascending, above 0, shape `(n,)`.
            loss: Finite losses, positive if the history is logarithmic, shape `(n,)`.

        Example:
            >>> from optuna_kappa.pruning import example_history
            >>> history = example_history()
            >>> reading = history.read(history.best_run.step, history.best_run.loss)
            >>> bool(reading.value[-1] == history.lowest[-1])
            True
        """
        inside = step <= self.horizon * (1 + SAME_FRACTION)
        y = np.log(loss[inside]) if self.logarithmic else loss[inside]
        return read(step[inside] / self.horizon, y, self.phases)


def learn(
    runs: Sequence[Run],
    horizon: float,
    before: History | None = None,
) -> History | None:
    """Read finished runs of one horizon; None while no run has reached it.

    Args:
        runs: Finished runs.
        horizon: Their horizon, in steps.
        before: A history of some of these runs (the same objects), which are not read again as
            long as the phases and the scale of losses stay the same.

    Example:
        >>> from optuna_kappa.pruning import Place
        >>> place = Place(ln_lr=math.log(1e-3), others=np.empty(0))
        >>> step, loss = np.array([25.0, 50.0, 100.0]), np.array([0.9, 0.6, 0.4])
        >>> history = learn([Run(step, loss, place, final=0.4)], horizon=100)
        >>> history.phases.tolist()
        [0.25, 0.5, 1.0]
    """
    whole = (run for run in runs if math.isfinite(run.final))
    asked = list(islice(whole, _ASKED))
    if not asked:
        return None

    rows = {} if before is None else _rows(before.runs)
    new = [run for run in runs if id(run) not in rows]

    logarithmic = before is None or before.logarithmic
    logarithmic = logarithmic and all(map(_is_positive, new))
    empty = _empty_history(asked, horizon, logarithmic)
    if before is None or not before.reads_as(empty):  # all runs are read anew
        before = empty
        rows = {}
        new = list(runs)

    if not new:
        return before

    rows |= _rows(new, start=len(rows))
    order = [rows[id(run)] for run in runs]
    return _add(before, new, tuple(runs), order)


def _rows(runs: Sequence[Run], start: int = 0) -> dict[int, int]:
    """Row of each run by its id, counted from `start`."""
    return {id(run): row for row, run in enumerate(runs, start)}


def _empty_history(asked: Sequence[Run], horizon: float, logarithmic: bool) -> History:
    """A history without runs.

    Args:
        asked: Whole runs, at least one, whose reports decide where phases lie.
        horizon: Their horizon, in steps.
        logarithmic: Whether losses are compared by their logarithms.
    """
    reported = [np.minimum(run.step / horizon, 1.0) for run in asked]
    phases = choose(reported)
    n_others = len(asked[0].place.others)

    no_values = np.empty((0, len(phases)))
    return History(
        runs=(),
        horizon=horizon,
        phases=phases,
        logarithmic=logarithmic,
        ln_lr=np.empty(0),
        others=np.empty((0, n_others)),
        value=no_values,
        scatter=no_values,
        averaged=no_values,
    )


def _add(
    before: History,
    new: Sequence[Run],
    runs: Sequence[Run],
    order: list[int],
) -> History:
    """A history of the runs of `before` and of new ones, in the order of `runs`.

    Args:
        before: A history.
        new: Runs that are not in it.
        runs: All of them.
        order: For each of `runs`, its row: in `before`, then in `new`.
    """
    places = [run.place for run in new]
    readings = [before.columns(run) for run in new]
    ln_lr, others = zip(*places, strict=True)
    value, scatter, averaged = zip(*readings, strict=True)

    return History(
        runs=runs,
        horizon=before.horizon,
        phases=before.phases,
        logarithmic=before.logarithmic,
        ln_lr=np.concatenate([before.ln_lr, ln_lr])[order],
        others=np.concatenate([before.others, others])[order],
        value=np.concatenate([before.value, value])[order],
        scatter=np.concatenate([before.scatter, scatter])[order],
        averaged=np.concatenate([before.averaged, averaged])[order],
    )


def _is_positive(run: Run) -> bool:
    """Whether all losses of a run are above 0; a run that was ended has no final loss."""
    if run.final <= 0:
        return False
    return bool((run.loss > 0).all())
