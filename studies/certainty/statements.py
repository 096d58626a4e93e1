"""What searches state about their recommendations, and what is true of them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from optuna_kappa import KappaSampler, horizon, read_csv
from optuna_kappa.study.outlook import certainty
from studies.recorded import ATLAS, FOLDER
from studies.replay.objective import LR, Objective
from studies.replay.search import follow, new_study, rng_of, target_of, tell
from studies.replay.table import prepare
from studies.replay.targets import TARGETS
from studies.samplers import KAPPA, make

STATEMENTS = FOLDER / "certainty" / "statements.csv.gz"
"""The recorded statements."""

REGRETS = (0.01, 0.02, 0.05)
"""Regrets for which a probability is stated."""

FULL_RUNS = (0, 1, 2, 4, 7)
"""Full runs after which a search is asked, apart from its probes."""

MNIST = "mnist"
_REPEATS = {MNIST: 10, "atlas": 2}  # searches of a table: there are 8 and 63 tables


class Task(NamedTuple):
    """One search that is replayed.

    Attributes:
        group: "mnist" or "atlas".
        table: Name of the table.
        epochs: Target horizon in epochs; None for the longest runs.
        seed: Seed of the search.
    """

    group: str
    table: str
    epochs: float | None
    seed: int


class Stated(NamedTuple):
    """What a search stated at one point, and the truth.

    Attributes:
        group: "mnist" or "atlas".
        table: Name of the table.
        seed: Seed of the search.
        full_runs: Full runs so far.
        probabilities: Stated probabilities that the regret is at most each of `REGRETS`.
        regret: The true regret of the recommended rate.
    """

    group: str
    table: str
    seed: int
    full_runs: int
    probabilities: tuple[float, ...]
    regret: float


def tasks() -> list[Task]:
    """All searches, seed by seed."""
    found = []
    for target in TARGETS:
        for seed in range(_REPEATS[MNIST]):
            found.append(Task(MNIST, target.table, target.epochs, seed))
    for path in sorted(ATLAS.glob("*-constant.csv.gz")):
        for seed in range(_REPEATS["atlas"]):
            found.append(Task("atlas", path.name.removesuffix(".csv.gz"), None, seed))
    return sorted(found, key=lambda task: task.seed)


def replay(task: Task) -> list[Stated]:
    """Replay a search, and ask it after each number of `FULL_RUNS` that is reached."""
    folder = FOLDER if task.group == MNIST else ATLAS
    runs = read_csv(folder / f"{task.table}.csv.gz")
    objective = prepare(runs, None, task.epochs).objective

    stated = []
    for full_runs, probabilities, regret in _asked(objective, task.seed):
        stated.append(Stated(task.group, task.table, task.seed, full_runs, probabilities, regret))
    return stated


def _asked(objective: Objective, seed: int) -> Iterator[tuple[int, tuple[float, ...], float]]:
    """Full runs, stated probabilities and true regret, at each point where a search is asked."""
    target = target_of(objective, seed)
    study = new_study(seed)
    sampler, study.pruner = make(KAPPA, target)
    assert isinstance(sampler, KappaSampler)
    study.sampler = sampler

    n_full = 0
    n_probes = sum(n for _, n in sampler.rungs)
    while n_full < FULL_RUNS[-1]:
        trial = study.ask(dict(objective.space))
        planned = horizon(trial, default=target.horizon)
        curve = objective.curve(trial.params, planned, rng_of(seed, trial.number))
        _, ended = follow(trial, curve, prune=True)

        is_full = planned == target.horizon
        tell(study, trial, float(curve.losses[-1]) if ended and is_full else None)
        n_full += is_full
        if n_full not in FULL_RUNS or (n_full == 0 and len(study.trials) < n_probes):
            continue

        now = certainty(study)
        if now is not None:
            regret = objective.regret({LR: sampler.recommend(study)})
            yield n_full, tuple(now.within(r) for r in REGRETS), regret


def write(stated: Iterable[Stated], path: Path = STATEMENTS) -> None:
    """Store statements, with three digits."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        ["group", "table", "seed", "full_runs", *(f"p_{r:g}" for r in REGRETS), "regret"]
    )
    for one in sorted(stated):
        numbers = [f"{p:.3f}" for p in one.probabilities]
        rows.writerow(
            [one.group, one.table, one.seed, one.full_runs, *numbers, f"{one.regret:.4g}"]
        )

    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a time in its head, the same statements give the same file.
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def read(path: Path = STATEMENTS) -> list[Stated]:
    """Read what `write` has stored.

    Raises:
        ValueError: There is no such file.
    """
    if not path.exists():
        raise ValueError(f"{path} is missing; run `python -m studies.certainty sweep` first")

    stated = []
    for row in csv.reader(gzip.decompress(path.read_bytes()).decode().splitlines()[1:]):
        group, table, seed, full_runs, *probabilities, regret = row
        numbers = tuple(map(float, probabilities))
        stated.append(Stated(group, table, int(seed), int(full_runs), numbers, float(regret)))
    return stated


def held(
    stated: Sequence[Stated], place: int, low: float, high: float
) -> tuple[int, float, float]:
    """How often statements between two probabilities were right.

    Args:
        stated: Statements.
        place: Index of the regret among `REGRETS`.
        low: Lower end of the probabilities.
        high: Upper end, which does not belong to them.

    Returns:
        The number of such statements, the mean of their probabilities, and the fraction that was
        right. The last two are NaN where there is none.
    """
    said = []
    right = []
    for one in stated:
        p = one.probabilities[place]
        if low <= p < high:
            said.append(p)
            right.append(one.regret <= REGRETS[place])

    n = len(said)
    if not n:
        return 0, float("nan"), float("nan")
    return n, sum(said) / n, sum(right) / n
