"""Loss curves: the reports of each run, and where a run was seen or had diverged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Bools, Floats, Rows
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.gaps import without_gaps

# A run with a report within this factor of a horizon was seen at that horizon: reports come at
# whole steps or epochs, and rarely hit a horizon exactly.
SAME_HORIZON = 1.05

# Steps and horizons that are equal but for rounding compare as equal. So the unit of data, which
# changes how they are rounded, decides nothing.
ROUNDING = 1 + 1e-9

_NEVER = np.inf  # the step at which a run diverged that did not


@dataclass(frozen=True, eq=False)
class Curve:
    """The loss curve of one run.

    Attributes:
        run: Label of the run.
        schedule: Name of its schedule, as the table spells it.
        lr: Base learning rate.
        horizon: Horizon that the run was planned for.
        step: Steps of the reports with a finite loss, above 0 and ascending, shape `(n,)`.
        loss: Their losses, shape `(n,)`.
        diverged_at: First step with a loss that is NaN or infinite and stays so; infinite if there
            is none.

    Example:
        >>> curve = Curve(
        ...     run="a", schedule="constant", lr=0.1, horizon=8.0, step=np.array([1.0, 2.0]),
        ...     loss=np.array([0.5, 0.4]), diverged_at=3.0,
        ... )
        >>> curve.was_seen_at(np.array([0.5, 1.0, 2.0, 4.0])).tolist()
        [False, True, True, False]
    """

    run: str
    schedule: str
    lr: float
    horizon: float
    step: Floats
    loss: Floats
    diverged_at: float

    def was_seen_at(self, horizons: Floats, before: float = SAME_HORIZON) -> Bools:
        """Whether the run has a finite loss at each horizon, shape `(r,)`.

        Args:
            horizons: Horizons, shape `(r,)`.
            before: The last report may be before a horizon by this factor.
        """
        if not len(self.step):
            return np.zeros(len(horizons), dtype=np.bool_)

        first = self.step[0] / (SAME_HORIZON * ROUNDING)
        last = self.step[-1] * before * ROUNDING

        had_begun = first <= horizons
        went_on = horizons <= last
        was_finite = ~self.had_diverged_at(horizons)
        return np.asarray(had_begun & went_on & was_finite)

    def had_diverged_at(self, horizons: Floats) -> Bools:
        """Whether the run had diverged by each horizon, shape `(r,)`."""
        return np.asarray(self.diverged_at <= horizons * ROUNDING)

    def count_reports(self, begin: Floats, end: Floats) -> Rows:
        """Return how many reports lie between each begin and end, shape `(r,)`."""
        before_begin = np.searchsorted(self.step, begin / ROUNDING)
        before_end = np.searchsorted(self.step, end / ROUNDING)
        return np.asarray(before_end - before_begin)


def read_curves(runs: RunTable) -> Iterator[Curve]:
    """Yield the curve of each run of a table.

    A loss that is missing for a while is a gap in the curve (`optuna_kappa.runs.gaps`).

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> curves = list(read_curves(example_runs(horizons=[1, 4])))
        >>> len(curves), curves[-1].step.tolist()
        (12, [4.0])
    """
    runs = without_gaps(runs)

    for rows in runs.by_run():
        step = runs.step[rows]
        loss = runs.loss[rows]
        finite = np.isfinite(loss)

        # A report at step 0 is about the untrained model; no horizon is that short.
        usable = finite & (step > 0)
        diverged = step[~finite]
        diverged_at = float(diverged.min()) if len(diverged) else _NEVER
        first = rows[0]

        yield Curve(
            run=str(runs.run[first]),
            schedule=str(runs.schedule[first]),
            lr=float(runs.lr[first]),
            horizon=float(runs.horizon[first]),
            step=step[usable],
            loss=loss[usable],
            diverged_at=diverged_at,
        )
