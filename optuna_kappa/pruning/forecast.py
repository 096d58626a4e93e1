r"""Forecast how a run will end, from what other runs did after the same phases.

Runs are compared by their excess z over the best at each phase (`excess.py`), so no level of a
loss is ever extrapolated, only how far a run is behind. z is a Gaussian process over runs and
phases, with a constant mean, the covariance of `covariance.py`, and the noise of `excess.py`.

A forecast is the normal distribution of a run's z, given those of the other runs. The reports of
the run itself narrow it down further (`Forecast.probability`). How far it can be trusted is
measured in the study itself (`calibration.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.calibration import calibrate
from optuna_kappa.pruning.constants import FITTED
from optuna_kappa.pruning.covariance import prior_covariance
from optuna_kappa.pruning.excess import MOST_NOISE, excess, noise_of, unit_of, usual_scatter
from optuna_kappa.pruning.history import History
from optuna_kappa.pruning.phases import Reading
from optuna_kappa.pruning.run import Place

_PRIOR_PHASES = 5.0  # a forecast is trusted as if it had held at this many phases before
_LEAST_VARIANCE = 1e-12  # by rounding, a variance may come out as 0 or below

# A forecast rests on the nearest runs only, so that it takes no longer in a long study.
_MAX_WHOLE = 20  # whole runs
_MAX_ENDED = 30  # runs that were ended before the horizon
_MAX_ENDED_VALUES = 140  # values of these runs, all together


@dataclass(frozen=True, eq=False)
class Forecast:
    """The excess of one run at K phases, as normal variables.

    Attributes:
        mean: Mean of z, shape `(K,)`.
        covariance: Covariance of z, shape `(K, K)`.
        best: The lowest loss (or its logarithm) at each phase, shape `(K,)`.
        unit: c, the unit of excess, in loss or ln loss.
        usual: Usual scatter at the end, assumed where a run has too few reports for its own.
        inflation: Factor of the variance of forecasts from k = 0 to K - 1 phases, shape `(K,)`.
        dof: Degrees of freedom of their tails, shape `(K,)`.

    Example:
        >>> from optuna_kappa.pruning import example_history
        >>> history = example_history()
        >>> expected = forecast(history, Place(ln_lr=math.log(1e-2), others=np.empty(0)))
        >>> expected.mean.shape == (len(history.phases),)
        True
    """

    mean: Floats
    covariance: Floats
    best: Floats
    unit: float
    usual: float
    inflation: Floats
    dof: Floats

    def probability(self, seen: Reading, margin: float = 0.0) -> float:
        """Probability that the run ends below the best so far by more than a margin.

        Let m and v be the mean and variance of z at the horizon, given the phases seen (the last
        of them the n-th of K), and T the distribution function of Student's t with dof_n degrees
        of freedom. The scatter s of the last report (`FITTED.scatter_share_last` S_K of its
        variance) makes the final loss less certain. Then

            P = T((-ln(1 + margin / c) - m) / sqrt(w inflation_n widening))
            w = v + min(S_K (s / c)^2, 4)

        Args:
            seen: The run so far; phases that it has not reached are NaN.
            margin: How much lower it has to end, in ln loss or, without logarithms, in loss.

        Example:
            Half of its run, a rate of 6e-4 is behind, but not without a chance (it will win):

            >>> from optuna_kappa.pruning import example_curve, example_history
            >>> history = example_history()
            >>> expected = forecast(history, Place(math.log(6e-4), others=np.empty(0)))
            >>> step, loss = example_curve(lr=6e-4)
            >>> seen = history.read_under_way(step[:10], loss[:10])
            >>> round(expected.probability(seen), 2)
            0.08
        """
        from scipy.special import stdtr  # slow to import, and `import optuna_kappa` must not wait

        z = excess(seen.value, self.best, self.unit)
        phases = np.flatnonzero(np.isfinite(z[:-1]))
        n = int(phases[-1]) + 1 if len(phases) else 0

        has_scatter = np.isfinite(seen.scatter)
        scatter = np.where(has_scatter, seen.scatter, self.usual)
        noise = self._noise(seen, scatter)
        mean, variance, widening = self._given(z, noise, phases)

        last_scatter = scatter[n - 1] if n else self.usual
        last_noise = FITTED.scatter_share_last * (last_scatter / self.unit) ** 2
        variance += min(last_noise, MOST_NOISE)
        variance = max(variance, _LEAST_VARIANCE)

        spread = math.sqrt(variance * self.inflation[n] * widening)
        needed = -math.log1p(margin / self.unit)
        return float(stdtr(self.dof[n], (needed - mean) / spread))

    def _noise(self, seen: Reading, scatter: Floats) -> Floats:
        """Variance that the scatter of the run's own reports adds to z, shape `(K,)`."""
        distance = self.unit + np.abs(seen.value - self.best)
        noise = FITTED.scatter_share * (scatter / distance) ** 2 / seen.averaged
        return np.asarray(np.minimum(noise, MOST_NOISE))

    def _given(self, z: Floats, noise: Floats, phases: np.ndarray) -> tuple[float, float, float]:
        """Mean and variance of z at the horizon given z at some phases, and the widening.

        With d = z - mean at these phases, j in number (d is `off` and a is `across` below), P
        their covariance with noise, and a their covariance with the horizon,

            m = mean_K + a' P^-1 d,    v = covariance_KK - a' P^-1 a

            widening = max(1, (5 + d' P^-1 d) / (5 + j)),    5 is `_PRIOR_PHASES`

        so the forecast of a run that has been unlike its forecast so far is less certain.
        """
        mean = float(self.mean[-1])
        variance = float(self.covariance[-1, -1])
        if not len(phases):
            return mean, variance, 1.0

        prior = self.covariance[np.ix_(phases, phases)]
        prior = prior + np.diag(noise[phases])
        across = self.covariance[-1, phases]
        off = z[phases] - self.mean[phases]
        right_sides = np.stack([off, across], axis=1)
        solved = np.linalg.solve(prior, right_sides)
        of_off = solved[:, 0]
        of_across = solved[:, 1]

        mean += float(across @ of_off)
        variance -= float(across @ of_across)
        missed = float(_PRIOR_PHASES + off @ of_off)
        expected = _PRIOR_PHASES + len(phases)
        return mean, variance, max(1.0, missed / expected)


def forecast(history: History, place: Place) -> Forecast:
    """Forecast a run that has no reports yet.

    With z the known values of the other runs, C their prior covariance with noise, B their prior
    covariance with the run, and A its own,

        mean = B' C^-1 z,    covariance = A - B' C^-1 B

    Args:
        history: Finished runs, at least one of them whole.
        place: Parameters of the run.

    Example:
        A rate of 1e-3 was the best so far, with an excess of 0. One of 0.1 will be far behind:

        >>> from optuna_kappa.pruning import example_history
        >>> history = example_history()
        >>> for lr in (1e-3, 1e-1):
        ...     expected = forecast(history, Place(math.log(lr), others=np.empty(0)))
        ...     print(round(expected.mean[-1], 1))
        0.0
        2.1
    """
    rows = _nearest(history, place)
    best = history.lowest
    usual = usual_scatter(history, rows)
    unit = unit_of(history, usual)

    z = excess(history.value[rows], best, unit)
    known = np.flatnonzero(np.isfinite(z.ravel()))
    known_z = z.ravel()[known]

    prior = _prior(history, rows, place, unit)
    own = slice(z.size, None)
    root = _root_of_inverse(prior[known][:, known])
    right_sides = np.column_stack([known_z, prior[known, own]])
    # C^-1 = R R', so B' C^-1 z = (R' B)' (R' z).
    whitened = root.T @ right_sides
    whitened_z = whitened[:, 0]
    whitened_cross = whitened[:, 1:]

    trust = calibrate(z, root, known, solved=root @ whitened_z)
    return Forecast(
        mean=whitened_cross.T @ whitened_z,
        covariance=prior[own, own] - whitened_cross.T @ whitened_cross,
        best=best,
        unit=unit,
        usual=usual,
        inflation=trust.inflation,
        dof=trust.dof,
    )


def _nearest(history: History, place: Place) -> np.ndarray:
    """Rows of the runs that a forecast rests on: the best one, and the nearest others."""
    ln_lr_apart = (history.ln_lr - place.ln_lr) / FITTED.lr_length
    others_apart = (history.others - place.others) / FITTED.other_length
    distance = np.square(ln_lr_apart)
    distance += np.square(others_apart).sum(axis=1)

    whole = np.flatnonzero(history.whole)
    best = whole[np.argmin(history.value[whole, -1])]
    distance[best] = -1.0  # ahead of all others
    by_distance = np.argsort(distance[whole], kind="stable")
    whole = whole[by_distance][:_MAX_WHOLE]

    ended = np.flatnonzero(~history.whole)
    by_distance = np.argsort(distance[ended], kind="stable")
    ended = ended[by_distance][:_MAX_ENDED]
    n_values = np.isfinite(history.value[ended]).sum(axis=1)
    fits = n_values.cumsum() <= _MAX_ENDED_VALUES
    return np.concatenate([whole, ended[fits]])


def _prior(
    history: History,
    rows: np.ndarray,
    place: Place,
    unit: float,
) -> Floats:
    """Prior covariance of z of n runs, with noise, and of the run at `place`, which is last."""
    ln_lr = np.append(history.ln_lr[rows], place.ln_lr)
    others = np.vstack([history.others[rows], place.others])
    prior = prior_covariance(ln_lr, others, history.phases)

    noise = noise_of(history, rows, unit)
    diagonal = np.diag_indices(noise.size)
    prior[diagonal] += noise.ravel()
    return prior


def _root_of_inverse(covariance: Floats) -> Floats:
    """R, upper triangular, with R R' the inverse of a covariance.

    This is faster than `inv`. It is more accurate too: the prior of the mean is very wide
    (`covariance.py`), so the covariance is badly conditioned.
    """
    from scipy.linalg import lapack  # slow to import, and `import optuna_kappa` must not wait

    root, _ = lapack.dtrtri(np.linalg.cholesky(covariance).T)
    return np.asarray(root)
