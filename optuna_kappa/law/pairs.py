"""What pairs of optima share wherever the law is anchored: prior covariances and errors.

The covariances of one set of optima are asked for again and again: by the law, its verdict, its
checks, and once for each context whose optima lie at an edge. So the last few sets are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.kernel import (
    annealed,
    contexts_of,
    deviations,
    noise,
    other,
    schedule_covariance,
)
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.prior import Prior

LEVEL = 3.0  # standard deviation of A, the optimum at the largest horizon
# Standard deviations between contexts, as (part shared by near ones, part of its own): of the
# optimum, in ln lr, of the slope, and of the drift, in parts of the prior's.
CONTEXT_LEVEL = (1.0, 0.1)
CONTEXT_SLOPE = (0.3, 0.1)
CONTEXT_DRIFT = (0.7, 0.7)

SCATTER = 0.07  # scatter of an optimum about any smooth law

_KEPT = 16  # sets of optima


class Pairs(NamedTuple):
    """Covariances of n optima with m, before the depths of their horizons are known.

    Attributes:
        level: Covariances of what does not depend on the depth, shape `(n, m)`.
        slope: Those of the differences of the contexts' slopes, shape `(n, m)`; 0 with one
            context.
        drift: Share of the drift that two optima have in common, shape `(n, m)`, or one number
            for all.

    Example:
        >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
        >>> from optuna_kappa.law.prior import MIXTURE
        >>> pairs([seen], [seen], MIXTURE, several_contexts=False)
        Pairs(level=array([[9.]]), slope=0.0, drift=1.0)
    """

    level: Floats
    slope: Floats | float
    drift: Floats | float


def pairs(
    rows: Sequence[Optimum],
    columns: Sequence[Optimum],
    prior: Prior,
    *,
    several_contexts: bool,
) -> Pairs:
    """Compute the covariances of some optima with others.

    Args:
        rows: n optima.
        columns: m optima.
        prior: It says how much is not known of schedules.
        several_contexts: Whether the law is fitted to optima of several contexts.

    Example:
        >>> small = Optimum("constant", 16.0, -6.0, 0.1, 6, 0, context=(("batch", "16"),))
        >>> large = Optimum("constant", 16.0, -5.0, 0.1, 6, 0, context=(("batch", "256"),))
        >>> from optuna_kappa.law.prior import MIXTURE
        >>> pairs([small], [small, large], MIXTURE, several_contexts=True).level.round(2).tolist()
        [[10.01, 9.65]]
    """
    level = LEVEL**2 + schedule_covariance(rows, columns, prior.shift)
    level += prior.annealing_sd**2 * np.outer(annealed(rows), annealed(columns))
    if not several_contexts:
        return Pairs(level, slope=0.0, drift=1.0)

    of_level, of_slope, of_drift = deviations(
        [CONTEXT_LEVEL, CONTEXT_SLOPE, CONTEXT_DRIFT],
        contexts_of(rows),
        contexts_of(columns),
    )
    return Pairs(level + of_level, of_slope, of_drift)


@lru_cache(maxsize=_KEPT)
def own_pairs(optima: tuple[Optimum, ...], prior: Prior, *, several_contexts: bool) -> Pairs:
    """Compute the covariances of optima with each other, or find them again.

    Example:
        >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
        >>> from optuna_kappa.law.prior import MIXTURE
        >>> own_pairs((seen,), MIXTURE, several_contexts=False).drift
        1.0
    """
    return pairs(optima, optima, prior, several_contexts=several_contexts)


@lru_cache(maxsize=_KEPT)
def errors_and_bias(optima: tuple[Optimum, ...]) -> tuple[Floats, Floats]:
    """Covariances of the optima's errors, and of a unit bias of other tables, each `(n, n)`.

    Example:
        >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
        >>> errors, bias = errors_and_bias((seen,))
        >>> errors.round(4).tolist(), bias.tolist()
        ([[0.0149]], [[0.0]])
    """
    return noise(optima, SCATTER), other(optima, optima)
