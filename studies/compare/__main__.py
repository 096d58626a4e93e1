"""Command line of the main job: `python -m studies.compare`."""

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
from studies.compare.results import Found, is_done, of_part, read_all
from studies.compare.search import study_name
from studies.compare.settings import CONSTANT, Job, Part, Settings, jobs
from studies.compare.workers import Place, Runner, run_all
from studies.compare.workers import Progress as Report
from studies.folders import writable
from studies.mnist.data import Dataset, load
from studies.mnist.objective import OTHERS
from studies.samplers import PRUNERS, SAMPLERS

_USAGE, _STOPPED = 2, 130  # exit codes: wrong input, interrupted


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison; returns the exit code."""
    options = _parser().parse_args(arguments)
    console = Console()
    try:
        return _compare(options, console)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return _STOPPED
    except BrokenExecutor:
        print("error: a worker process was killed. The same command goes on.", file=sys.stderr)
        return 1


def _compare(options: argparse.Namespace, console: Console) -> int:
    started = time.monotonic()
    settings = _settings(options)
    if options.jobs < 1 or not options.minutes >= 0:
        raise ValueError(
            f"jobs must be at least 1 and minutes at least 0, but are {options.jobs} and "
            f"{options.minutes:g}"
        )
    out = writable(Path(options.out), "--out")
    url = options.storage or f"sqlite:///{out / 'kappa.db'}"
    if url in ("sqlite://", "sqlite:///:memory:"):
        raise ValueError("the studies need a file that several processes share, not memory")
    dataset = load(options.data)
    console.print(f"Data: {dataset.source}", soft_wrap=True, markup=False)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = open_storage(url)
    with _alone(out):
        if options.fresh:
            _delete(settings, dataset, storage)
        finished = _run(settings, dataset, storage, _runner(options, url), console)
    found = read_all(settings, dataset.name, dataset.n_train, storage)
    _print(settings, found, console)
    page = write_page(out / "report.html", settings, found, dataset)
    console.print(f"\nStudies: {shown(url)}\nReport:  {page}", soft_wrap=True, markup=False)
    if not finished:
        console.print(
            f"\nStopped after {options.minutes:g} minutes (--minutes): only repeats that all "
            "samplers finished are shown. The same command goes on from here.",
            markup=False,
        )
    console.print(f"Done in {time.monotonic() - started:.0f} s.", markup=False)
    return 0


def _runner(options: argparse.Namespace, url: str) -> Runner:
    deadline = time.time() + 60 * options.minutes if options.minutes else math.inf
    return Runner(Place(options.data, url), options.jobs, deadline)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keeps other comparisons out of the folder: each would take the other's trials for dead.

    Raises:
        ValueError: One is running.
    """
    lock = out / ".compare.pid"
    try:
        holder = int(lock.read_text())
        os.kill(holder, 0)
    except (OSError, ValueError):
        holder = None  # no file, or that of a process that was killed
    if holder not in (None, os.getpid()):
        raise ValueError(
            f"process {holder} is running a comparison in {out}; wait for it or choose another "
            f"--out (if it is none, remove {lock})"
        )
    lock.write_text(str(os.getpid()))
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _run(
    settings: Settings, dataset: Dataset, storage: BaseStorage, runner: Runner, console: Console
) -> bool:
    """Runs what is not finished, with a progress bar; false if the time was not enough."""

    def unfinished() -> list[Job]:
        place = (dataset.name, dataset.n_train, storage)
        return [job for job in jobs(settings) if not is_done(settings, job, *place)]

    todo = unfinished()
    if not todo:
        console.print("All searches are finished; --fresh starts again.")
        return True
    largest = max(part.epochs for part in settings.parts)
    total = sum(job.part.budget * job.part.epochs for job in todo) / largest
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f} of {task.total:.0f} full runs"),
        TimeRemainingColumn(),
    )
    spent: dict[Job, float] = {}
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"{len(todo)} searches", total=total)

        def show(report: Report) -> None:
            spent[report.job] = report.spent
            done = sum(job.part.epochs * value for job, value in spent.items()) / largest
            bar.update(task, completed=min(done, total))

        run_all(settings, todo, runner, show)
        if finished := not unfinished():
            bar.update(task, completed=total)
    return finished


def _print(settings: Settings, found: Sequence[Found], console: Console) -> None:
    for part in settings.parts:
        searches = of_part(found, part, settings.samplers)
        title = f"{settings.optimizer}, {part.schedule} rate, target {part.epochs} epochs"
        if settings.others:
            title += f"; searched: {', '.join(settings.search)}"
        shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for i, name in enumerate(table.HEADER):
            shown.add_column(name, justify="right" if i else "left")
        for line in table.lines(searches):
            shown.add_row(*line)
        console.print()
        console.print(shown)
        console.print(table.summary(searches), markup=False, highlight=False)


def _delete(settings: Settings, dataset: Dataset, storage: BaseStorage) -> None:
    """Deletes the studies of this comparison, and no others."""
    names = {study_name(settings, job, dataset.name) for job in jobs(settings)}
    for summary in optuna.get_all_study_summaries(storage):
        if summary.study_name in names:
            optuna.delete_study(study_name=summary.study_name, storage=storage)


def _settings(options: argparse.Namespace) -> Settings:
    parts: list[Part] = []
    if not options.only_schedule:
        parts.append(Part(CONSTANT, options.horizon, options.budget))
    if options.schedule not in ("none", CONSTANT):
        parts.append(Part(options.schedule, options.schedule_horizon, options.schedule_budget))
    if not parts:
        raise ValueError("--only-schedule needs a --schedule other than none and constant")
    return Settings(
        parts=tuple(parts),
        samplers=_names(options.samplers),
        optimizer=options.optimizer,
        repeats=options.repeats,
        lr_range=tuple(options.lr_range),
        seed=options.seed,
        search=tuple(name.replace("-", "_") for name in _names(options.search)),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies.compare",
        description="Compares kappa-guided search with plain TPE on the MNIST model. Budgets are "
        "in full-run equivalents: samples trained over those of one run at the target horizon.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--optimizer", default="adam", help="adam or sgd")
    add("--horizon", type=int, default=12, metavar="EPOCHS", help="target at constant rate")
    add("--budget", type=float, default=10, metavar="FRE", help="of a search at constant rate")
    add("--schedule", default="cosine", help="of the second part; none leaves it out")
    add("--schedule-horizon", type=int, default=6, metavar="EPOCHS", help="its target")
    add("--schedule-budget", type=float, default=6, metavar="FRE", help="of a search there")
    add("--only-schedule", action="store_true", help="leave out the constant-rate part")
    choices = f"of {', '.join(SAMPLERS)}; +PRUNER adds one of {', '.join(PRUNERS)}"
    add("--samplers", default="kappa,tpe", help=f"separated by commas, {choices}")
    add("--repeats", type=int, default=5, help="searches of each sampler, with other seeds")
    add("--seed", type=int, default=0, help="seed of the first repeat")
    add("--lr-range", type=float, nargs=2, default=(1e-5, 1e-1), metavar=("LOW", "HIGH"))
    others = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in OTHERS.items())
    others = others.replace("_", "-")
    add("--search", default="lr", metavar="NAMES", help=f"lr, or with it any of {others}")
    add("--data", default="auto", help="auto, mnist or digits")
    add("--storage", help="URL of the studies (default: sqlite, kappa.db in the out folder)")
    add("--out", default=".", help="folder of kappa.db and report.html")
    add("--jobs", type=int, default=2, help="searches at a time, one core each")
    add("--minutes", type=float, default=0, help="start no trial after these; 0: no limit")
    add("--fresh", action="store_true", help="delete these studies and start again")
    return parser


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
