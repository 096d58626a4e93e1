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

from optuna_kappa._typing import Floats
from optuna_kappa.law.losses import compress, read
from optuna_kappa.law.misfit import growth
from optuna_kappa.law.observations import Observations

# Prior sd of the optimum's shift over a parameter's range, in ln lr. From batch size 16 to 256 it
# is about 1.4, two of these.
_SHIFT_SD = 0.7

# Prior sd of what a parameter adds to the losses over its range: as much as a learning rate that
# is off by a factor of e. And of its change from one horizon to the next, which is smaller.
_LEVEL_SD = 1.0
_LEVEL_DRIFT_SD = 0.5

# Prior of the slope -d ln lr / d ln horizon between horizons: 0 and 1 are one sd from the mean.
_SLOPE_MEAN = 0.5
_SLOPE_SD = 0.5

# Standard deviation of the losses near the optimum.
_NOISE_SD = 0.1


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
        for one in seen:
            losses = read(one, logarithmic=logarithmic)
            ln_horizons.append(np.log(one.horizon))
            scales.append(losses.scale)
            best.append(losses.x[losses.best])

        self.ln_horizons = np.array(ln_horizons)
        self._scale = float(np.median(scales)) or 1.0
        self._best = np.array(best)
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

    def solve(self) -> tuple[Floats, Floats]:
        """Return the most probable beta, shape `(d,)`, and gamma, shape `(h, d)`.

        Gamma is in the unit of the losses (of their logarithms).
        """
        from scipy.optimize import least_squares  # not on `import optuna_kappa`: it takes long

        n_horizons = len(self._best)
        n_features = self._q.shape[1]
        start = np.concatenate(
            [
                np.zeros(n_horizons),
                self._best,
                [0.0],
                np.zeros(n_features + n_horizons * n_features),
            ]
        )

        solution = least_squares(self._residuals, start, method="lm")
        unknowns = self._unpack(solution.x)
        return unknowns.beta, unknowns.gamma * self._scale

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

        slope = -np.diff(unknowns.m) / np.diff(self.ln_horizons)
        drift = np.diff(unknowns.gamma, axis=0)
        priors = [
            [unknowns.ln_s],
            unknowns.level,
            unknowns.m - self._best,
            unknowns.beta / _SHIFT_SD,
            unknowns.gamma[-1] / _LEVEL_SD,
            (slope - _SLOPE_MEAN) / _SLOPE_SD,
            (drift / _LEVEL_DRIFT_SD).ravel(),
        ]
        return np.concatenate([losses, *priors])

    def _model(self, unknowns: _Unknowns) -> Floats:
        """Return the loss that each run should have, in scales of the losses."""
        minimum = unknowns.m[self._horizon]
        shift = self._q @ unknowns.beta
        z = self._x - minimum - shift
        ln_cosh = np.logaddexp(z, -z) - np.log(2.0)
        valley = np.exp(unknowns.ln_s) * ln_cosh

        gamma = unknowns.gamma[self._horizon]
        added = (self._q * gamma).sum(axis=1)
        level = unknowns.level[self._horizon]
        model: Floats = level + valley + added
        return model
