"""Whether the runs of a horizon have located its optimum, or have told nothing so far."""

from __future__ import annotations

import math

from optuna_kappa.law.optimum import Chain
from optuna_kappa.search.surrogate import link_at

_MIN_RATES = 3  # learning rates that locate an optimum

# Losses that differ by a smaller part of themselves count as equal.
CONTRAST = 0.01


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
