"""What a backtest holds out, and what is left of the runs then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optuna_kappa.backtest.recorded import Recorded, RecordedRuns
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.table import SAME_HORIZON
from optuna_kappa.schedules import is_constant

APART = 1.2  # what is fitted lies below the hidden horizon by at least this factor
_CUT = 2.0  # where constant-rate curves are of one length, they are cut at this part of it
_END = 1 + SAME_HORIZON  # factor up to which a horizon counts as one below the limit
MIN_HIDDEN = 4  # learning rates: fewer make no curve
MIN_FITTED = 3  # learning rates that the law needs to begin


class Unusable(Exception):
    """Why a group cannot be used."""


def check(hide: float | None, fit_up_to: float | None) -> None:
    """Check the horizon to hide, and the largest one to fit to.

    Raises:
        ValueError: One is not positive, or they are too close.
    """
    for name, value in (("hide", hide), ("fit_up_to", fit_up_to)):
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive finite horizon, but is {value:g}")
    if hide is not None and fit_up_to is not None and fit_up_to * APART > hide * _END:
        raise ValueError(
            f"fit_up_to must be at most {hide / APART:g}, a factor {APART} below the hidden "
            f"horizon {hide:g}, but is {fit_up_to:g}"
        )


def target(own: RecordedRuns, hide: float | None) -> Recorded:
    """What was recorded at the horizon to hide.

    Args:
        own: Runs of one schedule.
        hide: The horizon to hide; by default the largest with enough learning rates.

    Raises:
        Unusable: There are too few learning rates.
    """
    found = own.largest(MIN_HIDDEN) if hide is None else own.at(hide)
    if found is None or found.n_finite < MIN_HIDDEN:
        where = "any horizon" if hide is None else f"{hide:g}, the horizon to hide"
        seen = ", ".join(f"{horizon:g}" for horizon in own.horizons[:6]) or "none"
        raise Unusable(
            f"fewer than {MIN_HIDDEN} learning rates have a finite loss at {where}; the largest "
            f"horizons: {seen}"
        )
    return found


def limit(own: RecordedRuns, hidden: float, fit_up_to: float | None) -> float:
    """The largest horizon that may be fitted to.

    Args:
        own: Runs of one schedule.
        hidden: The hidden horizon.
        fit_up_to: The limit, if the caller has one.

    Raises:
        Unusable: Nothing is far enough below the hidden horizon.
    """
    highest = hidden / APART * _END
    if fit_up_to is not None:
        if fit_up_to > highest:
            raise Unusable(f"{hidden:g} is hidden, less than a factor {APART} above {fit_up_to:g}")
        return fit_up_to

    planned = own.runs.horizon
    for horizon in sorted(set(planned[planned <= highest].tolist()), reverse=True):
        found = own.at(horizon)
        if found is not None and found.n_finite >= MIN_FITTED:
            return float(horizon)
    if own.is_constant:
        return hidden / _CUT
    raise Unusable(
        f"no horizon below the largest has {MIN_FITTED} learning rates (only runs whose schedule "
        "is 'constant' count at shorter horizons too)"
    )


def up_to(runs: RunTable, limit: float) -> RunTable:
    """Runs as if nothing had been trained beyond a horizon."""
    end = limit * _END
    constant = [name for name in set(runs.schedule.tolist()) if is_constant(name)]
    cut = np.isin(runs.schedule, constant)
    visible = runs.where(np.where(cut, runs.step, runs.horizon) <= end)
    # Hide the planned length as well.
    return replace(visible, horizon=np.minimum(visible.horizon, end))
