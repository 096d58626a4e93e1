"""Curves of runs that follow a schedule, known by its name, a peak rate and a horizon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa._validation import POSITIVE
from optuna_kappa.psi.curve import Curve
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule, find_schedule

_N_PLACES = 40  # twice as many change losses by less than a thousandth
_CROWDING = 1.5  # above 1, places are closer where a run ends and its rate falls fast
PLACES = 1 - (np.arange(_N_PLACES)[::-1] / _N_PLACES) ** _CROWDING
"""Parts of a run, ascending to 1, at which its rate is looked at."""

LEAST_RATE = 1e-3  # a share of the peak; the law takes logarithms of rates
_JUST_BEFORE = 1e-6  # part of a run
_FROM = 1 / 16  # rates that are kept, over the best one of the same schedule and horizon ...
_TO = 4.0  # ... and up to this; much higher, training diverges, for which the law has no term
_MOST_CURVES = 36  # more cost time and tell little
_ROUNDING = 1e-8  # two steps closer than this share of the horizon are one


def planned(
    schedule: AnySchedule,
    lr: float,
    horizon: float,
    steps: Sequence[float] | Floats = (),
    losses: Sequence[float] | Floats = (),
    name: str = "",
) -> Curve:
    """Curve of a run along a schedule, with the losses that were measured, if any.

    Args:
        schedule: Shape of the rate. Its name is that of the curve by default.
        lr: Base learning rate, above 0.
        horizon: Data of the whole run, above 0.
        steps: Data seen where losses were measured, above 0 and ascending.
        losses: The losses there.
        name: Name of the curve.

    Raises:
        ValueError: If lr or the horizon is not above 0, or a loss is not positive.

    Example:
        >>> from optuna_kappa.schedules import linear
        >>> curve = planned(linear(), lr=0.1, horizon=100, steps=[50], losses=[2.0])
        >>> round(float(curve.kappa[-1]), 1), curve.loss[curve.measured].tolist()
        (5.0, [2.0])
    """
    lr = POSITIVE.check("lr", lr, "it is the base learning rate")
    horizon = POSITIVE.check("horizon", horizon, "it is the data of the whole run")
    shape = schedule.resolve(horizon)
    measured = np.asarray(steps, dtype=float)

    # A jump becomes a steep fall, from a place that is just before its knot.
    knots = np.array(shape.knots)
    places = np.union1d(PLACES, np.concatenate([knots - _JUST_BEFORE, knots]))
    places = places[places > 0]
    apart = np.abs(places[:, None] - measured / horizon).min(axis=1, initial=1) > _ROUNDING
    step = np.unique(np.concatenate([places[apart] * horizon, measured]))

    loss = np.full(len(step), np.nan)
    loss[np.searchsorted(step, measured)] = losses
    rate = lr * shape(np.minimum(step / horizon, 1.0))
    rate = np.maximum(rate, LEAST_RATE * lr)
    return Curve(name or shape.name, step, rate, loss, warmup=0, smooth=True)


def curves_of(runs: RunTable) -> tuple[list[Curve], str]:
    """Curves of the runs of a table that a law can be fitted to, and what was left out.

    Losses of runs that differ in nothing but the seed are averaged. Runs whose rate is far from
    the best one of their schedule and horizon are left out, and so are runs that diverged.

    Args:
        runs: Runs of one model; the shapes of their schedules must be known.

    Raises:
        ValueError: If no run can be used.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> curves, note = curves_of(example_runs())
        >>> len(curves), note
        (16, '8 of 24 plans are not fitted: far from the best rate, or too many')
    """
    plans = _plans(runs)
    best: dict[tuple[str, float], tuple[float, float]] = {}
    for (schedule, lr, horizon), losses in plans.items():
        last = losses[max(losses)]
        best[schedule, horizon] = min(best.get((schedule, horizon), (np.inf, lr)), (last, lr))

    near = []
    for (schedule, lr, horizon), losses in plans.items():
        factor = lr / best[schedule, horizon][1]
        if _FROM <= factor * (1 + _ROUNDING) and factor <= _TO * (1 + _ROUNDING):
            near.append((schedule, lr, horizon, losses))

    # Evenly spaced among all of them, so that each schedule and horizon keeps some.
    keep = np.unique(np.linspace(0, len(near) - 1, _MOST_CURVES).round().astype(int))
    chosen = near if len(near) <= _MOST_CURVES else [near[row] for row in keep]
    curves = []
    for schedule, lr, horizon, losses in chosen:
        shape = find_schedule(schedule)
        assert shape is not None  # _plans leaves out the others
        steps = sorted(losses)
        name = f"{schedule}, lr {lr:.3g}, horizon {horizon:.4g}"
        curves.append(planned(shape, lr, horizon, steps, [losses[at] for at in steps], name))

    left = len(plans) - len(chosen)
    note = f"{left} of {len(plans)} plans are not fitted: far from the best rate, or too many"
    return curves, note if left else ""


def _plans(runs: RunTable) -> dict[tuple[str, float, float], dict[float, float]]:
    """Mean loss at each step of the runs that trained, by schedule, rate and horizon."""
    usable = np.isfinite(runs.loss) & (runs.loss > 0) & (runs.step > 0)
    unusable = set(runs.run[~usable & (runs.step > 0)].tolist())
    known = {name for name in set(runs.schedule.tolist()) if find_schedule(name) is not None}

    sums: dict[tuple[str, float, float], dict[float, list[float]]] = {}
    columns = (runs.run, runs.schedule, runs.lr, runs.horizon, runs.step, runs.loss)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for run, schedule, lr, horizon, step, loss in rows:
        if run not in unusable and schedule in known and step > 0:
            plan = sums.setdefault((schedule, lr, horizon), {})
            plan.setdefault(step, []).append(loss)

    if not sums:
        raise ValueError(
            "no run can be used: a run needs a schedule whose shape is known, and losses that are "
            "positive and finite."
        )
    means = {}
    for key in sorted(sums):
        means[key] = {step: float(np.mean(losses)) for step, losses in sums[key].items()}
    return means
