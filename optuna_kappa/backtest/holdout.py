"""What a backtest hides, and what remains of the runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optuna_kappa._validation import POSITIVE
from optuna_kappa.backtest.recorded import Recorded, RecordedRuns
from optuna_kappa.law.horizons import SAME_PLAN
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.table import SAME_HORIZON
from optuna_kappa.schedules import is_constant

APART = 1.2  # the runs to fit to lie below the hidden horizon by at least this factor
_CUT = 2.0  # constant-rate curves that are all of one length are cut at the hidden horizon / _CUT
_END = 1 + SAME_HORIZON  # a horizon up to this factor above a limit still counts as the limit
MIN_HIDDEN = 4  # learning rates at the hidden horizon: fewer do not make a curve
MIN_FITTED = 3  # learning rates at the largest horizon to fit to: the law needs them to begin


class Unusable(Exception):
    """Why a group cannot be used.

    Example:
        >>> raise Unusable("there is only one learning rate")
        Traceback (most recent call last):
        optuna_kappa.backtest.holdout.Unusable: there is only one learning rate
    """


def check_horizons(hide: float | None, fit_up_to: float | None) -> None:
    """Check the horizon to hide, and the largest one to fit to.

    Raises:
        ValueError: One is not positive, or they are too close.

    Example:
        >>> check_horizons(hide=64, fit_up_to=60)
        Traceback (most recent call last):
        ValueError: fit_up_to must be at most 53.3333, a factor 1.2 below the hidden horizon ...
    """
    for name, value in (("hide", hide), ("fit_up_to", fit_up_to)):
        if value is not None:
            POSITIVE.check(name, value, "it is a horizon, in the unit of the runs")

    if hide is None or fit_up_to is None:
        return

    if fit_up_to * APART > hide * _END:
        raise ValueError(
            f"fit_up_to must be at most {hide / APART:g}, a factor {APART} below the hidden "
            f"horizon {hide:g}, but is {fit_up_to:g}"
        )


def hidden_losses(runs: RecordedRuns, hide: float | None) -> Recorded:
    """Losses that were recorded at the horizon to hide.

    Args:
        runs: Runs of one schedule.
        hide: The horizon to hide; by default the largest with enough learning rates.

    Raises:
        Unusable: There are too few learning rates.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> hidden_losses(RecordedRuns(example_runs()), hide=None).horizon
        64.0
    """
    losses = runs.largest(MIN_HIDDEN) if hide is None else runs.at(hide)
    if losses is not None and losses.n_finite >= MIN_HIDDEN:
        return losses

    where = "any horizon" if hide is None else f"{hide:g}, the horizon to hide"
    largest = ", ".join(f"{horizon:g}" for horizon in runs.horizons[:6]) or "none"
    raise Unusable(
        f"fewer than {MIN_HIDDEN} learning rates have a finite loss at {where}; the largest "
        f"horizons: {largest}"
    )


def fitting_limit(runs: RecordedRuns, hidden: float, fit_up_to: float | None) -> float:
    """The largest horizon that may be fitted to.

    Args:
        runs: Runs of one schedule.
        hidden: The hidden horizon.
        fit_up_to: The limit, if the caller has one.

    Raises:
        Unusable: Nothing is far enough below the hidden horizon.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> fitting_limit(RecordedRuns(example_runs()), hidden=64.0, fit_up_to=None)
        16.0
    """
    highest = hidden / APART * _END
    if fit_up_to is not None:
        if fit_up_to > highest:
            raise Unusable(f"{hidden:g} is hidden, less than a factor {APART} above {fit_up_to:g}")
        return fit_up_to

    planned = runs.runs.horizon
    candidates = set(planned[planned <= highest].tolist())
    for horizon in sorted(candidates, reverse=True):
        losses = runs.at(horizon)
        if losses is not None and losses.n_finite >= MIN_FITTED:
            return float(horizon)

    # All curves are of one length. Each shows its loss at every shorter horizon, so cut them.
    if runs.is_constant:
        return hidden / _CUT

    raise Unusable(
        f"no horizon below the largest has {MIN_FITTED} learning rates (only runs whose schedule "
        "is 'constant' count at shorter horizons too)"
    )


def truncate(runs: RunTable, horizon: float) -> RunTable:
    """The runs as if nothing had been trained beyond a horizon.

    Constant-rate runs are cut there; runs of other schedules that were planned for more are left
    out.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> visible = truncate(example_runs(horizons=[1, 4, 16]), horizon=4)
        >>> sorted(set(visible.horizon.tolist()))
        [1.0, 4.0]
    """
    end = horizon * _END
    schedules = set(runs.schedule.tolist())
    constant = [name for name in schedules if is_constant(name)]

    can_be_cut = np.isin(runs.schedule, constant)
    is_visible = np.where(
        can_be_cut,
        runs.step <= end,
        runs.horizon <= horizon * SAME_PLAN,
    )
    visible = runs.where(is_visible)

    # Hide the planned length as well. A scheduled run's differs from the limit by rounding only.
    was_cut = can_be_cut[is_visible]
    planned = np.where(was_cut, np.minimum(visible.horizon, end), visible.horizon)
    return replace(visible, horizon=planned)
