"""The data of the figure of cumulative learning: the integral of each trial's rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.schedules import AnySchedule, find_schedule
from optuna_kappa.study.plans import plan_of
from optuna_kappa.visualization import marks
from optuna_kappa.visualization.kappa_info import predicted_kappa
from optuna_kappa.visualization.outcomes import Outcome, Ran, is_full_run, ran
from optuna_kappa.visualization.searched import Searched

MOST_CURVES = 60  # of each outcome
_N_POINTS = 12  # of a curve
_N_GRID = 2001  # points of the integral of a schedule
_EARLIEST = 0.005  # the axis starts at this fraction of the longest run, if no trial ended earlier


class Curve(NamedTuple):
    """Cumulative learning of one trial.

    Attributes:
        trial: Number of the trial.
        lr: Its learning rate.
        step: Steps, ascending; the last one is where it ended, or has come to.
        kappa: Integral of the rate up to each of them.
        value: Its value at the last of them; None without a finite one.

    Example:
        >>> Curve(3, lr=0.5, step=[1, 8], kappa=[0.5, 4.0], value=0.9).kappa[-1]
        4.0
    """

    trial: int
    lr: float
    step: list[float]
    kappa: list[float]
    value: float | None


class CumulativeInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        curves: By outcome, the curves that are shown, by their trials' numbers.
        counts: By outcome, how many trials have a curve, shown or not.
        best: Number of the best full run.
        optimum: Kappa of the best full run as the law expects it, with its 90 % interval; None if
            there is no law yet.
        shapeless: Number of trials whose schedule has no known shape.
        horizon: Steps of a full run; 0 where nothing tells.

    Example:
        >>> CumulativeInfo({}, {}, best=None, optimum=None, shapeless=2, horizon=8).shapeless
        2
    """

    curves: dict[Outcome, list[Curve]]
    counts: dict[Outcome, int]
    best: int | None
    optimum: tuple[float, float, float] | None
    shapeless: int
    horizon: int


def get_cumulative_info(known: Searched) -> CumulativeInfo:
    """What the figure shows of a study.

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> study = optuna.create_study()
        >>> lr = {"lr": optuna.distributions.FloatDistribution(0.001, 1.0)}
        >>> trial = optuna.create_trial(
        ...     value=1.0, params={"lr": 0.25}, distributions=lr, intermediate_values={8: 1.0}
        ... )
        >>> study.add_trial(trial)
        >>> get_cumulative_info(searched(study)).curves["complete"][0].kappa[-1]
        2.0
    """
    trained = [one for one in ran(known) if one.lr is not None and one.trained > 0]
    shapes = _shapes(known)

    by_outcome: dict[Outcome, list[Ran]] = {}
    shapeless = 0
    for one in trained:
        if shapes[one.trial] is None:
            shapeless += 1
        else:
            by_outcome.setdefault(one.outcome, []).append(one)

    best = _best(by_outcome.get("complete", []), known)
    first = _first_step(trained)
    integrals = _Integrals()
    curves = {}
    for outcome, of_outcome in by_outcome.items():
        keep = [i for i, one in enumerate(of_outcome) if one.trial == best]
        chosen = [of_outcome[i] for i in marks.thin(len(of_outcome), keep, MOST_CURVES)]
        curves[outcome] = [
            _curve(one, shape, first, integrals)
            for one in chosen
            if (shape := shapes[one.trial]) is not None
        ]

    return CumulativeInfo(
        curves=curves,
        counts={outcome: len(of_outcome) for outcome, of_outcome in by_outcome.items()},
        best=best,
        optimum=predicted_kappa(known),
        shapeless=shapeless,
        horizon=known.horizon,
    )


def _shapes(known: Searched) -> dict[int, AnySchedule | None]:
    """The schedule of each trial by its number; None where only its name is known."""
    found: dict[str, AnySchedule | None] = {known.schedule: known.shape}
    shapes = {}
    for trial in known.trials:
        plan = plan_of(trial)
        name = plan.schedule if plan else known.schedule
        if name not in found:
            found[name] = find_schedule(name)
        shapes[trial.number] = found[name]

    return shapes


def _best(complete: list[Ran], known: Searched) -> int | None:
    """Number of the best full run."""
    full = []
    for one in complete:
        if one.value is not None and is_full_run(one, known.horizon):
            full.append((known.sign * one.value, one.trial))
    return min(full)[1] if full else None


def _first_step(trained: list[Ran]) -> float:
    """The step at which the axis starts. One step of a very long run would take most of it."""
    lasts = [one.trained for one in trained]
    if not lasts:
        return 1.0
    return max(min(lasts) / 2, _EARLIEST * max(lasts))


class _Integrals:
    """Integrals of schedules over the fraction of the horizon done, each computed once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[Floats, Floats]] = {}

    def upto(self, p: Floats, shape: AnySchedule, horizon: int) -> Floats:
        """The integral of the shape from 0 to p, in units of the horizon."""
        key = shape.name, horizon
        if key not in self._known:
            grid = np.linspace(0.0, 1.0, _N_GRID)
            heights = shape.resolve(horizon)(grid)
            areas = (heights[1:] + heights[:-1]) / 2 * np.diff(grid)
            self._known[key] = grid, np.concatenate([[0.0], np.cumsum(areas)])

        grid, integral = self._known[key]
        # A run that goes on beyond its plan keeps its last rate, as torch's schedulers do.
        beyond = np.maximum(p - 1.0, 0.0) * float(shape.resolve(horizon)(1.0))
        inside: Floats = np.interp(p, grid, integral)
        return inside + beyond


def _curve(one: Ran, shape: AnySchedule, first: float, integrals: _Integrals) -> Curve:
    """Cumulative learning of a trial, at steps that are evenly spaced on a log axis."""
    assert one.lr is not None
    start = min(first, one.trained)
    steps = np.unique(np.geomspace(start, one.trained, _N_POINTS))
    if shape.name == "constant":
        steps = steps[[0, -1]] if len(steps) > 1 else steps

    integral = integrals.upto(steps / one.planned, shape, one.planned)
    return Curve(
        trial=one.trial,
        lr=one.lr,
        step=marks.rounded(steps.tolist()),
        kappa=marks.rounded((one.lr * one.planned * integral).tolist()),
        value=one.value,
    )
