"""How long an ask takes at a study with a long history: `python -m studies.bench asking`.

The studies are on SQLite, each opened by a process of its own with one thread, and what was asked
is told, so that no ask finds the history that the last one found. The samplers are asked in turn.
An ask that takes too long is given up on; GP's at 10,000 trials needs 5 GB by then.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.table import Table

from studies.bench.asker import Case, Ended, Worker
from studies.bench.clock import Spent
from studies.bench.history import EPOCHS
from studies.bench.report import Report

TPE = Case("TPE", "tpe")
CASES = (
    TPE,
    Case("kappa", "kappa"),
    Case("kappa, distinct lrs", "kappa", distinct=True),
    Case("GP", "gp"),
)
N_TRIALS = (100, 1_000, 10_000)
TARGET = "own time at most 20 ms at 1,000 trials"


@dataclass(frozen=True)
class Timing:
    """How long asks of one sampler took at studies of one length, in milliseconds.

    Attributes:
        case: Name of the case.
        n_trials: Finished trials before the first ask.
        first: The first ask of its process, which reads the whole history; None if it was given
            up on.
        n_asks: Number of asks after that.
        median: Medians over these, of each part by itself; None if there were none.
        low: Shortest of these.
        high: Longest of these.
        ratio: Median over that of TPE at the same number of trials, None without one of them.
        gave_up: Why no more asks were timed; "" if all were.
    """

    case: str
    n_trials: int
    first: Spent | None = None
    n_asks: int = 0
    median: Spent | None = None
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    gave_up: str = ""


class _Asked:
    """The asks of one case so far."""

    def __init__(self, case: Case, n_trials: int, folder: Path, limit: float) -> None:
        self._case, self._n_trials, self._limit = case, n_trials, limit
        self._asks: list[Spent] = []
        self._seconds, self._gave_up = 0.0, ""  # seconds of all asks but the first
        self._worker = Worker(case, n_trials, folder)

    def get_ready(self) -> None:
        """Waits for the study."""
        try:
            self._worker.wait()
        except Ended as reason:
            self._gave_up = str(reason)

    def ask(self) -> None:
        """Asks once more, unless all asks but the first have taken the limit."""
        if self._gave_up or self._seconds >= self._limit:
            return
        try:
            spent = self._worker.ask(self._limit)
        except Ended as reason:
            self._gave_up = str(reason)
            return
        if spent is None:
            self._gave_up = f"more than {self._limit:g} s"
            self._worker.stop()
            return
        self._seconds += spent.total / 1e3 if self._asks else 0.0
        self._asks.append(spent)

    def stop(self) -> None:
        """Ends the process."""
        self._worker.stop()

    def timing(self) -> Timing:
        """Summarises the asks, without the ratio."""
        found = Timing(self._case.name, self._n_trials, gave_up=self._gave_up)
        if not self._asks:
            return found
        first, *later = self._asks
        found = replace(found, first=first, n_asks=len(later))
        if not later:
            return found
        median = Spent(*(statistics.median(part) for part in zip(*later, strict=True)))
        totals = [spent.total for spent in later]
        return replace(found, median=median, low=min(totals), high=max(totals))


def measure(
    cases: Iterable[Case], n_trials: int, *, n_asks: int, limit: float, folder: Path
) -> list[Timing]:
    """Times asks, case by case in turn.

    Args:
        cases: What to time; ratios are to `TPE`, if it is among them.
        n_trials: Finished trials before the first ask.
        n_asks: Asks of each case after its first one.
        limit: Seconds after which an ask is given up on, and after which, all asks but the first
            together, a case is not asked again.
        folder: Folder of the databases.

    Returns:
        The timings, in the order of the cases.
    """
    asked: list[_Asked] = []
    try:
        asked += [_Asked(case, n_trials, folder, limit) for case in cases]
        for one in asked:
            one.get_ready()
        for _ in range(1 + n_asks):
            for one in asked:
                one.ask()
    finally:
        for one in asked:
            one.stop()
    timings = [one.timing() for one in asked]
    reference = next((t.median for t in timings if t.case == TPE.name), None)
    return [
        replace(timing, ratio=timing.median.total / reference.total)
        if timing.median and reference
        else timing
        for timing in timings
    ]


def report(sizes: Sequence[int], n_asks: int, limit: float) -> Report:
    """Times all cases at studies of several lengths.

    Raises:
        ValueError: A number is not allowed.
    """
    if not sizes or min(sizes) < 1 or n_asks < 1 or not limit > 0:
        raise ValueError(
            "numbers of trials and of asks must be at least 1, and the limit above 0, but are "
            f"{', '.join(map(str, sizes)) or 'none'}; {n_asks}; {limit:g}"
        )
    timings: list[Timing] = []
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            timings += measure(CASES, n, n_asks=n_asks, limit=limit, folder=Path(folder))
    data = {"limit_s": limit, "timings": [_as_json(timing) for timing in timings]}
    note = (
        f"Medians on one thread; a trial at the target has {EPOCHS} reports. The first ask of a "
        f"process reads the whole history. Target: {TARGET}."
    )
    partly = [
        f"{t.case} at {t.n_trials:,} trials: then {t.gave_up}."
        for t in timings
        if t.median and t.gave_up
    ]
    return Report(data, [_table(timings), *partly, note])


def _as_json(timing: Timing) -> dict[str, object]:
    parts = {"first": timing.first, "median": timing.median}
    named = {name: spent and spent._asdict() for name, spent in parts.items()}
    return asdict(timing) | named


def _table(timings: Sequence[Timing]) -> Table:
    """Lays the timings out, a row each."""
    table = Table(title="An ask, SQLite: ms")
    headings = ("first", "its storage", "asks", "median", "range", "storage", "base", "own")
    for i, heading in enumerate(("trials", "sampler", *headings, "to TPE")):
        table.add_column(heading, justify="left" if i == 1 else "right")
    for i, timing in enumerate(timings):
        last = i + 1 == len(timings) or timings[i + 1].n_trials != timing.n_trials
        table.add_row(f"{timing.n_trials:,}", timing.case, *_cells(timing), end_section=last)
    return table


def _cells(timing: Timing) -> list[str]:
    if timing.first is None:
        return [timing.gave_up]
    first = [f"{timing.first.total:,.0f}", f"{timing.first.storage:,.0f}", str(timing.n_asks)]
    if timing.median is None or timing.low is None or timing.high is None:
        return [*first, timing.gave_up]
    total, *parts = (f"{ms:,.1f}" for ms in timing.median)
    span = f"{timing.low:,.0f} to {timing.high:,.0f}"
    ratio = "" if timing.ratio is None else f"{timing.ratio:.2f}"
    return [*first, total, span, *parts, ratio]
