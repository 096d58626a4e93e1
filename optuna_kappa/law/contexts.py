"""How similar the laws of two contexts are, for example of two batch sizes of one model.

A context is a set of values that all runs of a group share. Values that are positive numbers make
the context a point: its coordinates are their logarithms, and contexts at nearby points have
similar laws. Any other value (an optimizer's name, say) must be equal for two contexts to say
anything about each other; if it differs, they are different problems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa._validation import check_items, check_mapping, check_type, shown

_T = TypeVar("_T")

Context = tuple[tuple[str, str], ...]  # (column, value) pairs

# Distance, in ln value, at which the laws of two contexts have a correlation of exp(-1/2) = 0.6:
# batch sizes a factor of 20 apart, say. A chosen prior; the optima show how similar laws are.
NEAR = 3.0


def comparable(a: Context, b: Context) -> bool:
    """Whether the runs of one context say something about the law of the other.

    Example:
        >>> small, large = (("batch", "16"),), (("batch", "256"),)
        >>> comparable(small, large)
        True
        >>> comparable((("optimizer", "adam"),), (("optimizer", "sgd"),))
        False
    """
    return a == b or _kinds(a) == _kinds(b)


def check_pairs(
    name: str, pairs: object, kind: Callable[..., _T]
) -> list[tuple[Mapping[str, Any], _T]]:
    """Return pairs of the values of context columns and what has them, such as runs.

    Args:
        name: Name of the parameter, as the caller writes it.
        pairs: What the caller passed.
        kind: Class of the second of each pair.

    Raises:
        ValueError: If these are no such pairs.

    Example:
        >>> check_pairs("widths", [({"width": "64"}, 0.1)], float)
        [({'width': '64'}, 0.1)]
    """
    remedy = "it has the values of the context columns, and what has them"
    checked = []
    given: list[Sequence[Any]] = check_items(name, pairs, Sequence, remedy)
    for pair in given:
        if len(pair) != 2:
            raise ValueError(f"each of {name} must be a pair, got {shown(pair)}: {remedy}.")

        values = check_mapping(f"the first of {name}", pair[0], "by the name of their column")
        checked.append((values, check_type(f"the second of {name}", pair[1], kind, remedy)))
    return checked


def similarity(rows: Sequence[Context], columns: Sequence[Context]) -> Floats:
    """Correlation exp(-distance^2 / (2 NEAR^2)) of comparable contexts, shape `(n, m)`.

    Example:
        >>> small, large = (("batch", "16"),), (("batch", "256"),)
        >>> similarity([small], [small, large]).round(2).tolist()
        [[1.0, 0.65]]
    """
    row_points = _points(rows)
    column_points = _points(columns)

    z = (row_points[:, None] - column_points[None]) / NEAR
    squared_distance = (z**2).sum(axis=-1)
    correlation: Floats = np.exp(-0.5 * squared_distance)
    return correlation


def _points(contexts: Sequence[Context]) -> Floats:
    """Return the coordinates of comparable contexts, shape `(n, number of numeric values)`."""
    points = [_point(context) for context in contexts]

    # Contexts without numbers are points of no coordinates, which need a shape of (n, 0).
    coordinates = np.array(points, dtype=np.float64)
    return coordinates.reshape(len(contexts), -1)


@lru_cache(maxsize=4096)
def _point(context: Context) -> tuple[float, ...]:
    """Return the coordinates of one context; the same few are asked for again and again."""
    return tuple(float(np.log(float(value))) for _, value in context if _is_number(value))


@lru_cache(maxsize=4096)
def _kinds(context: Context) -> tuple[tuple[str, str], ...]:
    """Return what another context must share with this one."""
    return tuple(_kind(name, value) for name, value in context)


def _kind(name: str, value: str) -> tuple[str, str]:
    """Return what two contexts must share to be comparable.

    This is the column, and the value unless it is a positive number.
    """
    if _is_number(value):
        return name, "a number"

    return name, value


def _is_number(value: str) -> bool:
    """Whether a text is a positive finite number."""
    try:
        number = float(value)
    except ValueError:
        return False

    return 0 < number < np.inf
