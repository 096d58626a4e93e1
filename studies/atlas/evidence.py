r"""Empirical Bayes: probabilities of the classes of slopes, from solved cases.

For case i and class c, with all classes equally likely, one posterior of the law gives

    q_ic    probability of the class, given the probe optima: their likelihood, normalized
    f_ic    density that the class predicts, at the true optimum of the target

The probabilities w_c of the classes maximize the product over cases of

    sum_c w_c q_ic f_ic

by expectation and maximization. Where the descent of the loss counts, q_ic includes its
likelihood. Each family weighs the same, however many cases it has. A
Dirichlet prior adds one family that is shared equally by all classes. The probability of
"anything" is not estimated: it is there for what the atlas does not have.

Shapes: n cases, c classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats, Rows
from optuna_kappa.law.descent import AHEAD, Descent, descent_of
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.moments import Moments
from optuna_kappa.law.posterior import Posterior
from optuna_kappa.law.prior import Prior
from optuna_kappa.law.regimes import CLASSES, regime_classes
from studies.atlas.cases import EQUAL, Case
from studies.atlas.family import CONSTANT

ANYTHING_WEIGHT = 0.05
"""Probability of the last class."""

_N_STEPS = 300  # of expectation and maximization


@dataclass(frozen=True, eq=False)
class Seen:
    """What the law predicts for a case, by hypothesis, with all classes equally likely.

    Attributes:
        case: The case.
        predicted: Distribution of the optimal ln lr at the target.
        slope_class: Index of the class of each of its components.
        slope_mean: Mean of the slope to come of each component.
        slope_sd: Its standard deviation.
        descent: How fast the loss falls; None if it is not known.
    """

    case: Case
    predicted: Mixture
    slope_class: Rows
    slope_mean: Floats
    slope_sd: Floats
    descent: float | None

    def joint(self, told: Descent | None = None) -> Floats:
        """Product q f of each class, shape `(c,)`.

        Args:
            told: What the descent tells of the slope; None if nothing.
        """
        density = self._weight(told) * _normals(self.predicted, self.case)
        sums: Floats = np.zeros(len(CLASSES))
        np.add.at(sums, self.slope_class, density)
        return sums

    def reweighted(self, weights: Floats, told: Descent | None = None) -> Mixture:
        """The same prediction, with other probabilities of the classes."""
        weight = self._weight(told) * weights[self.slope_class]
        return Mixture(weight / weight.sum(), self.predicted.mean, self.predicted.sd)

    def _weight(self, told: Descent | None) -> NDArray[np.floating]:
        if told is None or self.descent is None:
            return self.predicted.weight

        likelihood = told.likelihood(self.descent, self.slope_mean, self.slope_sd)
        return self.predicted.weight * likelihood


def see(case: Case) -> Seen:
    """Predict a case with all classes equally likely."""
    prior = Prior("equal", "no class is preferred", regime_classes(EQUAL, case.one_pass))
    posterior = Posterior(case.probes, prior)
    mean, variance = Moments(posterior.optima, prior).hypotheses.slope_to(AHEAD)
    return Seen(
        case=case,
        predicted=posterior.predict(case.target, CONSTANT, mean=1.0, peak=1.0),
        slope_class=posterior.slope_class,
        slope_mean=mean,
        slope_sd=np.sqrt(variance),
        descent=descent_of(case.probes),
    )


def estimate(joint: Floats, families: Sequence[str]) -> Floats:
    """Estimate the probabilities of the classes.

    Args:
        joint: Products q f, shape `(n, c)`.
        families: Names of the families of the cases; it may be empty.

    Returns:
        The probabilities, shape `(c,)`, with sum 1; that of the last class is given.
    """
    names, index, counts = np.unique(families, return_inverse=True, return_counts=True)
    share = 1 / counts[index] if len(names) else np.empty(0)
    n_free = joint.shape[1] - 1
    given = np.full(n_free + 1, ANYTHING_WEIGHT)

    weights = np.append(np.full(n_free, (1 - ANYTHING_WEIGHT) / n_free), ANYTHING_WEIGHT)
    for _ in range(_N_STEPS):
        responsible = weights * joint
        responsible /= responsible.sum(axis=1, keepdims=True)
        n_families = share @ responsible[:, :n_free] + 1 / n_free
        given[:n_free] = (1 - ANYTHING_WEIGHT) * n_families / n_families.sum()
        weights = given.copy()

    return weights


def ln_density(predicted: Mixture, case: Case) -> float:
    """Logarithm of the predicted density at the true optimum, whose standard error counts."""
    return float(np.log(predicted.weight @ _normals(predicted, case)))


def _normals(predicted: Mixture, case: Case) -> Floats:
    """Density of each component at the true optimum."""
    sd = np.hypot(predicted.sd, case.se)
    z = (case.ln_lr - predicted.mean) / sd
    density: Floats = np.exp(-0.5 * z**2) / (sd * np.sqrt(2 * np.pi))
    return density
