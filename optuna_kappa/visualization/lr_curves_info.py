"""The data of the figure of loss over learning rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa.law import Law
from optuna_kappa.law.observations import Observations, observe
from optuna_kappa.runs import RunTable
from optuna_kappa.visualization import marks
from optuna_kappa.visualization.searched import Searched

_MOST_POINTS = 100  # of a curve


class Curve(NamedTuple):
    """The values at one horizon.

    Attributes:
        horizon: The horizon.
        lr: Learning rates, ascending.
        value: Mean value of the runs with each of them, in the direction of the study.
        optimum: Learning rate and value at the optimum that the law has there; None without one.

    Example:
        >>> Curve(8.0, lr=[0.1, 0.2], value=[0.5, 0.4], optimum=None).horizon
        8.0
    """

    horizon: float
    lr: list[float]
    value: list[float]
    optimum: tuple[float, float] | None


class LrCurvesInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        curves: One for each horizon that is shown, ascending.
        diverged: Learning rates of runs that diverged, each with the shortest horizon by which one
            had.
        schedule: Name of the schedule whose runs are shown.
        schedules: All schedules that the runs have.
        n_horizons: Horizons of this schedule, shown or not.
        unit: Unit of the horizons.
        maximize: Whether high values are good.
        adjusted: Whether other parameters vary, whose effects are taken out.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> info = get_lr_curves_info(example_runs(), None, "constant", 2, "samples")
        >>> [curve.horizon for curve in info.curves], info.n_horizons
        ([1.0, 64.0], 4)
    """

    curves: list[Curve]
    diverged: list[tuple[float, float]]
    schedule: str
    schedules: list[str]
    n_horizons: int
    unit: str
    maximize: bool
    adjusted: bool


def get_lr_curves_info_of_study(
    known: Searched,
    schedule: str | None = None,
    max_horizons: int = 8,
    unit: str = "steps",
) -> LrCurvesInfo:
    """What the figure shows of a study.

    Args:
        known: The study.
        schedule: Name of the schedule whose runs are shown. By default that of full runs.
        max_horizons: Largest number of curves.
        unit: Unit of its steps.

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> get_lr_curves_info_of_study(searched(optuna.create_study())).curves
        []
    """
    shown = schedule or known.schedule
    info = get_lr_curves_info(known.runs, known.law, shown, max_horizons, unit)
    return _in_direction(info, known.sign)._replace(adjusted=bool(known.varied))


def _in_direction(info: LrCurvesInfo, sign: float) -> LrCurvesInfo:
    """The losses as values of the study."""
    if sign > 0:
        return info

    curves = []
    for curve in info.curves:
        optimum = curve.optimum and (curve.optimum[0], -curve.optimum[1])
        values = [-loss for loss in curve.value]
        curves.append(curve._replace(value=values, optimum=optimum))
    return info._replace(curves=curves, maximize=True)


def get_lr_curves_info(
    runs: RunTable,
    law: Law | None,
    schedule: str,
    max_horizons: int,
    unit: str,
) -> LrCurvesInfo:
    """What the figure shows of a run table.

    Args:
        runs: The run table.
        law: Law fitted to it, whose optima are marked.
        schedule: Name of the schedule whose runs are shown.
        max_horizons: Largest number of curves.
        unit: Unit of the horizons.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> info = get_lr_curves_info(example_runs(), None, "constant", 8, "samples")
        >>> [curve.horizon for curve in info.curves]
        [1.0, 4.0, 16.0, 64.0]
    """
    observed = [seen for seen in observe(runs) if seen.schedule == schedule]

    # Count from the largest horizon down, so that a single curve shows the largest one.
    places = np.linspace(len(observed) - 1, 0, min(len(observed), max_horizons)).round()
    shown = [observed[int(place)] for place in places[::-1]]

    return LrCurvesInfo(
        curves=[_curve(seen, law) for seen in shown],
        diverged=_diverged(shown),
        schedule=schedule,
        schedules=np.unique(runs.schedule).tolist(),
        n_horizons=len(observed),
        unit=unit,
        maximize=False,
        adjusted=False,
    )


def _curve(seen: Observations, law: Law | None) -> Curve:
    """Mean loss at each learning rate, without the runs that diverged."""
    finite = np.isfinite(seen.loss)
    ln_lr, index = np.unique(seen.ln_lr[finite], return_inverse=True)
    total = np.bincount(index, weights=seen.loss[finite])
    loss = total / np.bincount(index)

    optimum = None
    ln_lr_of_optimum = _ln_lr_of_optimum(seen, law)
    if ln_lr_of_optimum is not None:
        loss_there = float(np.interp(ln_lr_of_optimum, ln_lr, loss))
        optimum = (float(np.exp(ln_lr_of_optimum)), loss_there)

    best = int(np.argmin(loss))
    shown = marks.thin(len(loss), [best], _MOST_POINTS)
    return Curve(
        horizon=seen.horizon,
        lr=np.exp(ln_lr[shown]).tolist(),
        value=loss[shown].tolist(),
        optimum=optimum,
    )


def _ln_lr_of_optimum(seen: Observations, law: Law | None) -> float | None:
    """The law's optimum at the horizon and schedule of a curve; None if it has none there."""
    for optimum in law.optima if law else ():
        same_schedule = optimum.schedule == seen.schedule
        if same_schedule and np.isclose(optimum.horizon, seen.horizon):
            return optimum.ln_lr

    return None


def _diverged(shown: list[Observations]) -> list[tuple[float, float]]:
    shortest: dict[float, float] = {}
    for seen in shown:
        for lr in np.exp(seen.ln_lr[~np.isfinite(seen.loss)]):
            shortest.setdefault(float(lr), seen.horizon)

    return sorted(shortest.items())
