"""Replays many searches in several processes and sums them up."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import optuna

from optuna_kappa._typing import Floats
from optuna_kappa.runs import RunTable
from studies.processes import set_up_worker
from studies.replay.objective import Objective
from studies.replay.pruning import (
    Outcome,
    Proposal,
    Stated,
    as_array,
    outcome,
    proposals,
    stated,
)
from studies.replay.search import Searched, search
from studies.replay.statistics import interval, mean, median, number, stays_under

BUDGETS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0, 24.0)
LEVELS = (0.05, 0.02, 0.01)
STATED = (0.0, 0.01, 0.05, 0.2, 0.5, 1.01)  # ends of the bins of stated probabilities
_FINE = 0.25  # resolution of the budget to a level, in full-run equivalents
_CHUNKS = 8  # pieces of work per process: enough for a bar, few enough to start

Json = dict[str, Any]
Sources = Callable[[int], Sequence[RunTable]]  # what a search with this seed starts from


class Replay(NamedTuple):
    """What is replayed, and how often.

    Attributes:
        objective: What is searched.
        repeats: Number of repeats.
        seed: Seed of the first; the following ones count up from it.
        jobs: Processes.
        lender: What kappa's probes are runs of; None for the objective itself.
    """

    objective: Objective
    repeats: int
    seed: int
    jobs: int
    lender: Objective | None = None


class Pruned(NamedTuple):
    """What pruners are tried on.

    Attributes:
        proposer: Name of the sampler of the proposals.
        n_trials: Proposals of each stream.
    """

    proposer: str
    n_trials: int


def no_sources(seed: int) -> Sequence[RunTable]:
    """The sources of a search that starts from nothing."""
    return ()


def searched(
    replay: Replay,
    wanted: Mapping[str, tuple[str, Sources]],
    budget: float,
    on_done: Callable[[int], None],
) -> dict[str, list[Searched]]:
    """Searches by name, each list by ascending seed.

    Args:
        replay: What is searched, and how often.
        wanted: Sampler and sources by the name that the searches shall have.
        budget: Full-run equivalents of each search.
        on_done: Called with the number of searches done.
    """
    pieces = {
        name: [(_search, sampler, seeds, budget, sources) for seeds in _pieces(replay)]
        for name, (sampler, sources) in wanted.items()
    }
    return _run(replay, pieces, on_done)


def searches(
    replay: Replay, names: Sequence[str], budget: float, on_done: Callable[[int], None]
) -> Json:
    """Searches with each sampler; `on_done` is called with the number of searches done."""
    done = searched(replay, {name: (name, no_sources) for name in names}, budget, on_done)
    budgets = np.array([b for b in BUDGETS if b <= budget])
    found = {name: _summary(done[name], budgets, budget) for name in names}
    return {"budgets": budgets.tolist(), "samplers": found}


def prunings(
    replay: Replay, names: Sequence[str], stream: Pruned, on_done: Callable[[int], None]
) -> Json:
    """Tries each pruner on the same streams."""
    pieces = {name: [(_prune, name, seeds, stream) for seeds in _pieces(replay)] for name in names}
    done = _run(replay, pieces, on_done)
    return {"pruners": {name: _fractions(as_array(done[name])) for name in names}}


def reliability(replay: Replay, pruner: str, stream: Pruned) -> list[Json]:
    """How often trials won that a KappaPruner gave about as much, by the bins of `STATED`.

    Bins without any are left out.
    """
    pieces = {pruner: [(_state, pruner, seeds, stream) for seeds in _pieces(replay)]}
    done = _run(replay, pieces, lambda n: None)[pruner]
    pairs = [(one.probability, one.won) for stream in done for one in stream]
    said = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    found = []
    for low, high in pairwise(STATED):
        inside = said[(said[:, 0] >= low) & (said[:, 0] < high)]
        if len(inside):
            given, won = (float(v) for v in inside.mean(axis=0))
            found.append({"low": low, "high": high, "stated": given, "won": won, "n": len(inside)})
    return found


def _fractions(outcomes: Floats) -> Json:
    """Means of the fields of `Outcome`, with their intervals; outcomes of shape `(n, 6)`."""
    low, high = interval(mean, outcomes)
    means = dict(zip(Outcome._fields, mean(outcomes).tolist(), strict=True))
    ends = zip(low.tolist(), high.tolist(), strict=True)
    return means | {"intervals": dict(zip(Outcome._fields, map(list, ends), strict=True))}


def _summary(found: Sequence[Searched], budgets: Floats, budget: float) -> Json:
    """Regret of one sampler at budgets, in full-run equivalents."""
    regret = np.array([one.at(budgets) for one in found])
    fine = np.arange(_FINE, budget + _FINE / 2, _FINE)
    medians = median(np.array([one.at(fine) for one in found]))
    return {
        "median_regret": [number(value) for value in median(regret)],
        "mean_regret": [number(value) for value in mean(regret)],
        "intervals": _intervals(median, regret),
        "mean_intervals": _intervals(mean, regret),
        "budget_to": {f"{v:g}": number(stays_under(fine, medians, v)) for v in LEVELS},
        "ask_ms": float(np.mean(np.concatenate([one.ask_ms for one in found]))),
    }


def _intervals(statistic: Callable[[Floats], Floats], values: Floats) -> list[list[float | None]]:
    low, high = interval(statistic, values)
    return [[number(a), number(b)] for a, b in zip(low, high, strict=True)]


def _pieces(replay: Replay) -> list[list[int]]:
    """The seeds, in pieces of work."""
    seeds = np.arange(replay.seed, replay.seed + replay.repeats)
    n = min(replay.repeats, replay.jobs * _CHUNKS)
    return [piece.tolist() for piece in np.array_split(seeds, n)]


def _run(
    replay: Replay, pieces: dict[str, list[tuple[Any, ...]]], on_done: Callable[[int], None]
) -> dict[str, list[Any]]:
    """The results of pieces of work by name, in their order."""
    context = multiprocessing.get_context("spawn")
    setup = os.getpid(), replay.objective, replay.lender
    with ProcessPoolExecutor(replay.jobs, context, _start, setup) as pool:
        futures = {name: [pool.submit(*p) for p in parts] for name, parts in pieces.items()}
        try:
            for future in as_completed([f for parts in futures.values() for f in parts]):
                on_done(len(future.result()))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {name: [one for p in parts for one in p.result()] for name, parts in futures.items()}


# Of a worker process.
_objective: Objective | None = None
_lender: Objective | None = None
_streams: dict[tuple[Pruned, int], Sequence[Proposal]] = {}  # the same for all pruners


def _start(parent: int, objective: Objective, lender: Objective | None) -> None:
    global _objective, _lender
    set_up_worker(parent)
    # The GP sampler warns that another package would make it faster.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    _objective, _lender = objective, lender


def _search(name: str, seeds: Sequence[int], budget: float, sources: Sources) -> list[Searched]:
    assert _objective is not None
    return [search(_objective, name, seed, budget, _lender, sources(seed)) for seed in seeds]


def _prune(name: str, seeds: Sequence[int], stream: Pruned) -> list[Outcome]:
    assert _objective is not None
    return [outcome(_objective, _proposed(stream, seed), name, seed) for seed in seeds]


def _state(name: str, seeds: Sequence[int], stream: Pruned) -> list[list[Stated]]:
    assert _objective is not None
    return [stated(_objective, _proposed(stream, seed), name, seed) for seed in seeds]


def _proposed(stream: Pruned, seed: int) -> Sequence[Proposal]:
    """The stream of a seed."""
    assert _objective is not None
    key = stream, seed
    if key not in _streams:
        _streams[key] = proposals(_objective, stream.proposer, seed, stream.n_trials)
    return _streams[key]
