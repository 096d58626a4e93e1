"""Regressions that the laws of several contexts share.

A law is asked again and again: for its verdict, for its checks, and once for each context whose
optima lie at the edge of their rates. A regression depends on the optima seen and on the largest
horizon of the context, but on nothing else of it. So the last few are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.pairs import errors_and_bias
from optuna_kappa.law.prior import Prior
from optuna_kappa.law.regression import Regression, regress

_KEPT = 16


def shared_regression(prior: Prior) -> Regression:
    """Regress on the optima that a prior has seen, or find the regression again.

    Example:
        >>> seen = Optimum("constant", 16.0, ln_lr=-6.0, se=0.1, n=6, at_edge=0)
        >>> shared_regression(Prior((seen,))) is shared_regression(Prior((seen,)))
        True
    """
    seen = tuple(prior.seen)
    return _regression(_Case(seen, prior.largest, prior.has_other_contexts, prior))


@dataclass(frozen=True)
class _Case:
    """What a regression depends on, and a prior with these three."""

    seen: tuple[Optimum, ...]
    largest: float
    has_other_contexts: bool
    prior: Prior = field(compare=False)


@lru_cache(maxsize=_KEPT)
def _regression(case: _Case) -> Regression:
    prior = case.prior
    errors, bias = errors_and_bias(case.seen)
    ln_lr = np.array([optimum.ln_lr for optimum in case.seen])

    return regress(
        residual=ln_lr - prior.mean(prior.seen),
        common=prior.common_covariance(prior.seen, prior.seen) + errors,
        slope=prior.hypotheses.slope_sd[:, None] * prior.lever(prior.seen),
        bias=bias,
        bias_sd=prior.hypotheses.bias_sd,
        prior=prior.hypotheses.prior,
    )
