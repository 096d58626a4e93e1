"""Command line of the paper's check: `python -m studies.paper`."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import optuna
from rich.console import Console

from studies.folders import writable
from studies.paper import crew
from studies.paper.plan import Plan, full_plan, quick_plan
from studies.paper.recorded import export
from studies.paper.sweep import Sweep
from studies.processes import CONTINUE, WorkerError
from studies.recorded import FOLDER

_DOCS = FOLDER.parent.parent / "docs"

# Exit codes.
_FAILED = 1
_WRONG_INPUT = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    options = _parser().parse_args(arguments)
    console = Console()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return int(options.run(options, console))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _WRONG_INPUT
    except WorkerError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print(f"Stopped. {CONTINUE}", file=sys.stderr)
        return _INTERRUPTED


def _sweep(options: argparse.Namespace, console: Console) -> int:
    plan, folder = _place(options)
    if options.jobs < 1 or not options.minutes >= 0:
        raise ValueError(
            f"jobs must be at least 1 and minutes at least 0, but are {options.jobs} and "
            f"{options.minutes:g}"
        )
    # Check the folder of the tables now, not after hours of training.
    _tables(options)

    deadline = time.time() + 60 * options.minutes if options.minutes else math.inf
    n_missing = crew.run_all(plan, folder, options.jobs, deadline, console)
    _export(options, console)
    if n_missing:
        console.print(
            f"Runs still to do: {n_missing:,}. {CONTINUE}",
            highlight=False,
        )
    return 0


def _export(options: argparse.Namespace, console: Console) -> int:
    plan, folder = _place(options)
    tables = _tables(options)
    paths = export(Sweep(plan, folder), tables)
    megabytes = sum(path.stat().st_size for path in paths) / 2**20
    console.print(
        f"{len(paths)} tables in {tables}, {megabytes:.2f} MB.", soft_wrap=True, highlight=False
    )
    return 0


def _report(options: argparse.Namespace, console: Console) -> int:
    # Imported here, since a sweep draws nothing.
    from studies.paper import report

    page = report.write(Path(options.tables), Path(options.to))
    figures = page.parent / report.FIGURES
    console.print(f"{page} and its figures in {figures}.", highlight=False)
    return 0


def _place(options: argparse.Namespace) -> tuple[Plan, Path]:
    """Return what to train, and the folder of the studies."""
    if options.seeds < 0:
        raise ValueError(f"seeds must be at least 1, but is {options.seeds}")

    if options.quick:
        return quick_plan(options.seeds or 2), Path(options.out or "sweep-quick")
    return full_plan(options.seeds or 5), Path(options.out or "sweep")


def _tables(options: argparse.Namespace) -> Path:
    """Return the folder of the tables."""
    if options.quick and not options.to:
        _, folder = _place(options)
        return writable(folder, "--out")
    return writable(Path(options.to or FOLDER), "--to")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies.paper",
        description="Trains the paper's runs again and checks what the paper claims.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sweep = commands.add_parser("sweep", help="train the runs (hours; can be stopped any time)")
    sweep.set_defaults(run=_sweep)
    _add_places(sweep)
    sweep.add_argument("--jobs", type=int, default=2, help="number of processes, one core each")
    sweep.add_argument(
        "--minutes",
        type=float,
        default=0,
        help="start no run after this many minutes; 0 means no limit",
    )

    again = commands.add_parser("export", help="write the runs trained so far as tables")
    again.set_defaults(run=_export)
    _add_places(again)

    report = commands.add_parser("report", help="check the paper's claims against the tables")
    report.set_defaults(run=_report)
    report.add_argument(
        "--from",
        dest="tables",
        default=FOLDER,
        help="folder of the tables (default: studies/recorded)",
    )
    report.add_argument(
        "--to", default=_DOCS, help="folder for paper.md and its figures (default: docs)"
    )
    return parser


def _add_places(command: argparse.ArgumentParser) -> None:
    """Add the options that say what is trained and where it is kept."""
    add = command.add_argument
    add("--quick", action="store_true", help="a miniature on small digits, to see it work")
    add("--seeds", type=int, default=0, help="seeds of each run (default: 5; quick: 2)")
    add("--out", help="folder of the studies (default: sweep or sweep-quick)")
    add("--to", help="folder of the tables (default: studies/recorded; quick: that of --out)")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
