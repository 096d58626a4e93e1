"""How sure a recommendation is: the distribution of the regret of a learning rate.

The *regret* of a rate is the expected loss of a full run at that rate over the least that any rate
has, minus 1. It is not known, since the valley of the losses is not. But the posterior of the
valley (`optuna_kappa.law.valley`) has a probability for each amplitude s, shape (w, k) and minimum
m, and each of them gives the rate x = ln lr the regret

    exp(s ln cosh(z / w)) - 1,    z = x - m, times exp(k) on the right of m

if losses are positive, so that their logarithms were fitted; otherwise it is the difference of the
losses over their level. So the probability that the regret is at most r is a sum over a grid.

Before the first full run, m comes from the law, and s, w and k from the valley at the longest
horizon that was tried, less certain with the distance in ln horizon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.law import Law
from optuna_kappa.law.optimum import Chain, Link
from optuna_kappa.law.valley import fit_valley
from optuna_kappa.law.valley_shapes import Shape, unit_valleys
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.search.at_horizon import valley_at

_N_MINIMA = 201
_TAIL = 1e-4  # probability of the minima that are left out on either side


@dataclass(frozen=True, eq=False)
class Certainty:
    """The distribution of the regret of a learning rate.

    Attributes:
        regret: Possible regrets, ascending, shape `(n,)`. A regret of 0.02 is a loss that is 2 %
            above the least one.
        weight: Probability of each, shape `(n,)`.

    Example:
        >>> certainty = Certainty(np.array([0.001, 0.02, 0.5]), np.array([0.7, 0.2, 0.1]))
        >>> round(certainty.within(0.02), 2), round(certainty.mean, 4), certainty.quantile(0.5)
        (0.9, 0.0547, 0.001)
    """

    regret: Floats
    weight: Floats

    def within(self, regret: float) -> float:
        """Probability that the regret is at most this much.

        Example:
            >>> Certainty(np.array([0.001, 0.5]), np.array([0.75, 0.25])).within(0.02)
            0.75
        """
        return float(self.weight[self.regret <= regret].sum())

    def quantile(self, p: float) -> float:
        """The regret that is not exceeded with probability p.

        Example:
            >>> Certainty(np.array([0.001, 0.5]), np.array([0.75, 0.25])).quantile(0.9)
            0.5
        """
        cumulative = np.cumsum(self.weight)
        place = int(np.searchsorted(cumulative, p * cumulative[-1]))
        return float(self.regret[min(place, len(self.regret) - 1)])

    @property
    def mean(self) -> float:
        """The expected regret.

        Example:
            >>> Certainty(np.array([0.0, 0.5]), np.array([0.75, 0.25])).mean
            0.125
        """
        return float(self.regret @ self.weight)


def certainty_of(
    chain: Chain,
    law: Law,
    horizon: float,
    schedule: AnySchedule,
    ln_lr: float,
) -> Certainty | None:
    """The distribution of the regret of full runs at a learning rate, given the runs so far.

    Args:
        chain: Valleys of the runs of the same problem.
        law: Law fitted to these runs, and to others if there are any.
        horizon: Horizon of a full run.
        schedule: Its schedule.
        ln_lr: The learning rate, as ln lr.

    Returns:
        None while no horizon has shown a valley.

    Example:
        >>> from optuna_kappa.law import fit
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> from optuna_kappa.schedules import as_schedule
        >>> runs = example_runs()  # the best lr is 0.01 / horizon
        >>> chain, law, constant = find_chain(observe(runs)), fit(runs), as_schedule("constant")
        >>> good, bad = np.log(0.01 / 64), np.log(0.05 / 64)
        >>> at = [certainty_of(chain, law, 64, constant, x).quantile(0.5) for x in (good, bad)]
        >>> at[0] < 0.1 < at[1]
        True
    """
    if not law.optima:
        return None

    at_target = valley_at(chain, law, horizon, schedule)
    if at_target is not None:
        valley, move = at_target
        excess, weight = valley.regrets(ln_lr - move)
        return _certainty(chain, valley.seen.level, excess, weight)

    longest = _longest(chain)
    if longest is None:
        return None

    shape = fit_valley(longest.losses, chain.scale, longest.prior).shape.elsewhere(
        ln_ratio=float(np.log(horizon / longest.seen.horizon)),
        same_schedule=schedule.name == longest.seen.schedule,
    )
    predicted = law.predict(horizon, schedule)
    m = np.linspace(predicted.quantile(_TAIL), predicted.quantile(1 - _TAIL), _N_MINIMA)
    density = predicted.density(m)
    excess, weight = _unseen_regrets(ln_lr, m, density / density.sum(), shape)
    return _certainty(chain, longest.losses.level, excess, weight)


def _unseen_regrets(x: float, m: Floats, p_minimum: Floats, shape: Shape) -> tuple[Floats, Floats]:
    """Expected loss at x above that at the minimum, for each valley that may be there.

    Args:
        x: ln lr of the run.
        m: Minima, shape `(g,)`.
        p_minimum: Their probabilities, shape `(g,)`.
        shape: What is known of the amplitude and the shape of the valley.

    Returns:
        As `Valley.regrets`.
    """
    ln_s = shape.ln_amplitudes
    z = (ln_s - shape.mean) / shape.sd
    p_amplitude = np.exp(-0.5 * z**2)

    valleys = unit_valleys(np.array([x]), m)[:, :, 0]
    excess = np.exp(ln_s)[:, None, None] * valleys
    p = (p_amplitude / p_amplitude.sum())[:, None, None] * shape.weight[:, None] * p_minimum
    return excess.ravel(), p.ravel()


def _longest(chain: Chain) -> Link | None:
    """What was found at the longest horizon that has shown a valley."""
    shown = [link for link in chain.links if link.optimum is not None]
    return max(shown, key=lambda link: link.seen.horizon, default=None)


def _certainty(chain: Chain, level: float, excess: Floats, weight: Floats) -> Certainty:
    # A difference of logarithms is one of a part of the loss.
    regret = np.expm1(excess) if chain.logarithmic else excess / level
    order = np.argsort(regret, kind="stable")
    return Certainty(regret[order], weight[order])
