"""Steps of runs as a study has them: whole numbers that fit into a storage."""

from __future__ import annotations

import math

import numpy as np

from optuna_kappa._typing import Floats, Rows
from optuna_kappa._validation import MAX_STEP
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.columns import SAME_HORIZON

_ROUNDING = 1e-9  # relative distance of a number of steps from a whole one
_UNITS = (0.5, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)  # that are suggested


def whole_steps(values: Floats, unit: float, runs: RunTable) -> Rows:
    """Steps or horizons of runs in whole steps of a study, shape `(n,)`.

    Args:
        values: Those of each row, shape `(n,)`.
        unit: What a step of the study stands for, in the unit of the runs.
        runs: The runs.

    Raises:
        ValueError: One of them is not whole, or too large for a storage.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs(horizons=[8])
        >>> int(whole_steps(runs.step, 2.0, runs).max())
        4
    """
    exact = values / unit
    steps = np.rint(exact)
    # Rows of a run may lie beyond its horizon by rounding.
    bad = np.abs(exact - steps) > _ROUNDING * np.maximum(1.0, np.abs(exact))
    bad &= np.abs(exact - steps) > SAME_HORIZON
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"steps of a study are whole numbers, but run {str(runs.run[row])!r} has "
            f"{values[row]:g}: say by --unit what a step stands for{_suggested(runs, whole=False)}"
        )
    if steps.max() > MAX_STEP:
        raise ValueError(
            f"steps of a study are at most {MAX_STEP}, but the runs have {steps.max():g}: say by "
            f"--unit what a step stands for{_suggested(runs, whole=True)}"
        )
    whole: Rows = steps.astype(np.int64)
    return whole


def _suggested(runs: RunTable, *, whole: bool) -> str:
    """The unit in which all steps are whole numbers, for a message; '' if there is none."""
    values = np.concatenate([runs.step, runs.horizon])
    if whole:
        common = math.gcd(*(int(value) for value in np.unique(values)))
        return f", such as --unit {common}" if common > 1 else ""

    for unit in _UNITS:
        parts = values / unit
        if np.allclose(parts, np.rint(parts), rtol=_ROUNDING, atol=SAME_HORIZON):
            return f", such as --unit {unit:g}"
    return ""
