"""What is hidden in a backtest, and what is left of the runs then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optuna_kappa.regret import Recorded, horizons, is_constant, recorded
from optuna_kappa.runs import RunTable

APART = 1.2  # what is fitted lies below the hidden horizon by at least this factor
_CUT = 2.0  # where constant-rate curves are of one length, they are cut at this part of it
MIN_HIDDEN = 4  # learning rates: fewer make no curve
MIN_FITTED = 3  # learning rates that the law needs to begin
SAME = 1e-6  # two horizons this close are one


class Unusable(Exception):
    """Why a group cannot be used."""


def check(hide: float | None, fit_up_to: float | None) -> None:
    """Checks the horizon to hide, and the largest one to fit to.

    Raises:
        ValueError: One is not positive, or they are too close.
    """
    for name, value in (("hide", hide), ("fit_up_to", fit_up_to)):
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive finite horizon, but is {value:g}")
    if hide is not None and fit_up_to is not None and fit_up_to * APART > hide * (1 + SAME):
        raise ValueError(
            f"fit_up_to must be at most {hide / APART:g}, a factor {APART} below the hidden "
            f"horizon {hide:g}, but is {fit_up_to:g}"
        )


def target(own: RunTable, hide: float | None) -> Recorded:
    """What was recorded at the horizon to hide."""
    found = largest(own, MIN_HIDDEN) if hide is None else recorded(own, hide)
    if found is None or found.n_finite < MIN_HIDDEN:
        where = "any horizon" if hide is None else f"{hide:g}, the horizon to hide"
        seen = ", ".join(f"{horizon:g}" for horizon in horizons(own)[:6]) or "none"
        raise Unusable(
            f"fewer than {MIN_HIDDEN} learning rates have a finite loss at {where}; the largest "
            f"horizons: {seen}"
        )
    return found


def limit(own: RunTable, hidden: float, fit_up_to: float | None) -> float:
    """The largest horizon that may be fitted to."""
    highest = hidden / APART * (1 + SAME)
    if fit_up_to is not None:
        if fit_up_to > highest:
            raise Unusable(f"{hidden:g} is hidden, less than a factor {APART} above {fit_up_to:g}")
        return fit_up_to
    for horizon in sorted(set(own.horizon[own.horizon <= highest].tolist()), reverse=True):
        found = recorded(own, horizon)
        if found is not None and found.n_finite >= MIN_FITTED:
            return float(horizon)
    if is_constant(str(own.schedule[0])):
        return hidden / _CUT
    raise Unusable(
        f"no horizon below the largest has {MIN_FITTED} learning rates (only runs whose schedule "
        "is 'constant' count at shorter horizons too)"
    )


def up_to(runs: RunTable, limit: float) -> RunTable:
    """Runs as if nothing had been trained beyond a horizon."""
    end = limit * (1 + SAME)
    constant = [name for name in set(runs.schedule.tolist()) if is_constant(name)]
    cut = np.isin(runs.schedule, constant)
    visible = runs.where(np.where(cut, runs.step, runs.horizon) <= end)
    # Nor may it be known how long a run was planned to be.
    return replace(visible, horizon=np.minimum(visible.horizon, end))


def largest(runs: RunTable, n_lrs: int) -> Recorded | None:
    """What was recorded at the largest horizon with so many learning rates."""
    for horizon in horizons(runs):
        found = recorded(runs, horizon)
        if found is not None and found.n_finite >= n_lrs:
            return found
    return None
