"""Command line of the comparison on MNIST: `python -m studies.compare`."""

from __future__ import annotations

import argparse
import math
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
from optuna.storages import BaseStorage
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from dashboards.compare import write_page
from optuna_kappa.study.storage import open_storage, shown
from studies.compare import table
from studies.compare.options import check_limits, parser, settings_of
from studies.compare.results import Found, is_done, of_part, read_all
from studies.compare.search import study_name
from studies.compare.settings import Job, Settings, jobs
from studies.compare.workers import Place, Runner, run_all
from studies.compare.workers import Progress as Report
from studies.folders import writable
from studies.mnist.data import Dataset, load
from studies.processes import CONTINUE

# Exit codes.
_FAILED = 1
_WRONG_INPUT = 2
_INTERRUPTED = 130


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
    settings = settings_of(options)
    check_limits(options)
    out = writable(Path(options.out), "--out")
    url = _storage_url(options, out)
    dataset = load(options.data)
    console.print(f"Data: {dataset.source}", soft_wrap=True, markup=False)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = open_storage(url)
    with _alone(out):
        if options.fresh:
            _delete(settings, dataset, storage)
        is_finished = _run(settings, dataset, storage, _runner(options, url), console)

    searches = read_all(settings, dataset.name, dataset.n_train, storage)
    _print(settings, searches, console)
    page = write_page(out / "report.html", settings, searches, dataset)
    console.print(f"\nStudies: {shown(url)}\nReport:  {page}", soft_wrap=True, markup=False)
    if not is_finished:
        console.print(
            f"\nStopped after {options.minutes:g} minutes (--minutes). Only repeats that all "
            f"samplers have finished are shown. {CONTINUE}",
            markup=False,
        )
    console.print(f"Done in {time.monotonic() - started:.0f} s.", markup=False)
    return 0


def _storage_url(options: argparse.Namespace, out: Path) -> str:
    url = str(options.storage or f"sqlite:///{out / 'kappa.db'}")
    if url in ("sqlite://", "sqlite:///:memory:"):
        raise ValueError(
            "the studies need a file that several processes can share, not memory; choose another "
            "--storage, such as sqlite:///kappa.db"
        )
    return url


def _runner(options: argparse.Namespace, url: str) -> Runner:
    deadline = time.time() + 60 * options.minutes if options.minutes else math.inf
    return Runner(
        place=Place(options.data, url),
        n_processes=options.jobs,
        deadline=deadline,
    )


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


def _run(
    settings: Settings, dataset: Dataset, storage: BaseStorage, runner: Runner, console: Console
) -> bool:
    """Run what is not finished, with a progress bar; return whether all is finished now."""
    todo = _unfinished(settings, dataset, storage)
    if not todo:
        console.print("All searches are finished. Use --fresh to start again.")
        return True

    # The bar counts full runs of the part with the most epochs.
    most_epochs = max(part.epochs for part in settings.parts)
    total = sum(job.part.budget * job.part.epochs for job in todo) / most_epochs
    spent: dict[Job, float] = {}
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f} of {task.total:.0f} full runs"),
        TimeRemainingColumn(),
        console=console,
    )
    with bar:
        task = bar.add_task(f"{len(todo)} searches", total=total)

        def show(report: Report) -> None:
            spent[report.job] = report.spent
            done = sum(job.part.epochs * value for job, value in spent.items()) / most_epochs
            bar.update(task, completed=min(done, total))

        run_all(settings, todo, runner, show)
        is_finished = not _unfinished(settings, dataset, storage)
        if is_finished:
            bar.update(task, completed=total)

    return is_finished


def _unfinished(settings: Settings, dataset: Dataset, storage: BaseStorage) -> list[Job]:
    """Return the searches that have not spent their budget."""
    unfinished = []
    for job in jobs(settings):
        if not is_done(settings, job, dataset.name, dataset.n_train, storage):
            unfinished.append(job)

    return unfinished


def _print(settings: Settings, found: Sequence[Found], console: Console) -> None:
    """Print a table and a summary for each target."""
    for part in settings.parts:
        title = f"{settings.optimizer}, {part.schedule} rate, target {part.epochs} epochs"
        if settings.others:
            title += f"; searched: {', '.join(settings.search)}"

        grid = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for i, name in enumerate(table.HEADER):
            grid.add_column(name, justify="right" if i else "left")

        searches = of_part(found, part, settings.samplers)
        for line in table.lines(searches):
            grid.add_row(*line)

        console.print()
        console.print(grid)
        console.print(table.summary(searches), markup=False, highlight=False)


def _delete(settings: Settings, dataset: Dataset, storage: BaseStorage) -> None:
    """Delete the studies of this comparison, and no others."""
    names = {study_name(settings, job, dataset.name) for job in jobs(settings)}
    for summary in optuna.get_all_study_summaries(storage):
        if summary.study_name in names:
            optuna.delete_study(study_name=summary.study_name, storage=storage)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
