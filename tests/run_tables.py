"""A run table with everything in it that one may hold, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from optuna_kappa import RunTable


def example(**columns: Any) -> RunTable:
    defaults: dict[str, Any] = {
        "run": ["a", "a", "b", "c"],
        "lr": [0.1, 0.1, 1e-3, 1 / 3],
        "schedule": ["constant", "constant", "cosine(warmup=0.1)", "constant"],
        "horizon": [2e9, 2e9, 10.0, 7.0],
        "step": [1e9, 2e9, 10.0, 0.0],
        "loss": [2.5, np.nan, np.inf, -np.inf],
        "size": ["1, big", 'a "b"', "", "ü"],
        "batch": [8, 8, 16, 16],
    }
    return RunTable.from_columns(defaults | columns)


def assert_same(one: RunTable, other: RunTable) -> None:
    for name in ("run", "schedule"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    for name in ("lr", "horizon", "step", "loss"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)
    context = [{k: v.tolist() for k, v in t.context.items()} for t in (one, other)]
    assert context[0] == context[1]
