"""Run many searches or streams of trials in several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import Any, NamedTuple

import numpy as np
import optuna

from optuna_kappa.law import Prior
from optuna_kappa.runs import RunTable
from studies.processes import set_up_worker
from studies.replay.grid import Grid
from studies.replay.objective import Objective
from studies.replay.oneshot import OneShot, one_shot
from studies.replay.pruning import Outcome, Proposal, Stated, outcome, proposals, stated
from studies.replay.search import Searched, search
from studies.samplers import NOTHING, Known

_CHUNKS = 8  # pieces of work per process: enough for a progress bar, few enough to start quickly

Sources = Callable[[int], Sequence[RunTable]]
"""Returns the runs that a kappa search with this seed starts from."""

OnDone = Callable[[int], None]
"""Is called with the number of repeats done since the last call."""

_Piece = tuple[Any, ...]  # a function of a worker process, followed by its arguments


class Replay(NamedTuple):
    """What is replayed, and how often.

    Attributes:
        objective: What is searched.
        repeats: Number of repeats.
        seed: Seed of the first repeat; the next ones count up from it.
        jobs: Number of processes.
        lender: Where kappa's probes come from; None for the objective itself.
        known: What kappa searches are told of the runs of the target horizon.
    """

    objective: Objective
    repeats: int
    seed: int
    jobs: int
    lender: Objective | None = None
    known: Known = NOTHING


class Pruned(NamedTuple):
    """The streams of proposals that pruners are tried on.

    Attributes:
        proposer: Name of the sampler that proposes.
        n_trials: Number of proposals of each stream.
    """

    proposer: str
    n_trials: int


def no_sources(seed: int) -> Sequence[RunTable]:
    """Sources of a search that starts from nothing."""
    return ()


def searched(
    replay: Replay,
    wanted: Mapping[str, tuple[str, Sources]],
    budget: float,
    on_done: OnDone,
) -> dict[str, list[Searched]]:
    """Run searches.

    Args:
        replay: What is searched, and how often.
        wanted: Sampler and sources, by the name that the results are returned under.
        budget: Full-run equivalents of each search.
        on_done: Called with the number of searches done.

    Returns:
        Searches by name, each list by ascending seed.
    """
    pieces: dict[str, list[_Piece]] = {name: [] for name in wanted}
    for name, (sampler, sources) in wanted.items():
        for seeds in _seeds_of_pieces(replay):
            pieces[name].append((_search, sampler, seeds, budget, sources, replay.known))

    return _run(replay, pieces, on_done)


def outcomes(
    replay: Replay,
    pruners: Sequence[str],
    stream: Pruned,
    on_done: OnDone,
) -> dict[str, list[Outcome]]:
    """Run each pruner on the same streams.

    Args:
        replay: What is replayed, and how often.
        pruners: Names of the pruners, with or without settings.
        stream: How the streams are made.
        on_done: Called with the number of streams done.

    Returns:
        Outcomes by pruner, each list by ascending seed.
    """
    pieces: dict[str, list[_Piece]] = {name: [] for name in pruners}
    for name in pruners:
        for seeds in _seeds_of_pieces(replay):
            pieces[name].append((_prune, name, seeds, stream))

    return _run(replay, pieces, on_done)


def statements(
    replay: Replay,
    pruner: str,
    stream: Pruned,
) -> list[list[Stated]]:
    """Collect what a KappaPruner states about the trials of each stream, by ascending seed.

    Args:
        replay: What is replayed, and how often.
        pruner: Name of the pruner, with or without a setting.
        stream: How the streams are made.
    """
    pieces: list[_Piece] = []
    for seeds in _seeds_of_pieces(replay):
        pieces.append((_state, pruner, seeds, stream))

    return _run(replay, {pruner: pieces}, lambda n: None)[pruner]


def one_shots(
    replay: Replay,
    budgets: Sequence[float],
    prior: Prior | None,
    on_done: OnDone,
) -> list[list[OneShot]]:
    """Propose a learning rate after a ladder of each budget.

    Args:
        replay: What is proposed for, and how often. Its objectives are grids.
        budgets: Full-run equivalents of the ladders.
        prior: Prior of the informed law; None for the law's own.
        on_done: Called with the number of repeats done.

    Returns:
        By ascending seed, what came of each budget.
    """
    pieces: list[_Piece] = []
    for seeds in _seeds_of_pieces(replay):
        pieces.append((_shoot, seeds, budgets, prior))

    return _run(replay, {"": pieces}, on_done)[""]


def _seeds_of_pieces(replay: Replay) -> list[list[int]]:
    """The seeds of all repeats, divided into pieces of work."""
    seeds = np.arange(replay.seed, replay.seed + replay.repeats)
    n_pieces = min(replay.repeats, replay.jobs * _CHUNKS)
    return [piece.tolist() for piece in np.array_split(seeds, n_pieces)]


def _run(
    replay: Replay,
    pieces: Mapping[str, Sequence[_Piece]],
    on_done: OnDone,
) -> dict[str, list[Any]]:
    """Run pieces of work in new processes.

    Args:
        replay: What is replayed, and how often.
        pieces: Pieces of work, by name.
        on_done: Called with the number of repeats done.

    Returns:
        One result per repeat, by name, in the order of the pieces.
    """
    context = multiprocessing.get_context("spawn")
    setup = os.getpid(), replay.objective, replay.lender
    futures: dict[str, list[Future[list[Any]]]] = {}

    with ProcessPoolExecutor(replay.jobs, context, _start, setup) as pool:
        for name, parts in pieces.items():
            futures[name] = [pool.submit(*part) for part in parts]

        try:
            _wait(futures, on_done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    results: dict[str, list[Any]] = {}
    for name, done in futures.items():
        results[name] = []
        for future in done:
            results[name] += future.result()

    return results


def _wait(futures: Mapping[str, Sequence[Future[list[Any]]]], on_done: OnDone) -> None:
    """Wait for all pieces of work, and count the repeats as they are done."""
    everything: list[Future[list[Any]]] = []
    for several in futures.values():
        everything += several

    for future in as_completed(everything):
        on_done(len(future.result()))


# State of a worker process. All pruners share the streams.
_objective: Objective | None = None
_lender: Objective | None = None
_streams: dict[tuple[Pruned, int], Sequence[Proposal]] = {}


def _start(
    parent: int,
    objective: Objective,
    lender: Objective | None,
) -> None:
    """Set up a worker process."""
    global _objective, _lender
    set_up_worker(parent)
    # The GP sampler warns that another package would make it faster.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    _objective = objective
    _lender = lender


def _search(
    name: str,
    seeds: Sequence[int],
    budget: float,
    sources: Sources,
    known: Known,
) -> list[Searched]:
    assert _objective is not None
    found = []
    for seed in seeds:
        given = sources(seed)
        found.append(search(_objective, name, seed, budget, _lender, given, known))

    return found


def _shoot(
    seeds: Sequence[int],
    budgets: Sequence[float],
    prior: Prior | None,
) -> list[list[OneShot]]:
    lender = _lender or _objective
    assert isinstance(_objective, Grid) and isinstance(lender, Grid)
    shots = []
    for seed in seeds:
        shots.append([one_shot(_objective, lender, budget, seed, prior) for budget in budgets])

    return shots


def _prune(
    name: str,
    seeds: Sequence[int],
    stream: Pruned,
) -> list[Outcome]:
    assert _objective is not None
    return [outcome(_objective, _proposed(stream, seed), name, seed) for seed in seeds]


def _state(
    name: str,
    seeds: Sequence[int],
    stream: Pruned,
) -> list[list[Stated]]:
    assert _objective is not None
    return [stated(_objective, _proposed(stream, seed), name, seed) for seed in seeds]


def _proposed(stream: Pruned, seed: int) -> Sequence[Proposal]:
    """The stream of a seed."""
    assert _objective is not None
    key = stream, seed
    if key not in _streams:
        _streams[key] = proposals(_objective, stream.proposer, seed, stream.n_trials)

    return _streams[key]
