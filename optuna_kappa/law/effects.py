r"""What parameters other than the learning rate do: they move the optimum and the level.

Batch size moves the optimal learning rate, width lowers the loss whatever the rate. With features
q of the other parameters, each in [-1/2, 1/2] over the values tried, the loss at horizon h is

    y(x, q) = a_h + s ln cosh(x - m_h - beta q) + gamma_h q + e

in x = ln lr, where beta q is what they move the optimum by and gamma_h q what they add to the loss
(to its logarithm where it is positive). All of it is fitted at once, at a few horizons, by least
squares with normal priors, so that effects which the runs do not show stay near 0. Runs are then
told apart from those of the average configuration by `Effects.adjusted`, and what is found for
that is moved back by `Effects.shift`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats
from optuna_kappa.law.losses import compress, read
from optuna_kappa.law.misfit import growth
from optuna_kappa.law.observations import Observations, observe
from optuna_kappa.runs import RunTable

# Prior sd of the optimum's shift over a parameter's range; from batch 16 to 256 it is about 1.4.
_SHIFT = 0.7
_LEVEL = 1.0  # that of the level, in scales of the losses
_LEVEL_DRIFT = 0.5  # sd of its change from one horizon to the next
_NOISE = 0.1  # sd of the losses near the optimum, in scales of them
_SLOPE = (0.5, 0.5)  # mean and sd of the slope from one horizon to the next
_APART = 3.0  # horizons differ by this factor
_HORIZONS = 3
_FEWEST = 4  # runs at a horizon
_WIDE = 4.0  # ratio from which a positive number is taken on a logarithmic scale


class _Scale(NamedTuple):
    """How a parameter becomes features: by its values, or in [low, high]."""

    name: str
    values: tuple[str, ...]  # of a parameter that is no number
    low: float
    high: float
    log: bool

    @property
    def size(self) -> int:
        return len(self.values) or 1

    def features(self, text: str) -> list[float]:
        """In [-1/2, 1/2]; 0 where the parameter is missing or its value has not been seen."""
        if self.values:
            known = text in self.values
            return [(text == value) - 1 / self.size if known else 0.0 for value in self.values]
        number = _number(text)
        if number is None or (self.log and number <= 0):
            return [0.0]
        at = float(np.log(number)) if self.log else number
        return [float(np.clip((at - self.low) / (self.high - self.low), 0, 1)) - 0.5]


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of other parameters, of d features.

    Attributes:
        scales: From parameters to features.
        beta: What moves the optimum, in ln lr, shape `(d,)`.
        horizons: ln of the horizons of the levels, ascending, shape `(h,)`.
        gamma: What raises the losses there, shape `(h, d)`.
        logarithmic: Whether it raises their logarithms.
    """

    scales: Sequence[_Scale]
    beta: Floats
    horizons: Floats
    gamma: Floats
    logarithmic: bool

    def shift(self, params: Mapping[str, Any]) -> float:
        """How far these parameters move the optimal ln lr from that of the average."""
        if not self.scales:
            return 0.0
        return float(self._features(params) @ self.beta)

    def adjusted(self, runs: RunTable) -> RunTable:
        """The runs as they would have been with the average of the parameters."""
        if not len(self.beta):
            return runs
        lr, loss = runs.lr.copy(), runs.loss.copy()
        for rows in runs.by_run():
            q = self._features({s.name: runs.context[s.name][rows[0]] for s in self.scales})
            level = np.interp(
                np.log(np.maximum(runs.step[rows], 1e-9)), self.horizons, self.gamma @ q
            )
            lr[rows] *= np.exp(-q @ self.beta)
            loss[rows] = loss[rows] * np.exp(-level) if self.logarithmic else loss[rows] - level
        return replace(runs, lr=lr, loss=loss)

    def _features(self, params: Mapping[str, Any]) -> Floats:
        found = [scale.features(str(params.get(scale.name, ""))) for scale in self.scales]
        return np.array([value for values in found for value in values])


NO_EFFECTS = Effects((), np.empty(0), np.empty(0), np.empty((0, 0)), logarithmic=True)


def find_effects(runs: RunTable, names: Sequence[str]) -> Effects:
    """The effects of parameters on runs of one problem.

    Args:
        runs: Run table with a context column for each.
        names: The parameters; those that do not vary have no effect.
    """
    scales = [scale for name in names if (scale := _scale(name, runs.context[name]))]
    seen = _spread(observe(runs)) if scales else []
    if not seen:
        return NO_EFFECTS
    first = [rows[0] for rows in runs.by_run()]
    params = {str(runs.run[i]): {s.name: runs.context[s.name][i] for s in scales} for i in first}
    draft = replace(NO_EFFECTS, scales=scales)
    features = {run: draft._features(values) for run, values in params.items()}
    problem = _Problem(seen, features, runs.positive)
    beta, gamma = problem.solve()
    horizons = np.log([one.horizon for one in seen])
    return Effects(scales, beta, horizons, gamma, problem.logarithmic)


class _Problem:
    """The least-squares problem; losses and gamma are in scales of the losses."""

    def __init__(
        self, seen: Sequence[Observations], features: Mapping[str, Floats], logarithmic: bool
    ) -> None:
        self.logarithmic = logarithmic
        losses = [read(one, logarithmic=logarithmic) for one in seen]
        self._scale = float(np.median([one.scale for one in losses])) or 1.0
        self._best = np.array([one.x[one.best] for one in losses])
        self._gaps = np.diff(np.log([one.horizon for one in seen]))
        finite = [np.isfinite(one.loss) for one in seen]
        self._x = np.concatenate([one.ln_lr[ok] for one, ok in zip(seen, finite, strict=True)])
        self._at = np.repeat(np.arange(len(seen)), [ok.sum() for ok in finite])
        runs = np.concatenate([one.run[ok] for one, ok in zip(seen, finite, strict=True)])
        self._q = np.array([features[str(run)] for run in runs])
        loss = np.concatenate([one.loss[ok] for one, ok in zip(seen, finite, strict=True)])
        y = np.log(loss) if logarithmic else loss
        least = np.array([y[self._at == i].min() for i in range(len(seen))])
        excess = (y - least[self._at]) / self._scale
        self._y = compress(excess)
        self._sd = _NOISE * growth(self._y)

    def solve(self) -> tuple[Floats, Floats]:
        """Shift, shape `(d,)`, and levels, shape `(h, d)`, the most probable ones."""
        from scipy.optimize import least_squares  # not on `import optuna_kappa`: it takes long

        h, d = len(self._best), self._q.shape[1]
        start = np.concatenate([np.zeros(h), self._best, [0.0], np.zeros(d + h * d)])
        found = least_squares(self._residuals, start, method="lm").x
        return found[2 * h + 1 :][:d], found[2 * h + 1 + d :].reshape(h, d) * self._scale

    def _residuals(self, parameters: Floats) -> Floats:
        h, d = len(self._best), self._q.shape[1]
        level, m, ln_s = parameters[:h], parameters[h : 2 * h], parameters[2 * h]
        beta = parameters[2 * h + 1 :][:d]
        gamma = parameters[2 * h + 1 + d :].reshape(h, d)
        z = self._x - m[self._at] - self._q @ beta
        valley = np.exp(ln_s) * (np.logaddexp(z, -z) - np.log(2.0))
        model = level[self._at] + valley + (self._q * gamma[self._at]).sum(axis=1)
        moved = (-np.diff(m) / self._gaps - _SLOPE[0]) / _SLOPE[1]
        prior = [[ln_s], level, m - self._best, beta / _SHIFT, gamma[-1] / _LEVEL, moved]
        drift = (np.diff(gamma, axis=0) / _LEVEL_DRIFT).ravel()
        return np.concatenate([(self._y - model) / self._sd, *prior, drift])


def _spread(seen: Sequence[Observations]) -> list[Observations]:
    """A few horizons well apart, the largest among them, of the schedule that has it."""
    enough = [one for one in seen if np.isfinite(one.loss).sum() >= _FEWEST]
    found: list[Observations] = []
    for one in sorted(enough, key=lambda one: -one.horizon):
        near = found and (
            one.horizon * _APART > found[-1].horizon or one.schedule != found[0].schedule
        )
        if not near and len(found) < _HORIZONS:
            found.append(one)
    return found[::-1]


def _scale(name: str, column: NDArray[np.str_]) -> _Scale | None:
    """How a context column becomes features; None if it does not vary."""
    texts = sorted({str(text) for text in column} - {""})
    numbers = [_number(text) for text in texts]
    known = [number for number in numbers if number is not None]
    if len(texts) < 2:
        return None
    if len(known) < len(texts):
        return _Scale(name, tuple(texts), 0.0, 1.0, log=False)
    low, high = min(known), max(known)
    log = low > 0 and high / low > _WIDE
    ends = (float(np.log(low)), float(np.log(high))) if log else (low, high)
    return _Scale(name, (), *ends, log) if low < high else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
