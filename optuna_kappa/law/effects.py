r"""What parameters other than the learning rate do: they move the optimum and the level.

Batch size moves the optimal learning rate; width lowers the loss at any rate. Let q be the
features of the other parameters (`optuna_kappa.law.features`). They move the optimum by beta q,
and they add gamma_h q to the loss at horizon h (to its logarithm if losses are positive). Both are
fitted to the runs of a few horizons (`optuna_kappa.law.effects_fit`).

`Effects.adjusted` moves runs to the average of the parameters. The law is fitted to these. For the
parameters at hand, `Effects.shift` moves what the law proposes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.effects_fit import EffectsFit
from optuna_kappa.law.features import Scale, features_of, scale_of
from optuna_kappa.law.observations import Observations, observe
from optuna_kappa.runs import RunTable

# Effects are fitted at a few horizons, at least this factor apart: those nearer to each other are
# read off the same curves and add little.
_HORIZON_SPACING = 3.0
_MOST_HORIZONS = 3

# A horizon with fewer finite runs could not tell an effect from the valley itself.
_FEWEST_RUNS = 4

_LEAST_STEP = 1e-9  # in place of step 0, which has no logarithm


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of other parameters, which have d features.

    Attributes:
        scales: How parameters become features.
        beta: Shift of the optimum for each feature, in ln lr, shape `(d,)`.
        horizons: ln of the horizons at which levels were fitted, ascending, shape `(h,)`.
        gamma: What each feature adds to the losses at these horizons, shape `(h, d)`.
        logarithmic: Whether it is added to the logarithms of the losses.

    Example:
        >>> scale = Scale("batch", values=(), low=0.0, high=256.0, log=False)
        >>> effects = Effects(
        ...     scales=[scale], beta=np.array([1.5]), horizons=np.array([0.0]),
        ...     gamma=np.array([[0.0]]), logarithmic=True,
        ... )
        >>> effects.shift({"batch": 256}), effects.shift({"batch": 0})
        (0.75, -0.75)
    """

    scales: Sequence[Scale]
    beta: Floats
    horizons: Floats
    gamma: Floats
    logarithmic: bool

    def shift(self, params: Mapping[str, Any]) -> float:
        """Return how far these parameters move the optimal ln lr from that of the average.

        Example:
            >>> NO_EFFECTS.shift({"batch": 256})
            0.0
        """
        if not self.scales:
            return 0.0

        features = features_of(params, self.scales)
        return float(features @ self.beta)

    def level(self, params: Mapping[str, Any]) -> float:
        """Return what these parameters add to the loss at the largest horizon, at the optimum.

        It is added to the logarithm of the loss if `logarithmic`.

        Example:
            >>> NO_EFFECTS.level({"batch": 256})
            0.0
        """
        if not self.scales:
            return 0.0

        features = features_of(params, self.scales)
        return float(features @ self.gamma[-1])

    def adjusted(self, runs: RunTable) -> RunTable:
        """Return the runs as they would have been with the average of the parameters.

        Example:
            >>> from optuna_kappa.runs import example_runs
            >>> runs = example_runs()
            >>> NO_EFFECTS.adjusted(runs) is runs
            True
        """
        if not len(self.beta):
            return runs

        lr = runs.lr.copy()
        loss = runs.loss.copy()

        for rows in runs.by_run():
            params = _params_of(runs, rows[0], self.scales)
            features = features_of(params, self.scales)
            lr[rows] *= np.exp(-features @ self.beta)

            step = np.maximum(runs.step[rows], _LEAST_STEP)
            added_there = self.gamma @ features
            added = np.interp(np.log(step), self.horizons, added_there)
            if self.logarithmic:
                loss[rows] *= np.exp(-added)
            else:
                loss[rows] -= added

        return replace(runs, lr=lr, loss=loss)


NO_EFFECTS = Effects(
    scales=(),
    beta=np.empty(0),
    horizons=np.empty(0),
    gamma=np.empty((0, 0)),
    logarithmic=True,
)


def find_effects(runs: RunTable, names: Sequence[str]) -> Effects:
    """Find the effects of parameters on the runs of one problem.

    Args:
        runs: Run table with a context column for each parameter.
        names: Names of the parameters; those that do not vary have no effect.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> runs = example_runs(horizons=[8])
        >>> small = replace(runs, context={"batch": ["16"] * 6})
        >>> large = replace(runs, context={"batch": ["256"] * 6}, lr=2 * runs.lr)
        >>> effects = find_effects(RunTable.concatenate([small, large]), ["batch"])
        >>> shift = effects.shift({"batch": 256}) - effects.shift({"batch": 16})
        >>> round(float(np.exp(shift)), 1)  # the factor between the optimal rates
        2.0
    """
    scales = _scales_of(runs, names)
    seen = _some_horizons(observe(runs)) if scales else []
    if not seen:
        return NO_EFFECTS

    features = {}
    for rows in runs.by_run():
        first = rows[0]
        params = _params_of(runs, first, scales)
        label = str(runs.run[first])
        features[label] = features_of(params, scales)

    fit = EffectsFit(seen, features, logarithmic=runs.positive)
    beta, gamma = fit.solve()
    return Effects(
        scales=scales,
        beta=beta,
        horizons=fit.ln_horizons,
        gamma=gamma,
        logarithmic=runs.positive,
    )


def _scales_of(runs: RunTable, names: Sequence[str]) -> list[Scale]:
    """Return the scales of the parameters that vary."""
    scales = []
    for name in names:
        scale = scale_of(name, runs.context[name])
        if scale is not None:
            scales.append(scale)

    return scales


def _params_of(
    runs: RunTable,
    row: int | np.intp,
    scales: Sequence[Scale],
) -> dict[str, Any]:
    """Return the parameters of the run that a row belongs to."""
    return {scale.name: runs.context[scale.name][row] for scale in scales}


def _some_horizons(observed: Sequence[Observations]) -> list[Observations]:
    """Return a few horizons that are well apart, ascending.

    The largest one is among them, and the others have the same schedule.
    """
    chosen: list[Observations] = []

    for seen in sorted(observed, key=lambda seen: -seen.horizon):
        n_finite = np.isfinite(seen.loss).sum()
        if n_finite < _FEWEST_RUNS:
            continue

        if not chosen:
            chosen.append(seen)
            continue

        same_schedule = seen.schedule == chosen[0].schedule
        is_apart = seen.horizon * _HORIZON_SPACING <= chosen[-1].horizon
        if same_schedule and is_apart and len(chosen) < _MOST_HORIZONS:
            chosen.append(seen)

    return chosen[::-1]
