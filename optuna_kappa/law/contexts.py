"""How alike the laws of two contexts are, such as two batch sizes of one model.

Contexts whose values are positive numbers are points, the logarithms of these; the laws of near
points are alike. All else (an optimizer's name, say) is either the same or another problem.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Floats

Context = tuple[tuple[str, str], ...]  # (column, value) pairs
NEAR = 3.0  # distance, in ln value, at which two contexts' laws have a correlation of 0.6


def comparable(a: Context, b: Context) -> bool:
    """Whether what one context shows says something about the other's law."""
    return [_kind(*pair) for pair in a] == [_kind(*pair) for pair in b]


def similarity(rows: Sequence[Context], columns: Sequence[Context]) -> Floats:
    """Correlation exp(-distance^2 / (2 NEAR^2)) of comparable contexts, shape `(n, m)`."""
    a, b = _points(rows)[:, None], _points(columns)[None]
    alike: Floats = np.exp(-0.5 * (((a - b) / NEAR) ** 2).sum(axis=-1))
    return alike


def _points(contexts: Sequence[Context]) -> Floats:
    """Coordinates of comparable contexts, shape `(n, numbers)`."""
    points = [
        [np.log(float(value)) for name, value in context if _is_number(value)]
        for context in contexts
    ]
    return np.array(points, dtype=np.float64).reshape(len(contexts), -1)


def _kind(name: str, value: str) -> tuple[str, str]:
    """What two contexts must share to be compared: the column, and a value that is no number."""
    return name, "a number" if _is_number(value) else value


def _is_number(value: str) -> bool:
    try:
        return 0 < float(value) < np.inf
    except ValueError:
        return False
