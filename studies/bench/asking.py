"""Time an ask at a study with a long history: `python -m studies.bench asking`.

The studies are on SQLite, each opened by a process of its own with one thread. The trial of an ask
is finished before the next ask, so that no two asks find the same history. The samplers are asked
in turn. An ask that takes too long is given up; at 10,000 trials, GP needs 5 GB by then.
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
_HEADINGS = (
    "trials",
    "sampler",
    "first",
    "its storage",
    "asks",
    "median",
    "range",
    "storage",
    "base",
    "own",
    "to TPE",
)


@dataclass(frozen=True)
class Timing:
    """Times of the asks of one sampler at studies of one length, in milliseconds.

    Attributes:
        case: Name of the case.
        n_trials: Finished trials before the first ask.
        first: The first ask of its process, which reads the whole history; None if it was given
            up.
        n_asks: Number of asks after that.
        median: Medians over these asks, of each part separately; None if there were none.
        low: Shortest of these asks.
        high: Longest of these asks.
        ratio: Median divided by that of TPE at the same number of trials; None if one is missing.
        gave_up: Reason why no more asks were timed; "" if all were.
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

    def __init__(
        self,
        case: Case,
        n_trials: int,
        folder: Path,
        limit: float,
    ) -> None:
        self._case = case
        self._n_trials = n_trials
        self._limit = limit
        self._asks: list[Spent] = []
        self._seconds = 0.0  # of all asks but the first
        self._gave_up = ""
        self._worker = Worker(case, n_trials, folder)

    def get_ready(self) -> None:
        """Wait for the study."""
        try:
            self._worker.wait()
        except Ended as reason:
            self._gave_up = str(reason)

    def ask(self) -> None:
        """Ask once more, unless the asks after the first have taken the limit together."""
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

        if self._asks:
            self._seconds += spent.total / 1e3
        self._asks.append(spent)

    def stop(self) -> None:
        """End the process."""
        self._worker.stop()

    def timing(self) -> Timing:
        """Summarize the asks, without the ratio."""
        timing = Timing(self._case.name, self._n_trials, gave_up=self._gave_up)
        if not self._asks:
            return timing

        first, *later = self._asks
        timing = replace(timing, first=first, n_asks=len(later))
        if not later:
            return timing

        totals = [spent.total for spent in later]
        medians = map(statistics.median, zip(*later, strict=True))
        return replace(timing, median=Spent(*medians), low=min(totals), high=max(totals))


def measure(
    cases: Iterable[Case],
    n_trials: int,
    *,
    n_asks: int,
    limit: float,
    folder: Path,
) -> list[Timing]:
    """Time the asks of several cases, in turn.

    Args:
        cases: What to time. If `TPE` is among them, ratios are to it.
        n_trials: Finished trials before the first ask.
        n_asks: Asks of each case after its first one.
        limit: Seconds after which an ask is given up. A case whose asks after the first have taken
            that long together is not asked again.
        folder: Folder of the databases.

    Returns:
        The timings, in the order of the cases.
    """
    asked: list[_Asked] = []
    try:
        for case in cases:
            asked.append(_Asked(case, n_trials, folder, limit))
        for one in asked:
            one.get_ready()
        for _ in range(1 + n_asks):
            for one in asked:
                one.ask()
    finally:
        for one in asked:
            one.stop()

    return _with_ratios([one.timing() for one in asked])


def _with_ratios(timings: Sequence[Timing]) -> list[Timing]:
    """The same timings with their ratios to TPE."""
    reference = next((timing.median for timing in timings if timing.case == TPE.name), None)
    if reference is None:
        return list(timings)

    rated = []
    for timing in timings:
        ratio = timing.median and timing.median.total / reference.total
        rated.append(replace(timing, ratio=ratio))

    return rated


def report(sizes: Sequence[int], n_asks: int, limit: float) -> Report:
    """Time all cases at studies of several lengths.

    Args:
        sizes: Numbers of finished trials.
        n_asks: Asks of each case after its first one.
        limit: Seconds, as in `measure`.

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

    partly = []
    for timing in timings:
        if timing.median and timing.gave_up:
            where = f"{timing.case} at {timing.n_trials:,} trials"
            partly.append(f"{where}: then {timing.gave_up}.")

    note = (
        f"Medians on one thread; a trial at the target has {EPOCHS} reports. The first ask of a "
        f"process reads the whole history. Target: {TARGET}."
    )
    data = {"limit_s": limit, "timings": [_as_json(timing) for timing in timings]}
    return Report(data, [_table(timings), *partly, note])


def _as_json(timing: Timing) -> dict[str, object]:
    """A timing as a dictionary, with the parts by name."""
    fields: dict[str, object] = asdict(timing)
    for name, spent in (("first", timing.first), ("median", timing.median)):
        fields[name] = spent and spent._asdict()

    return fields


def _table(timings: Sequence[Timing]) -> Table:
    """Table of the timings, a row for each."""
    table = Table(title="An ask, SQLite: ms")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading == "sampler" else "right")

    for i, timing in enumerate(timings):
        last = i + 1 == len(timings) or timings[i + 1].n_trials != timing.n_trials
        table.add_row(
            f"{timing.n_trials:,}",
            timing.case,
            *_cells(timing),
            end_section=last,
        )

    return table


def _cells(timing: Timing) -> list[str]:
    """Cells of a row, up to where the case was given up."""
    if timing.first is None:
        return [timing.gave_up]

    first = [
        f"{timing.first.total:,.0f}",
        f"{timing.first.storage:,.0f}",
        str(timing.n_asks),
    ]
    if timing.median is None or timing.low is None or timing.high is None:
        return [*first, timing.gave_up]

    total, *parts = [f"{ms:,.1f}" for ms in timing.median]
    span = f"{timing.low:,.0f} to {timing.high:,.0f}"
    ratio = "" if timing.ratio is None else f"{timing.ratio:.2f}"
    return [*first, total, span, *parts, ratio]
