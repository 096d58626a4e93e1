"""How a budget of probes is spread over short horizons, if one full run is to follow.

A budget is in full-run equivalents, and so is the horizon of a rung: its fraction of the target
horizon. Few cheap probes cover the range of learning rates. Fewer, longer ones show how the
optimum moves. A larger budget buys longer probes first, and more probes only where the longest
are already long:

    below `PLANS[0]`    at most 4 probes at a 48th of the target; what is left buys longer ones
    between the plans   interpolated in ln budget
    above `PLANS[-1]`   more probes of the longest horizon
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa._validation import POSITIVE

_OVERRUN = 1.1  # of a budget, by probes rounded to whole steps
_LONG_ONES = 2  # long probes that are taken away last: they show on which side the optimum lies
_COVERING = 4  # short probes that are taken away last: they cover the range
_FEWEST = 3  # fewer probes cannot bracket an optimum
_APART = 2.0  # the long rung's horizon is at least this many times that of the short one
_ROUNDING = 1e-9  # of a number of probes, which is rounded down


class _Plan(NamedTuple):
    """The ladder of one budget.

    Attributes:
        budget: Full-run equivalents.
        divisors: Target / horizon of the short rung and of the long one.
        numbers: Number of probes of each.
    """

    budget: float
    divisors: tuple[float, float]
    numbers: tuple[int, int]


# The last is the ladder of a search (`optuna_kappa.search.ladder.LADDER`).
PLANS = (
    _Plan(0.25, divisors=(48, 16), numbers=(4, 3)),
    _Plan(0.5, divisors=(24, 12), numbers=(6, 3)),
    _Plan(1.0, divisors=(24, 6), numbers=(6, 4)),
    _Plan(1.5, divisors=(24, 3.2), numbers=(6, 4)),
)


class Rung(NamedTuple):
    """Probes of one horizon.

    Attributes:
        fraction: Horizon of the probes, as a fraction of the target horizon.
        n: Number of probes.

    Example:
        >>> Rung(fraction=0.25, n=4).cost
        1.0
    """

    fraction: float
    n: int

    @property
    def cost(self) -> float:
        """Full-run equivalents that the probes cost if none ends early.

        Example:
            >>> Rung(fraction=0.125, n=2).cost
            0.25
        """
        return self.fraction * self.n


def rungs_for(budget: float) -> tuple[Rung, ...]:
    """Spread a budget over probes.

    From a quarter of a full run on, they cost at most a tenth more than the budget and at most a
    fifth less. A smaller budget may not suffice for the next probe: a third of it may be left.

    Args:
        budget: Full-run equivalents.

    Returns:
        One or two rungs, by ascending horizon, each with at least one probe; three probes or more
        in all.

    Raises:
        ValueError: The budget is not positive.

    Example:
        >>> [(round(1 / rung.fraction, 1), rung.n) for rung in rungs_for(0.5)]
        [(24.0, 6), (12.0, 3)]
        >>> [(round(1 / rung.fraction, 1), rung.n) for rung in rungs_for(0.1)]
        [(48.0, 4)]
    """
    budget = POSITIVE.check("budget", budget, "it is that of the probes, in full runs")
    if budget < PLANS[0].budget:
        return _small(budget)
    if budget > PLANS[-1].budget:
        return _large(budget)
    return _between(budget)


def probes_for(budget: float, target: int) -> list[tuple[int, int]]:
    """Spread a budget over probes whose horizons are whole numbers of steps.

    Rounded to a step, probes may cost more than the budget. Then there are fewer of them, but
    never fewer than three.

    Args:
        budget: Full-run equivalents.
        target: Horizon of a full run, in steps.

    Returns:
        (horizon, number of probes) of each rung, by ascending horizon, all below the target.

    Raises:
        ValueError: The budget is not positive.

    Example:
        >>> probes_for(0.5, target=24)
        [(1, 6), (2, 3)]
        >>> probes_for(0.25, target=24)
        [(1, 4), (2, 1)]
    """
    planned: list[tuple[int, int]] = []
    for rung in rungs_for(budget):
        above = planned[-1][0] + 1 if planned else 1
        horizon = max(above, round(rung.fraction * target))
        if horizon < target:
            planned.append((horizon, rung.n))

    while _cost(planned) > _OVERRUN * budget * target and _number(planned) > _FEWEST:
        planned = _with_one_less(planned)
    if _cost(planned) > _OVERRUN * budget * target:
        return [(horizon, _FEWEST) for horizon, _ in planned[:1]]
    return planned


def _with_one_less(planned: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Take away the probe that is missed least: a long one, as long as two others are left."""
    (short, n_short), *rest = planned
    if not rest:
        return [(short, n_short - 1)]

    ((long, n_long),) = rest
    if n_long > _LONG_ONES or (n_short <= _COVERING and n_long > 1):
        return [(short, n_short), (long, n_long - 1)]
    return [(short, n_short - 1), (long, n_long)]


def _cost(planned: list[tuple[int, int]]) -> int:
    """Steps of all probes."""
    return sum(horizon * n for horizon, n in planned)


def _number(planned: list[tuple[int, int]]) -> int:
    return sum(n for _, n in planned)


def _small(budget: float) -> tuple[Rung, ...]:
    """Rungs of a budget below the first plan."""
    _, (divisor, long_divisor), (n_most, n_long_most) = PLANS[0]
    n = min(n_most, _whole(budget * divisor))
    if n < _FEWEST:
        return (Rung(budget / _FEWEST, _FEWEST),)

    short = Rung(1 / divisor, n)
    left = budget - short.cost
    n_long = min(n_long_most, _whole(left * divisor / _APART))
    if not n_long:
        return (short,)
    return short, Rung(min(left / n_long, 1 / long_divisor), n_long)


def _between(budget: float) -> tuple[Rung, ...]:
    """Rungs of a budget between two plans."""
    ln_budgets = np.log([plan.budget for plan in PLANS])
    rungs = []
    for place in (0, 1):
        ln_divisors = np.log([plan.divisors[place] for plan in PLANS])
        numbers = [plan.numbers[place] for plan in PLANS]

        ln_divisor = np.interp(np.log(budget), ln_budgets, ln_divisors)
        n = np.interp(np.log(budget), ln_budgets, numbers)
        rungs.append(Rung(float(np.exp(-ln_divisor)), round(float(n))))

    return tuple(rungs)


def _large(budget: float) -> tuple[Rung, ...]:
    """Rungs of a budget above the last plan."""
    _, (divisor, long_divisor), (n, n_long_least) = PLANS[-1]
    short = Rung(1 / divisor, n)
    n_long = _whole((budget - short.cost) * long_divisor)
    return short, Rung(1 / long_divisor, max(n_long, n_long_least))


def _whole(number: float) -> int:
    """The whole part of a number of probes."""
    return int(number + _ROUNDING)
