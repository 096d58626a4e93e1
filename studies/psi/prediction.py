"""Fit the loss law to some runs of a file and see how far it is off on all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa.psi import Curve, fit


@dataclass(frozen=True)
class Score:
    """How far the law is off on one run.

    Args:
        fitted: Whether the law was fitted to this run.
        mean: Mean of |predicted / measured - 1| over the records.
        worst: Largest of them.
        end: Predicted / measured - 1 at the last record.
        error: Standard error that the law gives for the last record, over the loss.
        beyond: What of the run lies outside the fitted ones; '' if nothing does.
    """

    fitted: bool
    mean: float
    worst: float
    end: float
    error: float
    beyond: str


def predict(curves: Mapping[str, Curve], names: Sequence[str]) -> dict[str, Score]:
    """Fit the law to the named runs and score it on every run.

    Raises:
        ValueError: If a name is not that of a run, or the runs do not determine the law.
    """
    for name in names:
        if name not in curves:
            raise ValueError(f"--fit: there is no run {name!r}; the file has {', '.join(curves)}")
    law = fit([curves[name] for name in dict.fromkeys(names)])

    scores = {}
    for name, curve in curves.items():
        predicted = law.predict(curve)
        off = predicted.loss / curve.loss - 1
        scores[name] = Score(
            fitted=name in names,
            mean=float(np.abs(off).mean()),
            worst=float(np.abs(off).max()),
            end=float(off[-1]),
            error=float(predicted.error[-1] / predicted.loss[-1]),
            beyond=predicted.beyond,
        )
    return scores
