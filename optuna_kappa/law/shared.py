"""Regressions that the laws of several contexts share.

A law is asked again and again: for its verdict, for its checks, and once for each context whose
optima lie at the edge of their rates. A regression depends on the prior, on the optima seen and on
the largest horizon and the descent of the context, but on nothing else of it. So the last few are
kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from optuna_kappa.law.moments import Moments
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.pairs import errors_and_bias
from optuna_kappa.law.prior import Prior
from optuna_kappa.law.regression import Regression, regress

_KEPT = 16


def shared_regression(moments: Moments) -> Regression:
    """Regress on the optima that were seen, or find the regression again.

    Example:
        >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
        >>> shared_regression(Moments((seen,))) is shared_regression(Moments((seen,)))
        True
    """
    seen = tuple(moments.seen)
    several = moments.has_other_contexts
    descent = None if moments.prior.descent is None else moments.descent
    return _regression(_Case(seen, moments.prior, moments.largest, several, descent, moments))


@dataclass(frozen=True)
class _Case:
    """What a regression depends on, and moments with these five."""

    seen: tuple[Optimum, ...]
    prior: Prior
    largest: float
    has_other_contexts: bool
    descent: float | None
    moments: Moments = field(compare=False)


@lru_cache(maxsize=_KEPT)
def _regression(case: _Case) -> Regression:
    moments = case.moments
    hypotheses = moments.hypotheses
    errors, bias = errors_and_bias(case.seen)
    common, drift = moments.shared_covariances(moments.seen, moments.seen)
    ln_lr = np.array([optimum.ln_lr for optimum in case.seen])

    return regress(
        residual=ln_lr - moments.mean(moments.seen),
        common=common + errors,
        slope=hypotheses.slope_sd[:, None] * moments.lever(moments.seen),
        parts=[(hypotheses.bias_sd, bias), (hypotheses.drift, drift)],
        prior=hypotheses.prior,
    )
