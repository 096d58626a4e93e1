r"""What a run will come to, from what other runs did after the same phases.

At phase u of K, with y_i(u) the (logarithm of the) loss of run i and b(u) the lowest of all runs
there, runs are compared by their excess

    z_i(u) = sgn(y - b) ln(1 + |y - b| / c),    c a part of what the best gained over a run

so that no level of a loss is ever extrapolated: only by how much a run is behind. z is a Gaussian
process over runs and phases, with a constant mean and the covariance

    sum_j a_j T_j(u, v) (w_j R(i, k) + (1 - w_j) [i = k]) + a_K K(i u, k v) + a_C C(u, v) + noise

T_j says how an excess goes on: at its level, with a trend in ln u, with one in u, or wandering.
R(i, k) = (1 + r^2 / 2 q)^-q, r the distance of two runs' parameters, says that neighbours do
alike: runs at a lower learning rate catch up in the way that others at a lower rate did. K is the
law's part: it is largest where the runs have had the same kappa, and falls with the difference of
ln lr + ln u (and of the other parameters), so that a run at half the rate is where another one was
at half the data, and where the optimum has moved when that one is at its end follows. It is one
part among others; how far it holds is for the runs to say. C is common to all runs. The noise is a
constant and that of the scatter of a run's own reports.

How far this can be trusted is measured in the study itself. Each run that came to the horizon is
forecast from its first k phases and all other runs; the squares of what these forecasts missed, in
units of what they expected, with a prior of NU misses as expected, scale the forecasts from k
phases, whose tails are those of Student's t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.pruning.history import History
from optuna_kappa.pruning.phases import Reading
from optuna_kappa.pruning.run import Place

# All of these were fitted to the replays of `studies.replay pruners`: those of runs on MNIST,
# TaskSet, and others that are described in docs/pruning.md.
LEVEL, TREND_LN, TREND, WANDER = 0.456, 0.105, 0.594, 0.0634  # a_j
ALIKE = (0.994, 0.992, 0.998, 0.961)  # w_j
MEMORY = 0.415  # of the wandering, in ln u / ln 10
TAIL = 1.28  # q
LENGTH_LR, LENGTH_OTHER = 1.1, 0.353  # in ln lr, and in parts of the range of another parameter
KAPPA, KAPPA_LENGTH = 0.135, 1.0  # a_K, and the length of K in ln kappa
COMMON, COMMON_LENGTH = 0.368, 0.7  # a_C, and the length of C in ln u
NOISE, NOISE_LAST = 0.0561, 0.0837  # standard deviation of z, beside that of the scatter
SCATTER, SCATTER_LAST = 0.0486, 0.0251  # how much of the scatter's variance is noise of z
UNIT = 0.305  # c, as a part of what the best gained
NU = 1.0  # weight of the prior of misses, in runs
DOF = 4.0  # degrees of freedom of a forecast's tails, beside those of the misses
PRIOR = 1.0  # what it expects of their squares
BEHIND = 0.779  # misses of runs behind the best count less, 1 / (1 + BEHIND z^2)
_FAR_OFF = 25.0  # square of the largest miss that counts
_MEAN = 25.0  # prior variance of the mean
_MOST_NOISE = 4.0  # prior variance of z that noise adds at most
_OWN = 5.0  # how many reports of its own a run must miss by before its forecast widens
_LEAST = 1e-3  # least gain, in ln loss: of runs that learned nothing
_ROUNDING, _SMALLEST = 1e-12, 1e-300  # the same where losses have no logarithms
_WHOLE, _ENDED = 20, 30  # runs that a forecast rests on at most: the nearest ones
_ENDED_VALUES = 140  # values of those that were ended


@dataclass(frozen=True, eq=False)
class Forecast:
    """The excess of one run at K phases, as normal variables.

    Attributes:
        mean: Shape `(K,)`.
        covariance: Shape `(K, K)`.
        best: The lowest (logarithm of a) loss at each phase, shape `(K,)`.
        unit: c.
        usual: Usual scatter at the end; a run that has few reports yet is taken to have that.
        inflation: Scale of the variance of forecasts from k = 0 to K - 1 phases, shape `(K,)`.
        dof: Degrees of freedom of these.
    """

    mean: Floats
    covariance: Floats
    best: Floats
    unit: float
    usual: float
    inflation: Floats
    dof: Floats

    def probability(self, seen: Reading, margin: float = 0.0) -> float:
        """That the run comes to less than the best.

        Args:
            seen: The run so far; phases beyond are NaN.
            margin: By how much (in ln loss, where losses have logarithms) it has to be less.
        """
        from scipy.special import stdtr  # not on `import optuna_kappa`: it takes as long as NumPy

        z = excess(seen.value, self.best, self.unit)
        known = np.flatnonzero(np.isfinite(z[:-1]))
        scatter = np.where(np.isfinite(seen.scatter), seen.scatter, self.usual)
        away = self.unit + np.abs(seen.value - self.best)
        own = SCATTER * (scatter / away) ** 2 / seen.averaged
        mean, variance = float(self.mean[-1]), float(self.covariance[-1, -1])
        wide = 1.0
        if len(known):
            prior = self.covariance[np.ix_(known, known)]
            prior = prior + np.diag(np.minimum(own[known], _MOST_NOISE))
            across = self.covariance[-1, known]
            off = z[known] - self.mean[known]
            weights = np.linalg.solve(prior, np.stack([off, across], axis=1))
            mean += float(across @ weights[:, 0])
            variance -= float(across @ weights[:, 1])
            wide = max(1.0, float(_OWN + off @ weights[:, 0]) / (_OWN + len(known)))
        n = int(known[-1]) + 1 if len(known) else 0
        last = scatter[n - 1] if n else self.usual
        variance += min(SCATTER_LAST * (last / self.unit) ** 2, _MOST_NOISE)
        sd = math.sqrt(max(variance, 1e-12) * self.inflation[n] * wide)
        return float(stdtr(self.dof[n], (-math.log1p(margin / self.unit) - mean) / sd))


def excess(y: Floats, best: Floats, unit: float) -> Floats:
    """z; the further from the best, the more of it is one."""
    behind = y - best
    return np.asarray(np.sign(behind) * np.log1p(np.abs(behind) / unit))


def forecast(history: History, place: Place) -> Forecast:
    """The forecast of a run that has no reports yet.

    Args:
        history: Finished runs, at least one of them whole.
        place: Its parameters.
    """
    from scipy.linalg import lapack  # not on `import optuna_kappa`

    phases, best = history.phases, history.lowest
    rows = _nearest(history, place)
    usual = _usual(history.scatter[rows, -1][history.whole[rows]])
    least = _LEAST if history.logarithmic else max(usual, _ROUNDING * abs(best[-1]), _SMALLEST)
    unit = UNIT * max(float(np.nanmax(best) - best[-1]), least)
    z = excess(history.value[rows], best, unit)
    n, k = z.shape
    ln_lr = np.append(history.ln_lr[rows], place.ln_lr)
    prior = _covariance(ln_lr, np.vstack([history.others[rows], place.others]), phases)
    prior[np.diag_indices(n * k)] += _noise(history, rows, best, unit).ravel()
    known, own = np.flatnonzero(np.isfinite(z.ravel())), slice(n * k, None)
    # Q = R R': faster than inv, and of the digits that the all but free mean costs fewer are lost.
    root, _ = lapack.dtrtri(np.linalg.cholesky(prior[known][:, known]).T)
    halves = root.T @ np.column_stack([z.ravel()[known], prior[known, own]])
    inflation, dof = _calibration(z, root, known, root @ halves[:, 0])
    mean, covariance = halves[:, 1:].T @ halves[:, 0], halves[:, 1:].T @ halves[:, 1:]
    return Forecast(mean, prior[own, own] - covariance, best, unit, usual, inflation, dof)


def _nearest(history: History, place: Place) -> np.ndarray:
    """Rows of the runs that a forecast rests on, the best among them."""
    away = np.square((history.ln_lr - place.ln_lr) / LENGTH_LR)
    away += np.square((history.others - place.others) / LENGTH_OTHER).sum(axis=1)
    whole = np.flatnonzero(history.whole)
    away[whole[np.argmin(history.value[whole, -1])]] = -1.0
    ended = np.flatnonzero(~history.whole)
    whole, ended = (rows[np.argsort(away[rows], kind="stable")] for rows in (whole, ended))
    values = np.isfinite(history.value[ended[:_ENDED]]).sum(axis=1).cumsum()
    return np.concatenate([whole[:_WHOLE], ended[:_ENDED][values <= _ENDED_VALUES]])


def _usual(scatter: Floats) -> float:
    found = scatter[np.isfinite(scatter)]
    return float(np.median(found)) if len(found) else 0.0


def _noise(history: History, rows: np.ndarray, best: Floats, unit: float) -> Floats:
    """Variances that the scatter of reports adds to z, shape `(n, K)`."""
    behind = np.nan_to_num(np.abs(history.value[rows] - best))
    scatter = np.nan_to_num(history.scatter[rows]) / (unit + behind)
    share = np.full(scatter.shape, SCATTER) / history.averaged[rows]
    share[:, -1] = SCATTER_LAST
    return np.asarray(np.minimum(share * scatter**2, _MOST_NOISE))


def _covariance(ln_lr: Floats, others: Floats, phases: Floats) -> Floats:
    """Prior covariance of n runs by K phases, run by run, shape `(n K, n K)`."""
    late, k, n = np.log10(phases), len(phases), len(ln_lr)
    goes_on = [
        LEVEL * np.ones((k, k)),
        TREND_LN * np.outer(late, late),
        TREND * np.outer(phases - 1, phases - 1),
        WANDER * np.exp(-np.abs(late[:, None] - late) / MEMORY),
    ]
    shared = sum(w * t for w, t in zip(ALIKE, goes_on, strict=True))
    noise = np.full(k, NOISE**2)
    noise[-1] = NOISE_LAST**2
    own = sum((1 - w) * t for w, t in zip(ALIKE, goes_on, strict=True)) + np.diag(noise)
    apart = np.square((others[:, None] - others) / LENGTH_OTHER).sum(axis=2)
    away = np.square((ln_lr[:, None] - ln_lr) / LENGTH_LR) + apart
    ln_u = np.log(phases)
    common = COMMON * np.exp(-0.5 * ((ln_u[:, None] - ln_u) / COMMON_LENGTH) ** 2)
    ln_kappa = np.add.outer(ln_lr, ln_u).ravel()
    blocks = np.exp(-0.5 * ((ln_kappa[:, None] - ln_kappa) / KAPPA_LENGTH) ** 2)
    blocks *= np.kron(KAPPA / (1 + apart / 2), np.ones((k, k)))
    blocks += np.kron((1 + away / (2 * TAIL)) ** -TAIL, shared) + _MEAN
    blocks += np.tile(common, (n, n))
    each = np.arange(n)
    blocks.reshape(n, k, n, k)[each, :, each, :] += own
    return np.asarray(blocks)


def _calibration(
    z: Floats, root: Floats, known: np.ndarray, solved: Floats
) -> tuple[Floats, Floats]:
    """Inflation and degrees of freedom, from runs that came to the horizon.

    With Q = R R' the inverse of the covariance of what is known, and B the phases from the k-th on
    of one run, its forecast from the others misses by Q_BB^-1 (Q z)_B, with covariance Q_BB^-1.

    Args:
        z: Excesses, shape `(n, K)`.
        root: R, shape `(m, m)`.
        known: Where z is known, of all n K, shape `(m,)`.
        solved: Q z of what is known, shape `(m,)`.
    """
    n, k = z.shape
    rows, first = np.zeros((n * k, len(known))), np.zeros((n * k, 2))
    rows[known], first[known, 0] = root, solved
    first[k - 1 :: k, 1] = 1.0
    # The phases of each run that came to the horizon, from the last one back.
    whole = np.isfinite(z[:, -1])
    there = np.isfinite(z[whole])[:, ::-1]
    parts = rows.reshape(n, k, -1)[whole, ::-1]
    inverse = parts @ parts.swapaxes(1, 2) + np.eye(k) * ~there[:, None]
    halves = np.linalg.solve(np.linalg.cholesky(inverse), first.reshape(n, k, 2)[whole, ::-1])
    misses, lasts = halves[:, :, 0], halves[:, :, 1]
    miss, variance = np.cumsum(misses * lasts, axis=1), np.cumsum(lasts**2, axis=1)
    counts = there / (1 + BEHIND * z[whole, -1:] ** 2)
    missed = (counts * np.minimum(miss**2 / variance, _FAR_OFF)).sum(axis=0)[::-1]
    weight = counts.sum(axis=0)[::-1]
    return (NU * PRIOR + missed) / (NU + weight), DOF + weight
