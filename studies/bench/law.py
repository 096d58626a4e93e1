"""Time how long the law takes to fit and to predict: `python -m studies.bench law`.

The tables are made from the recorded runs of Adam on MNIST. In each round, every table is fitted
once. The new law is then asked at a horizon and under a schedule that the table does not have.
Last, laws of many contexts are fitted and asked: each takes all others into account.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from rich.table import Table

from optuna_kappa import RunTable, fit, fit_contexts
from optuna_kappa.law import Law
from optuna_kappa.runs import example_runs
from studies.bench.recorded import adam, rates
from studies.bench.report import Report
from studies.replay.objective import LR

N_OBSERVATIONS = 1000
_REPORTS = 25  # of a run of the first table, one an epoch
_SHORT = (1, 2, 4, 8, 16)  # horizons of the second table, in epochs
_NEW = 100, "cosine"  # horizon and schedule that the law is asked for
_LEAST_ROUNDS = 3
# In ms, since an ask fits the law and predicts.
TARGETS = {"fit": 50.0, "predict": 5.0}
N_CONTEXTS = 40, 100
_CONTEXTS_MS = 5000.0  # wanted of the proposals for all contexts of a table
_AT_EDGE = 5  # of so many contexts, one has its best rates at the edge of those tried


@dataclass(frozen=True)
class Timing:
    """How long something takes with the law of a table.

    Attributes:
        table: The table, in words.
        what: "fit"; "predict", for the first time with a new law; "predict again"; "propose",
            which includes a verdict; or "propose for all" contexts.
        n_rounds: How often it was timed.
        median_ms: Median, in milliseconds.
        low_ms: Shortest.
        high_ms: Longest.
        target_ms: What it should take at most; None if there is no target.
    """

    table: str
    what: str
    n_rounds: int
    median_ms: float
    low_ms: float
    high_ms: float
    target_ms: float | None


def tables(n_observations: int = N_OBSERVATIONS) -> dict[str, RunTable]:
    """Make a table of long runs, and one of as many runs as losses, by their descriptions.

    Args:
        n_observations: Number of losses in each.
    """
    n_long = n_observations // _REPORTS
    n_short = n_observations // len(_SHORT)
    long = _runs({_REPORTS: n_long}, reports=True)
    short = _runs(dict.fromkeys(_SHORT, n_short), reports=False)

    return {
        f"{n_long} runs, {_REPORTS} reports each": long,
        f"{n_observations:,} runs, 1 report each": short,
    }


def _runs(counts: Mapping[int, int], *, reports: bool) -> RunTable:
    """Constant-rate runs at learning rates over the whole range.

    Args:
        counts: Number of runs by horizon, in epochs.
        reports: Whether they report after each epoch, or only at their end.
    """
    objective = adam(max(counts))
    rng = np.random.default_rng(0)
    rows = []
    for horizon, n in counts.items():
        for i, lr in enumerate(rates(objective, n)):
            curve = objective.curve({LR: lr}, horizon, rng)
            run = f"{horizon}/{i}", lr, "constant", horizon

            seen = list(zip(*curve, strict=True))
            for step, loss in seen if reports else seen[-1:]:
                rows.append((*run, step, loss))

    names = "run", LR, "schedule", "horizon", "step", "loss"
    columns = zip(*rows, strict=True)
    return RunTable.from_columns(dict(zip(names, columns, strict=True)))


def measure(given: Mapping[str, RunTable], *, seconds: float) -> list[Timing]:
    """Time fits and predictions, all tables in turn.

    Args:
        given: Tables, by name.
        seconds: Time to spend on each.

    Returns:
        Timings by table, in the order given.
    """
    for table in given.values():
        list(_round(table))  # imports what is imported late

    spent: dict[str, dict[str, list[float]]] = {name: {} for name in given}
    started = time.perf_counter()
    n_rounds = 0
    while n_rounds < _LEAST_ROUNDS or time.perf_counter() - started < seconds * len(given):
        for name, table in given.items():
            for what, ms in _round(table):
                spent[name].setdefault(what, []).append(ms)
        n_rounds += 1

    timings = []
    for name, parts in spent.items():
        for what, ms_of_rounds in parts.items():
            timings.append(_timing(name, what, ms_of_rounds))

    return timings


def _timing(table: str, what: str, ms: Sequence[float]) -> Timing:
    """Summarize the rounds."""
    return Timing(
        table=table,
        what=what,
        n_rounds=len(ms),
        median_ms=statistics.median(ms),
        low_ms=min(ms),
        high_ms=max(ms),
        target_ms=TARGETS.get(what),
    )


def _round(table: RunTable) -> Iterator[tuple[str, float]]:
    """Do once all that is timed; yield what it was, and its milliseconds."""
    laws: list[Law] = []
    yield "fit", _ms(lambda: laws.append(fit(table)))
    yield "predict", _ms(lambda: laws[0].predict(*_NEW))
    yield "predict again", _ms(lambda: laws[0].predict(*_NEW))
    yield "propose", _ms(lambda: laws[0].propose(*_NEW))


def contexts(n: int) -> RunTable:
    """Runs of n widths: six learning rates at four horizons, or fewer that miss the best."""
    parts = []
    for i in range(n):
        runs = example_runs(slope=0.7 + 0.1 * np.sin(i))
        lr = runs.lr * (1 + i) ** 0.3
        width = np.full(len(runs), str(16 * (i + 1)))
        tried = lr > (np.quantile(lr, 0.4) if i % _AT_EDGE == 0 else 0)
        parts.append(replace(runs, lr=lr, context={"width": width}).where(tried))
    return RunTable.concatenate(parts)


def measure_contexts(n: int) -> Timing:
    """Times fits and proposals for all of n contexts, once: they are many."""
    groups = list(contexts(n).groups(["width"]))

    def propose() -> None:
        for law in fit_contexts(groups):
            law.propose(*_NEW)

    ms = _ms(propose)
    return Timing(
        table=f"{n} contexts, 4 horizons each",
        what="propose for all",
        n_rounds=1,
        median_ms=ms,
        low_ms=ms,
        high_ms=ms,
        target_ms=_CONTEXTS_MS,
    )


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def report(seconds: float) -> Report:
    """Time the law of tables of 1,000 losses.

    Args:
        seconds: Time to spend on each table.
    """
    timings = measure(tables(), seconds=seconds)
    timings += [measure_contexts(n) for n in N_CONTEXTS]
    return Report({"timings": [asdict(timing) for timing in timings]}, [_table(timings)])


def _table(timings: Sequence[Timing]) -> Table:
    """Table of the timings, a row for each."""
    table = Table(title=f"The law of {N_OBSERVATIONS:,} observations: ms")
    table.add_column("table")
    table.add_column("what")
    for heading in ("median", "fastest to slowest", "target"):
        table.add_column(heading, justify="right")

    for i, timing in enumerate(timings):
        last = i + 1 == len(timings) or timings[i + 1].table != timing.table
        table.add_row(
            timing.table,
            timing.what,
            f"{timing.median_ms:,.2f}",
            f"{timing.low_ms:,.2f} to {timing.high_ms:,.2f}",
            "" if timing.target_ms is None else f"{timing.target_ms:g}",
            end_section=last,
        )

    return table
