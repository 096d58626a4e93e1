"""The priors of the regimes, and what they are worth on families that they have not seen.

`estimate_weights` says what to write into `optuna_kappa.law.regimes`. `evaluate` predicts the
cases of each family by weights that are estimated without that family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from optuna_kappa._typing import Floats, Rows
from optuna_kappa.backtest.results import SLOPES
from optuna_kappa.law.descent import Descent
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.posterior import Posterior
from optuna_kappa.law.prior import MIXTURE
from optuna_kappa.law.regimes import CLASSES, DESCENTS, WEIGHTS, Regime
from studies.atlas.cases import Case
from studies.atlas.descents import estimate_descent
from studies.atlas.evidence import Seen, estimate, ln_density, see
from studies.atlas.family import CONSTANT

REGIMES: tuple[Regime, ...] = tuple(WEIGHTS)
LEVEL = 0.9  # of the intervals whose coverage is counted

REGIME, ONE_PRIOR, TODAY = "the regime's prior", "one prior for all", "mixture"
DISTRIBUTIONS = (REGIME, ONE_PRIOR, TODAY)
RULES = (*DISTRIBUTIONS, *SLOPES)

_DIGITS = 2  # of the probabilities


@dataclass(frozen=True)
class Score:
    """How well a rule predicts the optimum of the target. Each family weighs the same.

    Attributes:
        error: Mean absolute error in ln lr.
        ln_density: Mean logarithm of the predicted density; None for a fixed slope.
        coverage: How often the 90 % interval holds the optimum; None for a fixed slope.
    """

    error: float
    ln_density: float | None = None
    coverage: float | None = None


class Evidence:
    """What the law predicts for all cases.

    Attributes:
        seen: One prediction a case.
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        """Predict the cases."""
        self.seen: Sequence[Seen] = [see(case) for case in cases]
        self._cases = cases
        self._families = np.array([case.family for case in cases])
        self._regimes = np.array([REGIMES.index(case.regime) for case in cases])

    def weights(self, regime: Regime | None, without: str | None = None) -> Floats:
        """Estimate the probabilities of the classes.

        Args:
            regime: The regime; None for one prior for all.
            without: Name of a family that is left out.

        Returns:
            Probabilities of `optuna_kappa.law.regimes.CLASSES`.
        """
        told = self.told(regime, without)
        chosen = self._chosen(regime, without)
        joint = np.array([self.seen[i].joint(told) for i in chosen])
        return estimate(joint.reshape(-1, len(CLASSES)), self._families[chosen].tolist())

    def told(self, regime: Regime | None, without: str | None = None) -> Descent | None:
        """Estimate what the descent of the loss tells of the slope.

        Args:
            regime: The regime; None for one prior for all.
            without: Name of a family that is left out.

        Returns:
            None where the priors in use do not count it either.
        """
        if regime not in DESCENTS:
            return None
        return estimate_descent([self._cases[i] for i in self._chosen(regime, without)])

    def _chosen(self, regime: Regime | None, without: str | None) -> Rows:
        """Indices of the cases of a regime."""
        chosen = self._families != without
        if regime is not None:
            chosen &= self._regimes == REGIMES.index(regime)
        return np.flatnonzero(chosen)

    def n_families(self, regime: Regime) -> int:
        """Number of families that have cases of a regime."""
        return len(set(self._families[self._regimes == REGIMES.index(regime)]))


def estimate_descents(evidence: Evidence) -> dict[Regime, Descent]:
    """Estimate what the descent tells in each regime in which it counts, rounded."""
    descents = {}
    for regime in DESCENTS:
        told = evidence.told(regime)
        if told is not None:
            shape, ln_mean, per_slope = (round(one, _DIGITS) for one in astuple(told))
            descents[regime] = Descent(shape, ln_mean, per_slope)
    return descents


def estimate_weights(evidence: Evidence) -> dict[Regime, tuple[float, ...]]:
    """Estimate the probabilities of the classes in each regime, rounded to a sum of 1."""
    return {regime: _rounded(evidence.weights(regime)) for regime in REGIMES}


def evaluate(evidence: Evidence) -> dict[Regime, dict[str, Score]]:
    """Score each of `RULES` in each regime that has cases, leaving the whole family out."""
    by_regime: dict[Regime, list[Seen]] = {}
    for one in evidence.seen:
        by_regime.setdefault(one.case.regime, []).append(one)

    scores: dict[Regime, dict[str, Score]] = {}
    for regime in filter(by_regime.get, REGIMES):
        seen = by_regime[regime]
        scores[regime] = {
            REGIME: _score(seen, _left_out(evidence, seen, regime)),
            ONE_PRIOR: _score(seen, _left_out(evidence, seen, None)),
            TODAY: _score(seen, [_by_mixture(one.case) for one in seen]),
        }
        for name, slope in SLOPES.items():
            scores[regime][name] = Score(_error(seen, slope))

    return scores


def predict_longest(evidence: Evidence) -> dict[str, Mixture]:
    """Predict the optimum of the longest runs of each table by its regime, as `evaluate` does.

    Returns:
        Distributions of ln lr by the name of the table, each after one draw of the probes.
    """
    first: dict[str, Seen] = {}
    for one in evidence.seen:
        first.setdefault(one.case.table, one)

    predicted = {}
    for name, one in first.items():
        regime, family = one.case.regime, one.case.family
        longest = see(replace(one.case, target=one.case.longest))
        weights = evidence.weights(regime, without=family)
        predicted[name] = longest.reweighted(weights, evidence.told(regime, without=family))
    return predicted


def _left_out(evidence: Evidence, seen: Sequence[Seen], regime: Regime | None) -> list[Mixture]:
    """Predictions by weights that are estimated without the family of each case."""
    priors: dict[str, tuple[Floats, Descent | None]] = {}
    predicted = []
    for one in seen:
        family = one.case.family
        if family not in priors:
            weights = evidence.weights(regime, without=family)
            priors[family] = weights, evidence.told(regime, without=family)
        predicted.append(one.reweighted(*priors[family]))
    return predicted


def _by_mixture(case: Case) -> Mixture:
    """Prediction without any knowledge of the regime."""
    posterior = Posterior(case.probes, MIXTURE)
    return posterior.predict(case.target, CONSTANT, mean=1.0, peak=1.0)


def _score(seen: Sequence[Seen], predicted: Sequence[Mixture]) -> Score:
    share = _shares(seen)
    tail = (1 - LEVEL) / 2
    errors, densities, covered = [], [], []
    for one, mixture in zip(seen, predicted, strict=True):
        ln_lr = one.case.ln_lr
        errors.append(abs(mixture.moments[0] - ln_lr))
        densities.append(ln_density(mixture, one.case))
        covered.append(mixture.quantile(tail) <= ln_lr <= mixture.quantile(1 - tail))

    return Score(
        error=float(share @ np.array(errors)),
        ln_density=float(share @ np.array(densities)),
        coverage=float(share @ np.array(covered)),
    )


def _error(seen: Sequence[Seen], slope: float) -> float:
    """Mean absolute error of the longest probes' optimum, moved to the target by a slope."""
    errors = []
    for one in seen:
        last = one.case.probes[-1]
        moved = last.ln_lr - slope * np.log(one.case.target / last.horizon)
        errors.append(abs(moved - one.case.ln_lr))
    return float(_shares(seen) @ np.array(errors))


def _shares(seen: Sequence[Seen]) -> Floats:
    """Weights of cases with which each family weighs the same, with sum 1."""
    families = [one.case.family for one in seen]
    counts: Mapping[str, int] = {name: families.count(name) for name in families}
    return np.array([1 / counts[name] for name in families]) / len(counts)


def _rounded(weights: Floats) -> tuple[float, ...]:
    """Round probabilities; what the sum lacks goes to the largest."""
    rounded = weights.round(_DIGITS)
    rounded[np.argmax(rounded)] += 1 - rounded.sum()
    return tuple(rounded.round(_DIGITS).tolist())
