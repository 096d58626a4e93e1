"""The finished runs of a study as arrays: what a run under way is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.phases import Reading, choose, read

_FAR_BELOW = 7.0  # in ln loss
_LARGEST = 700.0  # logarithm that has an exponential
_SAME = 1e-9
_ASKED = 16  # whole runs that say where reports are; the first ones, so that phases stay


class Place(NamedTuple):
    """Where a run is in the space of parameters.

    Attributes:
        ln_lr: Natural logarithm of its learning rate; 0 where there is none.
        others: Other parameters, in parts of their ranges, shape `(p,)`.
    """

    ln_lr: float
    others: Floats


class Run(NamedTuple):
    """A finished run, up to where it diverged if it did.

    Attributes:
        step: Steps of its finite reports, ascending, above 0, shape `(n,)`.
        loss: Losses there, lower is better.
        place: Its parameters.
        final: What it came to at the horizon; NaN if it was ended before.
    """

    step: Floats
    loss: Floats
    place: Place
    final: float


@dataclass(frozen=True, eq=False)
class History:
    """Finished runs of one horizon, at K phases.

    Attributes:
        runs: The n runs.
        horizon: Their horizon, in steps.
        phases: Fractions of the horizon, ascending, the last one 1, shape `(K,)`.
        logarithmic: Whether losses are compared by their logarithms: where all are positive.
        ln_lr: Logarithms of the learning rates, shape `(n,)`.
        others: Other parameters, shape `(n, p)`.
        value: Losses, or their logarithms, at the phases, shape `(n, K)`; the last column is what
            runs came to, NaN for those that were ended before.
        scatter: Of single reports, as `Reading.scatter`.
        averaged: Number of reports averaged, as `Reading.averaged`.
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
        """Which runs came to the horizon, shape `(n,)`."""
        return np.isfinite(self.value[:, -1])

    @cached_property
    def best_run(self) -> Run:
        """The run that came to the lowest loss."""
        return self.runs[int(np.nanargmin(self.value[:, -1]))]

    @property
    def best(self) -> float:
        """The lowest loss that a run came to."""
        return self.best_run.final

    @cached_property
    def lowest(self) -> Floats:
        """The lowest value at each phase, shape `(K,)`; NaN where no run has reported."""
        return np.asarray(np.fmin.reduce(self.value, axis=0))

    def reads_as(self, other: History) -> bool:
        """Whether the same curve has the same values in both."""
        return (
            self.horizon == other.horizon
            and self.logarithmic == other.logarithmic
            and np.array_equal(self.phases, other.phases)
        )

    def columns(self, run: Run) -> Reading:
        """Reads a finished run; its last value is what it came to."""
        found = self.read(run.step, run.loss)
        found.value[-1] = math.log(run.final) if self.logarithmic else run.final
        return found

    @cached_property
    def worst_start(self) -> float:
        """The highest loss at the first phase, of the runs that came to the horizon."""
        starts = self.value[self.whole, 0]
        known = starts[np.isfinite(starts)]
        highest = float(known.max()) if len(known) else math.inf
        return math.exp(min(highest, _LARGEST)) if self.logarithmic else highest

    def read_under_way(self, step: Floats, loss: Floats) -> Reading:
        """Reads the curve of a run under way.

        A phase that it has passed without a report before has the value of its last report. Where
        losses are compared by their logarithms, one of 0 or less is far below all others.
        """
        if self.logarithmic:
            lowest = math.exp(float(np.nanmin(self.lowest)) - _FAR_BELOW)
            loss = np.maximum(loss, lowest)
        found = self.read(step, loss)
        passed = np.searchsorted(self.phases, step[-1:] / self.horizon * (1 + _SAME)) - 1
        for phase in passed[passed >= 0]:
            if not np.isfinite(found.value[phase]):
                found.value[phase] = math.log(loss[-1]) if self.logarithmic else loss[-1]
        return found

    def read(self, step: Floats, loss: Floats) -> Reading:
        """Reads a curve at the phases, without what lies beyond the horizon."""
        inside = step <= self.horizon * (1 + _SAME)
        y = np.log(loss[inside]) if self.logarithmic else loss[inside]
        return read(step[inside] / self.horizon, y, self.phases)


def learn(runs: Sequence[Run], horizon: float, before: History | None = None) -> History | None:
    """Reads runs of one horizon; None while none has come to it.

    Args:
        runs: Finished runs.
        horizon: Their horizon, in steps.
        before: What was learned from some of these runs, the same objects; they are not read anew.
    """
    whole = list(islice((run for run in runs if math.isfinite(run.final)), _ASKED))
    if not whole:
        return None
    phases = choose([np.minimum(run.step / horizon, 1.0) for run in whole])
    row = {id(run): i for i, run in enumerate(before.runs)} if before else {}
    new = [run for run in runs if id(run) not in row]
    logarithmic = (before is None or before.logarithmic) and all(map(_positive, new))
    others, empty = np.empty((0, len(whole[0].place.others))), np.empty((0, len(phases)))
    nothing = History((), horizon, phases, logarithmic, np.empty(0), others, empty, empty, empty)
    if before is None or not before.reads_as(nothing):
        before, row, new = nothing, {}, list(runs)
    if not new:
        return before
    row |= {id(run): i for i, run in enumerate(new, len(row))}
    order = [row[id(run)] for run in runs]
    known = before.ln_lr, before.others, before.value, before.scatter, before.averaged
    places = zip(*(run.place for run in new), strict=True)
    added = *places, *zip(*map(before.columns, new), strict=True)
    arrays = (
        np.concatenate([of_known, of_new])[order]
        for of_known, of_new in zip(known, added, strict=True)
    )
    return History(tuple(runs), horizon, phases, logarithmic, *arrays)


def _positive(run: Run) -> bool:
    return not run.final <= 0 and bool((run.loss > 0).all())
