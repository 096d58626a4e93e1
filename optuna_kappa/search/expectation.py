"""The regret to expect of a ladder of probes, before any of them has been run.

A law is drawn from its prior: where the optimum is at the horizon of each rung and of full runs.
The probes of a rung find their optimum with an error. The law is fitted to what they found, and
the rate that it recommends has the regret that the drawn law gives it. How much a rate that is off
loses depends on the problem: amplitudes and shapes of valleys are drawn as the tables of the atlas
have them (`docs/atlas.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.moments import Moments
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.posterior import Posterior
from optuna_kappa.law.prior import Prior
from optuna_kappa.law.valley import unseen
from optuna_kappa.law.valley_shapes import SHAPE_PRIOR
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.search.certainty import Certainty, Truth

# ln of the amplitude of a valley: median and standard deviation over the 63 tables of the atlas
# at a constant rate, of the valley of the longest probes of ladders of 0.25 to 1.5 full runs.
_LN_AMPLITUDE = -2.4
_LN_AMPLITUDE_SD = 0.9

# Standard error of the optimum of a rung, in ln lr: the median over the same ladders is 0.44 to
# 0.53 for the short rungs of four to six probes, 0.35 to 0.5 for the long ones of three or four.
_SE = 0.45
_PROBES = 4  # the number of probes that the error is that of

_N_DRAWS = 200
_REACH = 3.0  # rates are looked for this far, in ln lr, on both sides of all that may be best
_N_RATES = 121


def expected_regret(
    rungs: Sequence[tuple[float, int]],
    horizon: float,
    schedule: AnySchedule,
    prior: Prior,
    n_draws: int = _N_DRAWS,
    seed: int = 0,
) -> Certainty:
    """The distribution of the regret of the rate that is recommended after a ladder of probes.

    Args:
        rungs: (horizon, number of probes) of each rung, at least one.
        horizon: Horizon of a full run, above those of the rungs.
        schedule: Schedule of the runs.
        prior: What is believed of the law.
        n_draws: Number of laws that are drawn.
        seed: Seed of the draws.

    Example:
        >>> from optuna_kappa.law.prior import PRIORS
        >>> from optuna_kappa.schedules import as_schedule
        >>> constant = as_schedule("constant")
        >>> sure, unsure = PRIORS["copy"], PRIORS["mixture"]
        >>> ladder = [(1, 6), (2, 3)]
        >>> after = [expected_regret(ladder, 24, constant, p, n_draws=20) for p in (sure, unsure)]
        >>> after[0].mean < after[1].mean
        True
    """
    rng = np.random.default_rng(seed)
    rows = [_optimum(schedule, d, n) for d, n in rungs]
    target = _optimum(schedule, horizon, 0)

    regrets = []
    for drawn in _draws([*rows, target], rows, prior, n_draws, rng):
        *at_rungs, at_target = drawn.tolist()
        found = []
        for row, ln_lr in zip(rows, at_rungs, strict=True):
            found.append(replace(row, ln_lr=ln_lr + row.se * float(rng.normal())))

        truth = Truth(
            s=float(np.exp(rng.normal(_LN_AMPLITUDE, _LN_AMPLITUDE_SD))),
            shape=int(rng.choice(len(SHAPE_PRIOR), p=SHAPE_PRIOR)),
            m=at_target,
        )
        regrets.append(np.expm1(min(truth.loss(_recommended(found, target, prior)), 100.0)))

    weight = np.full(n_draws, 1 / n_draws)
    return Certainty(np.sort(np.array(regrets)), weight)


def _optimum(schedule: AnySchedule, horizon: float, n: int) -> Optimum:
    """An optimum of a rung whose learning rate is still to be drawn."""
    shape = schedule.resolve(horizon)
    return Optimum(
        schedule=schedule.name,
        horizon=float(horizon),
        ln_lr=0.0,
        se=_SE * float(np.sqrt(_PROBES / max(n, 1))),
        n=n,
        at_edge=0,
        mean=shape.mean,
        peak=shape.peak,
        end=shape.end,
    )


def _draws(
    rows: Sequence[Optimum],
    seen: Sequence[Optimum],
    prior: Prior,
    n_draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw where the optima are, shape `(n_draws, len(rows))`."""
    moments = Moments(tuple(seen), prior)
    mean = moments.mean(rows)
    covariance = moments.covariance(rows, rows)
    chosen = rng.choice(len(mean), size=n_draws, p=moments.hypotheses.prior)

    draws = [rng.multivariate_normal(mean[i], covariance[i], method="eigh") for i in chosen]
    return np.array(draws)


def _recommended(found: Sequence[Optimum], target: Optimum, prior: Prior) -> float:
    """The ln lr with the least expected loss of a full run, by the law of some optima."""
    posterior = Posterior(tuple(found), prior)
    predicted = posterior.predict(
        target.horizon, target.schedule, target.mean, target.peak, target.end
    )

    mean, sd = predicted.moments
    x = np.linspace(mean - _REACH * sd, mean + _REACH * sd, _N_RATES)
    weight, losses = unseen(x, predicted.density)
    return float(x[np.argmin(weight @ losses)])
