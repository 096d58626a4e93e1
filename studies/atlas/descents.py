r"""What the descent of the loss tells of the slope to come, estimated from solved cases.

With g the descent of a case (`optuna_kappa.law.descent`), not below 0, and s the slope of its
optimum from the probes to the target,

    g + LEAST ~ gamma distribution with mean exp(a + b s)

The shape, a and b maximize the likelihood. Each family weighs the same, however many cases it
has. A normal prior holds b to what can be believed.

Shapes: n cases.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

from optuna_kappa._typing import Floats
from optuna_kappa.law.descent import LEAST, SLOPES_TO_COME, Descent, descent_of
from studies.atlas.cases import Case

_PER_SLOPE_SD = 2.0  # of the normal prior of b
_FEWEST = 4  # families without which nothing is estimated
_START = (0.5, -1.0, -1.0)  # ln of the shape, a and b


def estimate_descent(cases: Sequence[Case]) -> Descent | None:
    """Estimate what the descent tells.

    Args:
        cases: Cases of one regime. Those whose losses do not tell a descent do not count.

    Returns:
        None if too few families tell one.
    """
    told = [(case, descent_of(case.probes)) for case in cases]
    known = [(case, descent) for case, descent in told if descent is not None]
    families = [case.family for case, _ in known]
    if len(set(families)) < _FEWEST:
        return None

    weight = np.array([1 / families.count(family) for family in families])
    descent = np.array([max(descent, 0.0) + LEAST for _, descent in known])
    slope = np.clip([case.slope for case, _ in known], *SLOPES_TO_COME)

    found = minimize(_misfit, _START, args=(weight, descent, slope), method="Nelder-Mead")
    ln_shape, ln_mean, per_slope = found.x.tolist()
    return Descent(shape=float(np.exp(ln_shape)), ln_mean=ln_mean, per_slope=per_slope)


def _misfit(parameters: Floats, weight: Floats, descent: Floats, slope: Floats) -> float:
    """Minus the logarithm of likelihood times prior.

    Args:
        parameters: ln of the shape, a and b.
        weight: Weights of the cases, shape `(n,)`.
        descent: Descents, all positive, shape `(n,)`.
        slope: Slopes, shape `(n,)`.
    """
    ln_shape, ln_mean, per_slope = parameters
    shape = np.exp(ln_shape)
    x = shape * descent * np.exp(-ln_mean - per_slope * slope)
    ln_density = shape * np.log(x) - np.log(descent) - x - gammaln(shape)
    return float(0.5 * (per_slope / _PER_SLOPE_SD) ** 2 - weight @ ln_density)
