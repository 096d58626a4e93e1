"""Command line of the comparison on MNIST: `python -m studies.compare`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import optuna
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from optuna_kappa.launch.overview import duration
from optuna_kappa.study.storage import open_storage, shown
from studies.compare import table
from studies.compare.options import check_limits, parser, settings_of
from studies.compare.picture import draw_pictures
from studies.compare.results import Results, read_all
from studies.compare.session import Session
from studies.compare.settings import Settings
from studies.compare.sizes import UNLIMITED
from studies.compare.workers import Place, crew
from studies.folders import writable
from studies.mnist.data import load
from studies.processes import CONTINUE

# Exit codes.
_FAILED = 1
_WRONG_INPUT = 2
_INTERRUPTED = 130
_TABLE = 70  # columns that the table of a target takes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; return the exit code."""
    options = parser().parse_args(arguments)
    console = Console()
    try:
        return _compare(options, console)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _WRONG_INPUT
    except KeyboardInterrupt:
        print(f"Stopped. {CONTINUE}", file=sys.stderr)
        return _INTERRUPTED
    except BrokenExecutor:
        print(f"error: a worker process was killed. {CONTINUE}", file=sys.stderr)
        return _FAILED


def _compare(options: argparse.Namespace, console: Console) -> int:
    started = time.monotonic()
    settings_of(options, UNLIMITED)  # what is wrong shows before anything is run
    check_limits(options)
    out = writable(Path(options.out), "--out")
    if options.picture:
        writable(Path(options.picture).parent, "--picture")
    url = _storage_url(options, out)
    dataset = load(options.data)
    console.print(f"Data: {dataset.source}", markup=False, highlight=False)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = open_storage(url)
    place = Place(options.data, url)
    was_interrupted = False
    with _alone(out), crew(place, options.jobs) as workers:
        session = Session(options, dataset, storage, workers, console, started)
        settings = session.settle()
        try:
            session.run()
        except KeyboardInterrupt:
            was_interrupted = True

    results = read_all(settings, dataset.name, dataset.n_train, storage)
    _print(settings, results, console)

    # Imported here, since workers import this module too, and draw nothing.
    from dashboards.compare import write_page

    page = write_page(out / "report.html", settings, results, dataset)
    console.print(f"\nStudies: {shown(url)}\nReport:  {page}", soft_wrap=True, markup=False)
    if options.picture:
        for path in draw_pictures(Path(options.picture), settings, results):
            console.print(f"Picture: {path}", soft_wrap=True, markup=False)
    console.print(f"Done in {duration(time.monotonic() - started)}.", markup=False)
    if was_interrupted:
        raise KeyboardInterrupt
    if not results.is_finished:
        minutes = f"after {options.minutes:g} minutes (--minutes)"
        console.print(f"Stopped {minutes}. {CONTINUE}", markup=False)
    return 0


def _storage_url(options: argparse.Namespace, out: Path) -> str:
    url = str(options.storage or f"sqlite:///{out / 'kappa.db'}")
    if url in ("sqlite://", "sqlite:///:memory:"):
        raise ValueError(
            "the studies need a file that several processes can share, not memory; choose another "
            "--storage, such as sqlite:///kappa.db"
        )
    return url


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other comparisons out of the folder.

    Two comparisons would each take the other's running trials for interrupted ones.

    Raises:
        ValueError: Another comparison is running there.
    """
    lock = out / ".compare.pid"
    try:
        holder = int(lock.read_text())
        os.kill(holder, 0)  # sends nothing: it raises if there is no such process
    except (OSError, ValueError):
        holder = None  # there is no file, or its process was killed

    if holder not in (None, os.getpid()):
        raise ValueError(
            f"process {holder} is running a comparison in {out}; wait for it or choose another "
            f"--out (if that process is not a comparison, remove {lock})"
        )

    lock.write_text(str(os.getpid()))
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _print(settings: Settings, results: Results, console: Console) -> None:
    """Print a table and a summary for each target."""
    for part in settings.parts:
        title = f"{settings.optimizer}, {part.schedule} rate, target {part.length}"
        if settings.others:
            title += f"; searched: {', '.join(settings.search)}"

        console.print()
        searches = results.of(part, settings.samplers)
        lines = table.lines(searches)
        if lines and console.width >= _TABLE:
            console.print(_grid(title, lines))
        else:
            console.print(title, style="italic", markup=False, highlight=False)
            for line in lines:
                console.print(_narrow(line), markup=False, highlight=False)

        summary = table.summary(searches, results.limits.get(part, part.budget))
        console.print(summary, markup=False, highlight=False)


def _grid(title: str, lines: Sequence[Sequence[str]]) -> Table:
    grid = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(table.HEADER):
        grid.add_column(name, justify="right" if i else "left")

    for line in lines:
        grid.add_row(*line)
    return grid


def _narrow(line: Sequence[str]) -> str:
    """A row of the table as a paragraph, for terminals that are too narrow for the table."""
    sampler, *values = line
    facts = [
        f"{name} {value}" for name, value in zip(table.HEADER[1:], values, strict=True) if value
    ]
    return f"{sampler}: {', '.join(facts)}"


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
