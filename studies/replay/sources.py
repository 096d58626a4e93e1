"""Make sources that mislead: recorded losses of shorter runs, changed in a known way.

A source is a table of runs that a `KappaSampler` starts from. It is made of the losses that were
recorded at horizons up to a third of the target, which is as far as probes reach:

    right                  as recorded
    x1/30, x1/4, x4, x30   all learning rates times this factor
    slope1                 up to a 24th of the target; the learning rates of each horizon are
                           multiplied by a factor such that the optimum is proportional to
                           1 / horizon; those of the largest horizon stay
    flat                   the same, but such that the optimum is equal at all horizons
    schedule               as recorded, but labelled with another schedule
    others                 the runs of another table, labelled with the target's schedule

Each source is either confident or vague. A confident source has all recorded runs of all these
horizons. A vague source has a few learning rates at two short horizons, with one run each; it
differs between the seeds of a search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from optuna_kappa import RunTable
from optuna_kappa._typing import Floats
from optuna_kappa.backtest.holdout import truncate
from optuna_kappa.law.observations import Observations, observe
from optuna_kappa.law.optimum import find_optima
from optuna_kappa.schedules import constant
from studies.replay.table import Prepared
from studies.replay.workers import Sources

RIGHT = "right"
FACTORS = {
    RIGHT: 1.0,
    "x1/30": 1 / 30,
    "x1/4": 1 / 4,
    "x4": 4.0,
    "x30": 30.0,
}
SLOPES = {"slope1": 1.0, "flat": 0.0}
SCHEDULE = "schedule"
VAGUE = "vague-"
_LONGEST = 3  # sources, like probes, reach at most the target divided by this
_STEEP = 24  # the same for a wrong slope: the farther from the target, the more it misleads
_SHORT = (2, 8)  # a vague source has the horizons nearest to the longest divided by these
_N_LRS = 5  # most learning rates at each of these horizons
_PERIODS = 24  # periods in the target of the schedule that constant runs are labelled with


def scenarios(made: Prepared, others: Mapping[str, Prepared]) -> dict[str, Sources]:
    """Make the sources of all scenarios, by name, the confident ones first.

    A scenario with a wrong slope is left out unless optima are known at two horizons or more up to
    a 24th of the target.

    Args:
        made: The target.
        others: Other tables, with data in the same steps, by the names of their scenarios.

    Raises:
        ValueError: More than the learning rate is searched, or a table has no shorter runs.
    """
    if len(made.objective.space) > 1:
        raise ValueError(
            "the runs differ in more than their learning rates; choose by --where, since a source "
            "misleads about the learning rate alone"
        )

    horizon = made.objective.horizon
    schedule = made.objective.schedule.name
    seen = observed(made, horizon)

    losses = _changed(seen, horizon)
    for name, table in others.items():
        losses[name] = observed(table, horizon)

    labelled = {name: (observations, schedule) for name, observations in losses.items()}
    labelled[SCHEDULE] = seen, _another(schedule, horizon)

    sources: dict[str, Sources] = {}
    for name, (observations, label) in labelled.items():
        sources[name] = partial(_confident, as_runs(observations, label))
    for name, (observations, label) in labelled.items():
        sources[VAGUE + name] = partial(_vague, _short(observations), label)

    return sources


def _changed(seen: Sequence[Observations], horizon: float) -> dict[str, list[Observations]]:
    """The observations changed by each factor and each slope, by scenario."""
    losses = {name: scaled(seen, factor) for name, factor in FACTORS.items()}

    early = [one for one in seen if one.horizon <= horizon / _STEEP]
    if len(find_optima(early)) > 1:
        for name, slope in SLOPES.items():
            losses[name] = sloped(early, slope)

    return losses


def observed(made: Prepared, horizon: float) -> list[Observations]:
    """Return what was recorded up to a third of a horizon, as runs of those horizons.

    Args:
        made: A table.
        horizon: Target horizon, in steps.

    Raises:
        ValueError: Nothing was recorded there.
    """
    runs = made.runs
    if made.prefix:
        # The beginning of a run is then a run too, whatever its schedule. `observe` reads runs of
        # constant rate that way.
        schedule = np.full(len(runs), constant().name)
        runs = replace(runs, schedule=schedule)

    observations = observe(truncate(runs, horizon / _LONGEST))
    if not find_optima(observations):
        raise ValueError(
            f"the table has no {made.schedule} runs up to a third of the target, {horizon:g} "
            "steps, to make a source of"
        )

    return observations


def scaled(seen: Sequence[Observations], factor: float) -> list[Observations]:
    """Return the same losses, with all learning rates multiplied by a factor."""
    return [replace(one, ln_lr=one.ln_lr + np.log(factor)) for one in seen]


def sloped(seen: Sequence[Observations], slope: float) -> list[Observations]:
    """Return the same losses, moved such that the optima have a slope -d ln lr / d ln horizon.

    Horizons without an optimum are left out. The optimum of the largest horizon stays.

    Args:
        seen: Observations, one for each horizon.
        slope: The slope.
    """
    optima = {optimum.horizon: optimum.ln_lr for optimum in find_optima(seen)}
    last = max(optima)

    moved = []
    for one in seen:
        if one.horizon in optima:
            wanted = optima[last] + slope * np.log(last / one.horizon)
            ln_lr = one.ln_lr + wanted - optima[one.horizon]
            moved.append(replace(one, ln_lr=ln_lr))

    return moved


def as_runs(seen: Sequence[Observations], schedule: str) -> RunTable:
    """Turn observations into runs with one report each, at their own horizon.

    Args:
        seen: Observations, one for each horizon.
        schedule: Schedule that the runs are labelled with.
    """
    horizons = [one.horizon for one in seen]
    counts = [len(one.loss) for one in seen]
    horizon = np.repeat(horizons, counts)
    ln_lr = np.concatenate([one.ln_lr for one in seen])

    return RunTable.from_columns(
        {
            "run": np.arange(len(horizon)),
            "lr": np.exp(ln_lr),
            "schedule": np.full(len(horizon), schedule),
            "horizon": horizon,
            "step": horizon,
            "loss": np.concatenate([one.loss for one in seen]),
        }
    )


def _confident(runs: RunTable, seed: int) -> Sequence[RunTable]:
    return (runs,)


def _vague(
    seen: Sequence[Observations],
    schedule: str,
    seed: int,
) -> Sequence[RunTable]:
    rng = np.random.default_rng(seed)
    few = [_thinned(one, rng) for one in seen]
    return (as_runs(few, schedule),)


def _short(seen: Sequence[Observations]) -> list[Observations]:
    """The observations at the horizons nearest to `_SHORT`."""
    horizons = np.array([one.horizon for one in seen])
    ratios = max(one.horizon for one in seen) / horizons

    nearest = set()
    for wanted in _SHORT:
        distances = np.abs(np.log(ratios / wanted))
        nearest.add(int(np.argmin(distances)))

    return [seen[i] for i in sorted(nearest)]


def _thinned(seen: Observations, rng: np.random.Generator) -> Observations:
    """One run of each of a few learning rates, evenly spaced over all of them."""
    lrs = np.unique(seen.ln_lr)
    spacing = -(-len(lrs) // _N_LRS)  # rounded up
    few: Floats = lrs[int(rng.integers(spacing)) :: spacing]

    rows = []
    for ln_lr in few:
        candidates = np.flatnonzero(seen.ln_lr == ln_lr)
        rows.append(rng.choice(candidates))

    return replace(seen, ln_lr=few, loss=seen.loss[np.array(rows)])


def _another(schedule: str, horizon: float) -> str:
    """A wrong schedule to label runs with."""
    if schedule != constant().name:
        return constant().name

    return f"halving(period={round(horizon / _PERIODS)})"
