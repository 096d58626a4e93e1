r"""The least-squares fit of what other parameters do to the optimum and the level.

With features q of the parameters, the loss of a run at horizon h is

    y(x, q) = a_h + s ln cosh(x - m_h - beta q) + gamma_h q + e

in x = ln lr, where beta q moves the optimum and gamma_h q is added to the loss (to its logarithm
if losses are positive). All of a, s, m, beta and gamma is fitted at once, at a few horizons, by
least squares with normal priors, so that effects which the runs do not show stay near 0. Here
losses and gamma are in scales of the losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Bools, Floats
from optuna_kappa.law.losses import compress, read
from optuna_kappa.law.misfit import growth
from optuna_kappa.law.observations import Observations

# Prior sd of the optimum's shift over a parameter's range, in ln lr. From batch size 16 to 256 it
# is about 1.4, two of these.
_SHIFT_SD = 0.7

# Beyond this many sd the tails of a shift's prior are heavy: optima of two optimizers may be a
# factor of 30 apart, and few runs then suffice to show it. The same holds for a diverged run: it
# may have diverged for another reason.
_HEAVY = 1.5

# Rates that diverge are at least this far above the optimum, in ln lr, give or take the sd.
_WALL_ABOVE = 0.5
_WALL_SD = 0.3

# Prior sd of what a parameter adds to the losses over its range: as much as a learning rate that
# is off by a factor of e. And of its change from one horizon to the next, which is smaller.
_LEVEL_SD = 1.0
_LEVEL_DRIFT_SD = 0.5

# Prior of the slope -d ln lr / d ln horizon between horizons: 0 and 1 are one sd from the mean.
_SLOPE_MEAN = 0.5
_SLOPE_SD = 0.5

# Standard deviation of the losses near the optimum.
_NOISE_SD = 0.1


def heavy_tailed(z: Floats) -> Floats:
    """Residuals whose squares grow only with the logarithm of z, far from 0.

    Half of the square is the negative logarithm of a Student density, up to a constant, as wide
    near 0 as a standard normal.

    Args:
        z: Deviations in standard deviations, any shape.

    Example:
        >>> heavy_tailed(np.array([0.0, 0.1, -5.0])).round(2).tolist()
        [0.0, 0.1, -2.37]
    """
    squares = _HEAVY**2 * np.log1p((z / _HEAVY) ** 2)
    residuals: Floats = np.sign(z) * np.sqrt(squares)
    return residuals


class _Unknowns(NamedTuple):
    """What is fitted, for h horizons and d features."""

    level: Floats  # a_h, shape (h,)
    m: Floats  # optimal ln lr of the average, shape (h,)
    ln_s: float
    beta: Floats  # shape (d,)
    gamma: Floats  # shape (h, d)


class EffectsFit:
    """The least-squares problem.

    Attributes:
        ln_horizons: ln of the horizons, ascending, shape `(h,)`.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.runs import example_runs
        >>> seen = observe(example_runs(horizons=[8]))
        >>> no_parameter_varied = {run: np.zeros(1) for run in seen[0].run}
        >>> beta, gamma = EffectsFit(seen, no_parameter_varied, logarithmic=True).solve()
        >>> beta.tolist(), gamma.tolist()
        ([0.0], [[0.0]])
    """

    def __init__(
        self,
        seen: Sequence[Observations],
        features: Mapping[str, Floats],
        *,
        logarithmic: bool,
    ) -> None:
        """Set up the problem.

        Args:
            seen: Observations at a few horizons, ascending.
            features: Features of each run, by its label.
            logarithmic: Whether to take the logarithms of the losses.
        """
        ln_horizons = []
        scales = []
        best = []
        best_q = []
        for one in seen:
            losses = read(one, logarithmic=logarithmic)
            ln_horizons.append(np.log(one.horizon))
            scales.append(losses.scale)
            best.append(losses.x[losses.best])
            lowest = np.nanargmin(one.loss)
            best_q.append(features[str(one.run[lowest])])

        self.ln_horizons = np.array(ln_horizons)
        self._scale = float(np.median(scales)) or 1.0
        self._best = np.array(best)
        self._best_q = np.array(best_q)
        self._read_runs(seen, features, logarithmic=logarithmic)

    def _read_runs(
        self,
        seen: Sequence[Observations],
        features: Mapping[str, Floats],
        *,
        logarithmic: bool,
    ) -> None:
        """Set the arrays with an entry for each run with a finite loss at a horizon."""
        horizon = []
        x = []
        excess = []
        q = []
        for i, one in enumerate(seen):
            finite = np.isfinite(one.loss)
            loss = one.loss[finite]
            y = np.log(loss) if logarithmic else loss

            horizon.append(np.full(len(y), i))
            x.append(one.ln_lr[finite])
            excess.append(y - y.min())
            for run in one.run[finite]:
                q.append(features[str(run)])

        self._horizon = np.concatenate(horizon)
        self._x = np.concatenate(x)
        self._q = np.array(q)
        self._y = compress(np.concatenate(excess) / self._scale)
        self._sd = _NOISE_SD * growth(self._y)
        self._read_diverged(seen, features)

    def _read_diverged(
        self,
        seen: Sequence[Observations],
        features: Mapping[str, Floats],
    ) -> None:
        """Set the arrays with an entry for each run that had diverged at a horizon."""
        horizon = []
        x = []
        q = []
        for i, one in enumerate(seen):
            diverged = ~np.isfinite(one.loss)
            for ln_lr, run in zip(one.ln_lr[diverged], one.run[diverged], strict=True):
                horizon.append(i)
                x.append(ln_lr)
                q.append(features[str(run)])

        self._diverged_horizon = np.array(horizon, dtype=np.int64)
        self._diverged_x = np.array(x)
        self._diverged_q = np.array(q).reshape(len(x), self._q.shape[1])

    def solve(self) -> tuple[Floats, Floats]:
        """Return the most probable beta, shape `(d,)`, and gamma, shape `(h, d)`.

        Gamma is in the unit of the losses (of their logarithms).
        """
        from scipy.optimize import least_squares  # not on `import optuna_kappa`: it takes long

        solutions = []
        for beta in self._starts():
            start = self._start(beta)
            solution = least_squares(self._residuals, start, method="lm")
            solutions.append(solution)

        best = min(solutions, key=lambda solution: solution.cost)
        unknowns = self._unpack(best.x)
        return unknowns.beta, unknowns.gamma * self._scale

    def _starts(self) -> list[Floats]:
        """Return values of beta to start from, each of shape `(d,)`.

        No effect, and the one that the best runs show. From no effect alone, the fit does not
        find optima that are far apart: the runs near one of them are far from the other, where
        losses are compressed.
        """
        n_features = self._q.shape[1]
        none = np.zeros(n_features)

        differences = []
        apart = []
        for i in range(len(self._best)):
            for feature in range(n_features):
                here = self._horizon == i
                has_it = here & (self._q[:, feature] > 0)
                lacks_it = here & (self._q[:, feature] < 0)
                if has_it.any() and lacks_it.any():
                    one = self._lowest(has_it)
                    other = self._lowest(lacks_it)
                    differences.append(self._q[one] - self._q[other])
                    apart.append(self._x[one] - self._x[other])

        if not apart:
            return [none]
        shown, *_ = np.linalg.lstsq(np.array(differences), np.array(apart), rcond=None)
        return [none, shown]

    def _lowest(self, rows: Bools) -> int:
        """Return the index of the row with the smallest loss, among some rows."""
        candidates = np.flatnonzero(rows)
        return int(candidates[np.argmin(self._y[candidates])])

    def _start(self, beta: Floats) -> Floats:
        """Return the vector of all unknowns to start from, with this beta."""
        n_horizons = len(self._best)
        n_features = self._q.shape[1]
        no_levels = np.zeros(n_horizons)
        no_gamma = np.zeros(n_horizons * n_features)
        m = self._best - self._best_q @ beta
        return np.concatenate([no_levels, m, [0.0], beta, no_gamma])

    def _unpack(self, vector: Floats) -> _Unknowns:
        """Name the parts of a vector of all unknowns, in the order of `_Unknowns`."""
        h = len(self._best)
        d = self._q.shape[1]
        effects = vector[2 * h + 1 :]

        return _Unknowns(
            level=vector[:h],
            m=vector[h : 2 * h],
            ln_s=vector[2 * h],
            beta=effects[:d],
            gamma=effects[d:].reshape(h, d),
        )

    def _residuals(self, vector: Floats) -> Floats:
        """Residuals of losses and priors, each in its standard deviations."""
        unknowns = self._unpack(vector)
        misses = self._y - self._model(unknowns)
        losses = misses / self._sd

        above = self._diverged_above(unknowns)
        slope = -np.diff(unknowns.m) / np.diff(self.ln_horizons)
        drift = np.diff(unknowns.gamma, axis=0)
        # The best run is near the optimum for its own parameters, not for the average ones.
        off_best = unknowns.m + self._best_q @ unknowns.beta - self._best
        priors = [
            above,
            [unknowns.ln_s],
            unknowns.level,
            off_best,
            heavy_tailed(unknowns.beta / _SHIFT_SD),
            unknowns.gamma[-1] / _LEVEL_SD,
            (slope - _SLOPE_MEAN) / _SLOPE_SD,
            (drift / _LEVEL_DRIFT_SD).ravel(),
        ]
        return np.concatenate([losses, *priors])

    def _diverged_above(self, unknowns: _Unknowns) -> Floats:
        """Return how far the optimum is above runs that diverged, each in standard deviations.

        A run diverges above the optimum for its parameters; it says nothing if it does.
        """
        minimum = unknowns.m[self._diverged_horizon]
        optimum = minimum + self._diverged_q @ unknowns.beta
        above = optimum + _WALL_ABOVE - self._diverged_x
        above = np.maximum(above, 0.0) / _WALL_SD
        return heavy_tailed(above)

    def _model(self, unknowns: _Unknowns) -> Floats:
        """Return the compressed loss that each run should have, in scales of the losses."""
        minimum = unknowns.m[self._horizon]
        shift = self._q @ unknowns.beta
        z = self._x - minimum - shift
        ln_cosh = np.logaddexp(z, -z) - np.log(2.0)
        valley = np.exp(unknowns.ln_s) * ln_cosh

        gamma = unknowns.gamma[self._horizon]
        added = (self._q * gamma).sum(axis=1)
        level = unknowns.level[self._horizon]
        # As the losses are: else runs far from the optimum would count as nearer to it.
        return compress(level + valley + added)
