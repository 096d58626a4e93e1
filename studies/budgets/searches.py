"""Searches for the learning rate, replayed on the recorded runs of the paper's sweep.

A trial is the validation curve of a random recorded seed, interpolated between learning rates, as
in `studies.replay`. A search hands over the model of its best full run by validation loss; that
model is judged by the test loss of the same run. All samples are charged, those of probes and of
pruned trials too.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, NSGAIISampler

from optuna_kappa import horizon, read_csv
from studies.budgets.problem import HORIZON, OPTIMIZERS, PASSES, RATES, SCHEDULE
from studies.mnist.training import OptimizerName
from studies.recorded import FOLDER
from studies.replay.objective import LR, Objective
from studies.replay.search import follow, new_study, rng_of, target_of, tell
from studies.replay.table import prepare
from studies.samplers import KAPPA, NOTHING, Known, make

SEARCHES = FOLDER / "budgets" / "searches.csv"
"""The recorded results."""

BUDGET = 16
"""Full-run equivalents of each search."""

REPEATS = 10
"""Repeats of each search."""

GRID_SEARCH = "grid"
INFORMED = "kappa told"
GENETIC = "nsga2"

NAMES = (INFORMED, KAPPA, "tpe", "tpe+median", GENETIC, "random", GRID_SEARCH)
"""Searches, by name."""

_GRID_SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
_POPULATION = 6  # Optuna's default of 50 exceeds every budget here
_ROUNDING = 1e-9


class Handed(NamedTuple):
    """A model that a search hands over.

    Attributes:
        optimizer: "adam" or "sgd".
        name: Name of the search.
        repeat: Which repeat, counted from 0.
        spent: Full-run equivalents spent when the model was ready.
        lr: Learning rate of its run.
        test: Its test loss.
    """

    optimizer: OptimizerName
    name: str
    repeat: int
    spent: float
    lr: float
    test: float


class Table(NamedTuple):
    """The recorded runs of an optimizer.

    Attributes:
        optimizer: "adam" or "sgd".
        valid: Replays validation losses.
        test: Replays test losses of the same runs.
    """

    optimizer: OptimizerName
    valid: Objective
    test: Objective


class _Run(NamedTuple):
    """A replayed trial: what it cost and, if it ended a full run, its final losses."""

    cost: float
    lr: float
    valid: float
    test: float


def table(optimizer: OptimizerName) -> Table:
    """Read the recorded runs.

    Args:
        optimizer: "adam" or "sgd".
    """
    objectives = []
    for name in (f"{optimizer}-{SCHEDULE}", f"{optimizer}-{SCHEDULE}-test"):
        runs = read_csv(FOLDER / f"{name}.csv.gz")
        objectives.append(prepare(runs, SCHEDULE, HORIZON).objective)
    return Table(optimizer, *objectives)


def search(runs: Table, name: str, repeat: int, budget: float = BUDGET) -> Iterator[Handed]:
    """Search, and yield each model that is better than those before.

    Args:
        runs: Recorded runs.
        name: One of `NAMES`.
        repeat: Seed of the search.
        budget: Full-run equivalents.
    """
    if name == GRID_SEARCH:
        yield from _grids(runs, repeat, budget)
        return

    spent = 0.0
    best = math.inf
    for run in _trials(runs, name, repeat):
        spent = round(spent + run.cost, 9)
        if spent > budget + _ROUNDING:
            return
        if run.valid < best:
            best = run.valid
            yield Handed(runs.optimizer, name, repeat, spent, run.lr, run.test)


def _grids(runs: Table, repeat: int, budget: float) -> Iterator[Handed]:
    """The best of a grid of each size. A grid is planned for its size, so each is a new search."""
    low, high = np.log(RATES[runs.optimizer][[0, -1]])
    for size in _GRID_SIZES:
        if size > budget:
            return
        middles = low + (np.arange(size) + 0.5) / size * (high - low)
        full = []
        for number, ln_lr in enumerate(middles):
            full.append(_full_run(runs, float(np.exp(ln_lr)), repeat, number))
        best = min(full, key=lambda run: run.valid)
        yield Handed(runs.optimizer, GRID_SEARCH, repeat, float(size), best.lr, best.test)


def _trials(runs: Table, name: str, repeat: int) -> Iterator[_Run]:
    """The trials of an Optuna study, without end."""
    study = new_study(repeat)
    study.sampler, study.pruner = _tools(runs, name, repeat)
    prune = not isinstance(study.pruner, NopPruner)
    space = dict(runs.valid.space)

    while True:
        trial = study.ask(space)
        planned = horizon(trial, default=HORIZON)
        curve = runs.valid.curve(trial.params, planned, rng_of(repeat, trial.number))
        cost, ended = follow(trial, curve, prune=prune)
        tell(study, trial, float(curve.losses[-1]) if ended else None)

        lr = float(trial.params[LR])
        if ended and planned == HORIZON:
            yield _full_run(runs, lr, repeat, trial.number)
        else:
            yield _Run(cost / HORIZON, lr, math.nan, math.nan)


def _full_run(runs: Table, lr: float, repeat: int, number: int) -> _Run:
    """A full run; the two generators are equal, so both losses are of the same recorded seed."""
    losses = []
    for objective in (runs.valid, runs.test):
        curve = objective.curve({LR: lr}, HORIZON, rng_of(repeat, number))
        losses.append(float(curve.losses[-1]))
    return _Run(1.0, lr, *losses)


def _tools(runs: Table, name: str, repeat: int) -> tuple[BaseSampler, BasePruner]:
    """The sampler and the pruner of a search."""
    if name == GENETIC:
        return NSGAIISampler(population_size=_POPULATION, seed=repeat), NopPruner()

    known = Known(runs.optimizer, PASSES) if name == INFORMED else NOTHING
    sampler = KAPPA if name == INFORMED else name
    return make(sampler, target_of(runs.valid, repeat, known=known))


def replay(path: Path, repeats: int) -> Iterator[str]:
    """Replay the searches that are not recorded yet, and yield the name of each when it is done.

    Args:
        path: File that the results are added to.
        repeats: Repeats of each search.
    """
    tables = {optimizer: table(optimizer) for optimizer in OPTIMIZERS}
    done = {handed[:3] for handed in read(path)}
    for repeat in range(repeats):
        for optimizer, runs in tables.items():
            for name in NAMES:
                if (optimizer, name, repeat) not in done:
                    _add(list(search(runs, name, repeat)), path)
                    yield f"{optimizer} {name}, repeat {repeat}"


def _add(handed: Sequence[Handed], path: Path) -> None:
    """Write the models of one search at once, and the header before the first."""
    lines = [] if path.exists() else [",".join(Handed._fields)]
    for one in handed:
        numbers = [f"{number:.6g}" for number in one[3:]]
        lines.append(",".join([one.optimizer, one.name, str(one.repeat), *numbers]))

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def read(path: Path = SEARCHES) -> list[Handed]:
    """Read the recorded results; none if there is no file."""
    if not path.exists():
        return []

    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    return [_parse(line) for line in lines]


def _parse(line: dict[str, str]) -> Handed:
    optimizer = cast(OptimizerName, line["optimizer"])
    numbers = [float(line[name]) for name in Handed._fields[3:]]
    return Handed(optimizer, line["name"], int(line["repeat"]), *numbers)
