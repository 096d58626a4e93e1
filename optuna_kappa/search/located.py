"""Whether the runs of a horizon have located its optimum, or have told nothing so far."""

from __future__ import annotations

import math

from optuna_kappa.law.observations import Observations
from optuna_kappa.law.optimum import Chain
from optuna_kappa.law.stages import LEARNED, lowest_of, start_of
from optuna_kappa.search.at_horizon import link_at

_MIN_RATES = 3  # learning rates that locate an optimum

# Losses that differ by a smaller part of themselves count as equal.
CONTRAST = 0.01

_LONGER = 1.5  # least ratio of horizons at which longer training should show; averages end early
_GROWN = 1.5  # ratio of what longer and shorter runs gain, beyond which runs learn slowly
_ABOVE = 0.2  # part of the loss by which rates that are too high exceed a plateau


def standard_error(chain: Chain, schedule: str, horizon: float) -> float:
    """Standard error of the optimum (ln lr), located by the runs of this horizon alone.

    It is infinite if there are too few of them, if the best is the outermost, or if they hardly
    differ: on a plateau, where training has failed, noise looks like a valley.

    Args:
        chain: Valleys of the runs, one link for each schedule and horizon.
        schedule: Name of the schedule.
        horizon: Horizon of the runs.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> chain = find_chain(observe(example_runs(horizons=[1, 4])))
        >>> round(standard_error(chain, "constant", 4), 1), standard_error(chain, "constant", 16)
        (0.3, inf)
    """
    link = link_at(chain, schedule, horizon)
    if link is None or link.optimum is None:
        return math.inf

    losses = link.losses
    too_few = len(losses.x) < _MIN_RATES
    if too_few or link.optimum.at_edge:
        return math.inf

    # A difference of logarithms is a part of the loss already.
    level = 1 if chain.logarithmic else losses.level
    is_plateau = losses.contrast < CONTRAST * level
    return math.inf if is_plateau else link.optimum.se


def all_tie(chain: Chain, schedule: str, horizon: float, *, has_law: bool) -> bool:
    """Whether losses that tie have shown nothing about the best lr of runs of a horizon.

    Three learning rates or more tie at this horizon or, before three were seen there and without
    a law, wherever three were seen.

    Args:
        chain: Valleys of the runs, one link for each schedule and horizon.
        schedule: Name of the schedule.
        horizon: Horizon of the runs.
        has_law: Whether a law says where the optimum is.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> chain = find_chain(observe(example_runs(horizons=[1])))
        >>> all_tie(chain, "constant", 1, has_law=False)
        False
    """
    here = link_at(chain, schedule, horizon)
    if here is not None and len(here.losses.x) >= _MIN_RATES:
        return here.losses.is_flat
    if has_law:
        return False

    seen = [link.losses for link in chain.links if len(link.losses.x) >= _MIN_RATES]
    return any(losses.is_flat for losses in seen)


def nothing_learned(chain: Chain, schedule: str, since: float) -> bool:
    """Whether no run has learned anything, neither at a horizon nor at 1.5 times that or more.

    Runs that sit on a plateau still differ by a little, so they seem to have an optimum. But where
    they leave the plateau is unseen. See `optuna_kappa.law.stages`. Runs that learn slowly, as in
    the further training of a good model, gain little as well, but longer ones gain more.

    Args:
        chain: Valleys of the runs, one link for each schedule and horizon.
        schedule: Name of the schedule.
        since: Horizon of the shortest probes, which cover the range of learning rates.

    Returns:
        False, too, as long as no run was seen at 1.5 times that horizon or more.

    Example:
        >>> from optuna_kappa.law.observations import observe
        >>> from optuna_kappa.law.optimum import find_chain
        >>> from optuna_kappa.runs import example_runs
        >>> chain = find_chain(observe(example_runs(horizons=[1, 4])))
        >>> nothing_learned(chain, "constant", since=1)
        False
    """
    first = link_at(chain, schedule, since)
    if first is None:
        return False

    seen = _from(chain, schedule, first.seen.horizon)
    if max(one.horizon for one in seen) < _LONGER * first.seen.horizon:
        return False

    start = start_of(first.seen)
    at_first = start - lowest_of(first.seen)
    gained = start - min(map(lowest_of, seen))
    return gained <= LEARNED * abs(start) and gained <= _GROWN * at_first


def too_high(chain: Chain, schedule: str, since: float) -> float:
    """The lowest ln lr from which on all runs are well above a plateau, or diverged.

    Args:
        chain: Valleys of the runs, one link for each schedule and horizon.
        schedule: Name of the schedule.
        since: Horizon of the shortest probes, which cover the range of learning rates.

    Returns:
        Infinity if there is none.
    """
    first = link_at(chain, schedule, since)
    if first is None:
        return math.inf

    start = start_of(first.seen)
    fine = -math.inf
    worse: list[float] = []
    for seen in _from(chain, schedule, first.seen.horizon):
        is_worse = ~(seen.loss - start <= _ABOVE * abs(start))
        fine = max(fine, float(seen.ln_lr[~is_worse].max(initial=-math.inf)))
        worse += seen.ln_lr[is_worse].tolist()
    return min((ln_lr for ln_lr in worse if ln_lr > fine), default=math.inf)


def _from(chain: Chain, schedule: str, horizon: float) -> list[Observations]:
    """What was seen under a schedule from a horizon on."""
    seen = [link.seen for link in chain.links if link.seen.schedule == schedule]
    return [one for one in seen if one.horizon >= horizon]
