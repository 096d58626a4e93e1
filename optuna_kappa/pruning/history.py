"""The finished runs of a study as arrays: what a run under way is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from optuna_kappa.pruning.phases import Reading, choose, read
from optuna_kappa.runs import Floats

_ASKED = 16  # whole runs that say where reports are; the first ones, so that phases stay


class Run(NamedTuple):
    """A finished run, up to where it diverged if it did.

    Attributes:
        step: Steps of its finite reports, ascending, above 0, shape `(n,)`.
        loss: Losses there, lower is better.
        place: Its parameters as coordinates, shape `(p,)`, in lengths over which losses change.
        final: What it came to at the horizon; NaN if it was ended before.
    """

    step: Floats
    loss: Floats
    place: Floats
    final: float


@dataclass(frozen=True, eq=False)
class History:
    """Finished runs of one horizon, at K phases.

    Attributes:
        runs: The n runs.
        horizon: Their horizon, in steps.
        phases: Fractions of the horizon, ascending, the last one 1, shape `(K,)`.
        logarithmic: Whether losses are compared by their logarithms: where all are positive.
        place: Coordinates, shape `(n, p)`.
        value: Losses, or their logarithms, at the phases, shape `(n, K)`; the last column is what
            runs came to, NaN for those that were ended before.
        scatter: Of single reports, as `Reading.scatter`.
        averaged: Number of reports averaged, as `Reading.averaged`.
    """

    runs: Sequence[Run]
    horizon: float
    phases: Floats
    logarithmic: bool
    place: Floats
    value: Floats
    scatter: Floats
    averaged: Floats

    @property
    def whole(self) -> np.ndarray:
        """Which runs came to the horizon, shape `(n,)`."""
        return np.isfinite(self.value[:, -1])

    @property
    def best(self) -> float:
        """The lowest of what runs came to, as losses; infinite if there are none."""
        finals = [run.final for run in self.runs if math.isfinite(run.final)]
        return min(finals, default=math.inf)

    def reads_as(self, other: History) -> bool:
        """Whether the same curve has the same values in both."""
        return (
            self.horizon == other.horizon
            and self.logarithmic == other.logarithmic
            and np.array_equal(self.phases, other.phases)
        )

    def row(self, index: int) -> Reading:
        """What was read of a run."""
        return Reading(self.value[index], self.scatter[index], self.averaged[index])

    def columns(self, run: Run) -> Reading:
        """Reads a finished run; its last value is what it came to."""
        found = self.read(run.step, run.loss)
        found.value[-1] = math.log(run.final) if self.logarithmic else run.final
        return found

    def read(self, step: Floats, loss: Floats) -> Reading:
        """Reads a curve at the phases."""
        at = np.minimum(step / self.horizon, 1.0)
        return read(at, np.log(loss) if self.logarithmic else loss, self.phases)


def learn(runs: Sequence[Run], horizon: float, before: History | None = None) -> History | None:
    """Reads runs of one horizon; None while none has come to it.

    Args:
        runs: Finished runs.
        horizon: Their horizon, in steps.
        before: What was learned from some of these runs, the same objects; they are not read anew.
    """
    whole = [run for run in runs if math.isfinite(run.final)][:_ASKED]
    if not whole:
        return None
    phases = choose([np.minimum(run.step / horizon, 1.0) for run in whole])
    old = {id(run): row for row, run in enumerate(before.runs)} if before else {}
    new = [run for run in runs if id(run) not in old]
    logarithmic = (before is None or before.logarithmic) and all(_positive(run) for run in new)
    empty = np.empty((0, len(phases)))
    places = np.stack([run.place for run in runs])
    made = History(tuple(runs), horizon, phases, logarithmic, places, empty, empty, empty)
    if before is None or not made.reads_as(before):
        old, columns = {}, [made.columns(run) for run in runs]
    else:
        columns = [
            before.row(old[id(run)]) if id(run) in old else made.columns(run) for run in runs
        ]
    value, scatter, averaged = (np.stack(column) for column in zip(*columns, strict=True))
    return replace(made, value=value, scatter=scatter, averaged=averaged)


def _positive(run: Run) -> bool:
    return not run.final <= 0 and bool((run.loss > 0).all())
