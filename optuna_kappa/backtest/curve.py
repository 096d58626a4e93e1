"""One recorded constant-rate run, as a curve of its finite losses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats, Rows
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.table import SAME_HORIZON


class RecordedCurve(NamedTuple):
    """A constant-rate run: its finite losses after the first step, in ascending step.

    Attributes:
        ln_lr: ln of its learning rate.
        run: Label of the run.
        step: Steps of its reports, ascending, shape `(n,)`.
        loss: Finite losses there, shape `(n,)`.
        diverged_at: Step from which on it had diverged; infinite if it never did.
    """

    ln_lr: float
    run: str
    step: Floats
    loss: Floats
    diverged_at: float

    def reaches(self, horizon: float) -> bool:
        """Whether the run was trained up to a horizon."""
        # A step that differs by rounding only is the horizon.
        end = horizon * (1 - SAME_HORIZON)
        return bool((self.step >= end).any())


def read_curve(runs: RunTable, rows: Rows) -> RecordedCurve:
    """Read one run, given its rows in ascending step.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs(horizons=[4, 16])
        >>> curve = read_curve(runs, runs.by_run()[0])
        >>> curve.step.tolist(), curve.reaches(4), curve.reaches(8)
        ([4.0], True, False)
    """
    step = runs.step[rows]
    loss = runs.loss[rows]
    is_finite = np.isfinite(loss)
    is_trained = is_finite & (step > 0)

    first = rows[0]
    return RecordedCurve(
        ln_lr=float(np.log(runs.lr[first])),
        run=str(runs.run[first]),
        step=step[is_trained],
        loss=loss[is_trained],
        diverged_at=float(step[~is_finite].min(initial=np.inf)),
    )
