"""How long the law takes to fit and to predict: `python -m studies.bench law`.

The tables are made from the recorded runs of Adam on MNIST. In each round every table is fitted
once and the new law asked at a horizon and under a schedule that the table does not have.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table

from optuna_kappa import RunTable, fit
from optuna_kappa.law import Law
from studies.bench.recorded import adam, rates
from studies.bench.report import Report
from studies.replay.objective import LR

N_OBSERVATIONS = 1000
_REPORTS = 25  # of a run of the first table, one an epoch
_SHORT = (1, 2, 4, 8, 16)  # horizons of the second table, epochs
_NEW = 100, "cosine"  # what the law is asked for
_LEAST_ROUNDS = 3
# What is wanted, in ms: an ask fits the law and predicts.
TARGETS = {"fit": 50.0, "predict": 5.0}


@dataclass(frozen=True)
class Timing:
    """How long something takes with the law of a table.

    Attributes:
        table: The table, in words.
        what: "fit"; "predict", the first time with a new law; "predict again"; or "propose",
            which comes with a verdict.
        n_rounds: How often it was timed.
        median_ms: Median, in milliseconds.
        low_ms: Shortest.
        high_ms: Longest.
        target_ms: What it should take at most; None where nothing is promised.
    """

    table: str
    what: str
    n_rounds: int
    median_ms: float
    low_ms: float
    high_ms: float
    target_ms: float | None


def tables(n_observations: int = N_OBSERVATIONS) -> dict[str, RunTable]:
    """Tables of that many losses, by what they are: long runs, and as many runs as losses."""
    n_long, n_short = n_observations // _REPORTS, n_observations // len(_SHORT)
    return {
        f"{n_long} runs, {_REPORTS} reports each": _runs({_REPORTS: n_long}, reports=True),
        f"{n_observations:,} runs, 1 report each": _runs(
            dict.fromkeys(_SHORT, n_short), reports=False
        ),
    }


def _runs(counts: Mapping[int, int], *, reports: bool) -> RunTable:
    """Constant-rate runs, so many of each horizon, at learning rates over the whole range.

    Args:
        counts: Number of runs by horizon, in epochs.
        reports: Whether they report each epoch; if not, their last one only.
    """
    objective, rng = adam(max(counts)), np.random.default_rng(0)
    rows = []
    for horizon, n in counts.items():
        for i, lr in enumerate(rates(objective, n)):
            curve = objective.curve({LR: lr}, horizon, rng)
            seen = list(zip(*curve, strict=True))[0 if reports else -1 :]
            run = f"{horizon}/{i}", lr, "constant", horizon
            rows += [(*run, step, loss) for step, loss in seen]
    names = "run", LR, "schedule", "horizon", "step", "loss"
    return RunTable.from_columns(dict(zip(names, zip(*rows, strict=True), strict=True)))


def measure(given: Mapping[str, RunTable], *, seconds: float) -> list[Timing]:
    """Times fits and predictions, all tables in turn.

    Args:
        given: Tables, by name.
        seconds: Time to spend on each.

    Returns:
        Timings by table, in the order given.
    """
    spent: dict[tuple[str, str], list[float]] = {}
    for table in given.values():
        list(_round(table))  # imports what is imported late
    started, n_rounds = time.perf_counter(), 0
    while n_rounds < _LEAST_ROUNDS or time.perf_counter() - started < seconds * len(given):
        for name, table in given.items():
            for what, ms in _round(table):
                spent.setdefault((name, what), []).append(ms)
        n_rounds += 1
    return [
        Timing(
            table=name,
            what=what,
            n_rounds=n_rounds,
            median_ms=statistics.median(ms),
            low_ms=min(ms),
            high_ms=max(ms),
            target_ms=TARGETS.get(what),
        )
        for name in given
        for (of, what), ms in spent.items()
        if of == name
    ]


def _round(table: RunTable) -> Iterator[tuple[str, float]]:
    """Everything that is timed, once, in milliseconds."""
    laws: list[Law] = []
    yield "fit", _ms(lambda: laws.append(fit(table)))
    yield "predict", _ms(lambda: laws[0].predict(*_NEW))
    yield "predict again", _ms(lambda: laws[0].predict(*_NEW))
    yield "propose", _ms(lambda: laws[0].propose(*_NEW))


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def report(seconds: float) -> Report:
    """Times the law of tables of 1,000 losses, each for that many seconds."""
    timings = measure(tables(), seconds=seconds)
    shown = Table(title=f"The law of {N_OBSERVATIONS:,} observations: ms")
    for i, heading in enumerate(("table", "what", "median", "fastest to slowest", "target")):
        shown.add_column(heading, justify="right" if i > 1 else "left")
    for i, timing in enumerate(timings):
        span = f"{timing.low_ms:,.2f} to {timing.high_ms:,.2f}"
        target = "" if timing.target_ms is None else f"{timing.target_ms:g}"
        last = i + 1 == len(timings) or timings[i + 1].table != timing.table
        row = timing.table, timing.what, f"{timing.median_ms:,.2f}", span, target
        shown.add_row(*row, end_section=last)
    return Report({"timings": [asdict(timing) for timing in timings]}, [shown])
