"""Sources that mislead: what shorter runs of the target's problem lose, changed in a known way.

A source is a table of runs that a `KappaSampler` starts from. Each is made of the losses recorded
at horizons up to a third of the target, which is as far as probes see:

    right                  as recorded
    x1/30, x1/4, x4, x30   all learning rates times this factor
    slope1                 up to a 24th of the target, the learning rates of each horizon times a
                           factor that makes the optimum go as 1 / horizon; the largest's stays
    flat                   likewise, but the optimum is the same at all horizons
    schedule               as recorded, but said to be of another schedule
    others                 the runs of another table, said to be the target's

Each is confident or vague. A confident one has all recorded runs of all these horizons; a vague
one, another for each seed of a search, has a few learning rates of two short horizons, one run of
each.
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
from studies.replay.results import Sources
from studies.replay.table import Prepared

RIGHT = "right"
FACTORS = {RIGHT: 1.0, "x1/30": 1 / 30, "x1/4": 1 / 4, "x4": 4.0, "x30": 30.0}
SLOPES = {"slope1": 1.0, "flat": 0.0}
SCHEDULE = "schedule"
VAGUE = "vague-"
_LONGEST = 3  # what is seen is at most this part of the target, as probes are
_STEEP = 24  # where the slope is wrong, this part: the farther, the more it misleads
_SHORT = (2, 8)  # a vague source has the horizons nearest to these parts of the longest
_N_LRS = 5  # at most so many learning rates at each
_PERIODS = 24  # of the schedule that runs of constant rate are said to be of, in the target


def scenarios(made: Prepared, others: Mapping[str, Prepared]) -> dict[str, Sources]:
    """Sources by name, the confident ones first; a slope needs two horizons below a 24th.

    Args:
        made: The target.
        others: Other tables, in the same steps, by the names of their scenarios.

    Raises:
        ValueError: Not only the learning rate is searched, or a table has no shorter runs.
    """
    if len(made.objective.space) > 1:
        raise ValueError(
            "the runs differ in more than their learning rates; choose by --where, since a source "
            "misleads about the learning rate alone"
        )
    horizon, name = made.objective.horizon, made.objective.schedule.name
    seen = observed(made, horizon)
    told = {scenario: scaled(seen, factor) for scenario, factor in FACTORS.items()}
    begun = [one for one in seen if one.horizon <= horizon / _STEEP]
    if len(find_optima(begun)) > 1:
        told |= {scenario: sloped(begun, slope) for scenario, slope in SLOPES.items()}
    told |= {other: observed(table, horizon) for other, table in others.items()}
    labelled = {scenario: (losses, name) for scenario, losses in told.items()}
    labelled[SCHEDULE] = seen, _another(name, horizon)
    found: dict[str, Sources] = {}
    for scenario, (losses, label) in labelled.items():
        found[scenario] = partial(_confident, as_runs(losses, label))
    for scenario, (losses, label) in labelled.items():
        found[VAGUE + scenario] = partial(_vague, _short(losses), label)
    return found


def observed(made: Prepared, horizon: float) -> list[Observations]:
    """What was recorded up to a third of a horizon, as runs of those horizons.

    Raises:
        ValueError: There is nothing.
    """
    runs = made.runs
    if made.prefix:
        # Then the beginning of a run is a run, whatever its schedule.
        runs = replace(runs, schedule=np.full(len(runs), constant().name))
    found = observe(truncate(runs, horizon / _LONGEST))
    if not find_optima(found):
        raise ValueError(
            f"the table has no {made.schedule} runs up to a third of the target, {horizon:g} "
            "steps, to make a source of"
        )
    return found


def scaled(seen: Sequence[Observations], factor: float) -> list[Observations]:
    """The same losses at other learning rates."""
    return [replace(one, ln_lr=one.ln_lr + np.log(factor)) for one in seen]


def sloped(seen: Sequence[Observations], slope: float) -> list[Observations]:
    """The same losses, moved such that the optimum has this slope -d ln lr / d ln horizon."""
    optima = {optimum.horizon: optimum.ln_lr for optimum in find_optima(seen)}
    last = max(optima)
    wanted = {h: optima[last] + slope * np.log(last / h) for h in optima}
    return [
        replace(one, ln_lr=one.ln_lr + wanted[one.horizon] - optima[one.horizon])
        for one in seen
        if one.horizon in optima
    ]


def as_runs(seen: Sequence[Observations], schedule: str) -> RunTable:
    """Runs that were seen at their end only, each of its own horizon."""
    horizon = np.repeat([one.horizon for one in seen], [len(one.loss) for one in seen])
    return RunTable.from_columns(
        {
            "run": np.arange(len(horizon)),
            "lr": np.exp(np.concatenate([one.ln_lr for one in seen])),
            "schedule": np.full(len(horizon), schedule),
            "horizon": horizon,
            "step": horizon,
            "loss": np.concatenate([one.loss for one in seen]),
        }
    )


def _confident(runs: RunTable, seed: int) -> Sequence[RunTable]:
    return (runs,)


def _vague(seen: Sequence[Observations], schedule: str, seed: int) -> Sequence[RunTable]:
    rng = np.random.default_rng(seed)
    return (as_runs([_thinned(one, rng) for one in seen], schedule),)


def _short(seen: Sequence[Observations]) -> list[Observations]:
    """What was seen at the horizons nearest to `_SHORT`."""
    parts = max(one.horizon for one in seen) / np.array([one.horizon for one in seen])
    nearest = {int(np.argmin(np.abs(np.log(parts / part)))) for part in _SHORT}
    return [seen[i] for i in sorted(nearest)]


def _thinned(seen: Observations, rng: np.random.Generator) -> Observations:
    """One run of each of a few learning rates, evenly spaced over all of them."""
    lrs = np.unique(seen.ln_lr)
    space = -(-len(lrs) // _N_LRS)
    few: Floats = lrs[int(rng.integers(space)) :: space]
    rows = np.array([rng.choice(np.flatnonzero(seen.ln_lr == ln_lr)) for ln_lr in few])
    return replace(seen, ln_lr=few, loss=seen.loss[rows])


def _another(schedule: str, horizon: float) -> str:
    """A schedule that this one is taken for."""
    if schedule != constant().name:
        return constant().name
    return f"halving(period={round(horizon / _PERIODS)})"
