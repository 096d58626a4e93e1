"""The valley at a horizon, given the runs there and what the law says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law.law import Law
from optuna_kappa.law.observations import Observations
from optuna_kappa.law.optimum import OWN, Chain, Link
from optuna_kappa.law.valley import Valley, fit_valley
from optuna_kappa.law.valley_shapes import Shape
from optuna_kappa.schedules import AnySchedule

_LAW_COUNTS = 4.0  # number of learning rates tried above which the law counts less
_SAME_HORIZON = (0.8, 1.05)  # runs seen at these fractions of a horizon count for it


def valley_at(
    chain: Chain,
    law: Law,
    horizon: float,
    schedule: AnySchedule,
) -> tuple[Valley, float] | None:
    """The valley of the runs of a horizon, the law being the prior of its minimum.

    Args:
        chain: Valleys of the runs of the same problem.
        law: Law fitted to these runs, and to others if there are any. It must have an optimum.
        horizon: Horizon of the runs.
        schedule: Their schedule.

    Returns:
        The valley, and how far the law moves the optimum from the horizon at which the runs were
        seen to this one, in ln lr; None where no run was seen.
    """
    link = link_at(chain, schedule.name, horizon)
    if link is None:
        return None

    density = _prior_density(law, chain, link.seen, schedule)
    valley = fit_valley(link.losses, chain.scale, link.prior, density)
    return valley, _move(law, schedule, link.seen.horizon, horizon)


def link_at(chain: Chain, schedule: str, horizon: float) -> Link | None:
    """The link of the chain at a horizon: what was found from the runs seen there.

    Args:
        chain: Valleys of the runs, one link for each schedule and horizon.
        schedule: Name of the schedule.
        horizon: Horizon; a link from 20 % below to 5 % above it counts.

    Returns:
        The link of the longest such horizon, or None if there is none.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> chain = find_chain(observe(example_runs(horizons=[1, 4])))
        >>> link_at(chain, "constant", horizon=4.1).seen.horizon
        4.0
        >>> link_at(chain, "constant", horizon=8) is None
        True
    """
    low, high = _SAME_HORIZON
    nearby = []
    for link in chain.links:
        is_near = low * horizon <= link.seen.horizon <= high * horizon
        if is_near and link.seen.schedule == schedule:
            nearby.append(link)
    return max(nearby, key=lambda link: link.seen.horizon, default=None)


def longest_valley(chain: Chain) -> tuple[Link, Valley] | None:
    """What was found at the longest horizon that has shown a valley, and the valley.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> link, valley = longest_valley(find_chain(observe(example_runs(horizons=[1, 4]))))
        >>> link.seen.horizon
        4.0
    """
    shown = [link for link in chain.links if link.optimum is not None]
    if not shown:
        return None
    longest = max(shown, key=lambda link: link.seen.horizon)
    return longest, fit_valley(longest.losses, chain.scale, longest.prior)


def shape_elsewhere(link: Link, valley: Valley, horizon: float, schedule: AnySchedule) -> Shape:
    """What the valley of a link tells of the shape of that of a horizon without runs.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> from optuna_kappa.schedules import constant
        >>> link, valley = longest_valley(find_chain(observe(example_runs(horizons=[1, 4]))))
        >>> shape_elsewhere(link, valley, 64.0, constant()).sd > valley.shape.sd
        True
    """
    return valley.shape.elsewhere(
        ln_ratio=float(np.log(horizon / link.seen.horizon)),
        same_schedule=schedule.name == link.seen.schedule,
    )


def _move(law: Law, schedule: AnySchedule, seen: float, horizon: float) -> float:
    """How far the law moves the optimum, in ln lr, from the horizon of the runs seen to this one.

    The two differ a little if runs are seen as averages over the steps before a horizon.
    """
    before = law.predict(seen, schedule).quantile(0.5)
    after = law.predict(horizon, schedule).quantile(0.5)
    return after - before


def _prior_density(
    law: Law,
    chain: Chain,
    seen: Observations,
    schedule: AnySchedule,
) -> Callable[[Floats], Floats] | None:
    """Density of the minimum's ln lr from what was seen at other horizons; None if nothing was.

    The more learning rates were tried here, the flatter it is: many runs find the best even if
    the law is wrong.
    """
    repeated = _repeated(chain, seen)
    optima = []
    for optimum in law.optima:
        place = (optimum.schedule, optimum.horizon)
        is_own = optimum.table == OWN
        if not (is_own and place in repeated):
            optima.append(optimum)
    if not optima:
        return None

    elsewhere = replace(law, optima=tuple(optima))
    density = elsewhere.predict(seen.horizon, schedule).density
    n_tried = len(np.unique(seen.ln_lr))
    power = min(1.0, _LAW_COUNTS / n_tried)
    return lambda x: np.asarray(density(x) ** power)


def _repeated(chain: Chain, seen: Observations) -> set[tuple[str, float]]:
    """Schedules and horizons of the optima that add nothing to what was seen at this horizon.

    The optimum found here would count twice. And where the same runs, at an earlier step, had
    their best at the lowest or highest rate, they only showed that the optimum was beyond them.
    """
    repeated = {(seen.schedule, seen.horizon)}
    runs = set(seen.run)
    for link in chain.links:
        other = link.seen
        if link.losses.edge and set(other.run) == runs:
            repeated.add((other.schedule, other.horizon))
    return repeated
