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
from studies.recorded import FOLDER

_DOCS = FOLDER.parent.parent / "docs"
_FAILED, _USAGE, _STOPPED = 1, 2, 130  # exit codes: the last two for wrong input, interrupted


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    console = Console()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return int(options.run(options, console))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except crew.WorkerError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return _STOPPED


def _sweep(options: argparse.Namespace, console: Console) -> int:
    plan, folder = _place(options)
    if options.jobs < 1 or not options.minutes >= 0:
        raise ValueError(
            f"jobs must be at least 1 and minutes at least 0, but are {options.jobs} and "
            f"{options.minutes:g}"
        )
    _tables(options)  # looked at now, not after hours
    deadline = time.time() + 60 * options.minutes if options.minutes else math.inf
    missing = crew.run_all(plan, folder, options.jobs, deadline, console)
    _export(options, console)
    if missing:
        console.print(
            f"Runs still to do: {missing:,}. The same command goes on from here.", highlight=False
        )
    return 0


def _export(options: argparse.Namespace, console: Console) -> int:
    plan, folder = _place(options)
    tables = _tables(options)
    written = export(Sweep(plan, folder), tables)
    size = sum(path.stat().st_size for path in written) / 2**20
    console.print(
        f"{len(written)} tables in {tables}, {size:.2f} MB.", soft_wrap=True, highlight=False
    )
    return 0


def _report(options: argparse.Namespace, console: Console) -> int:
    # Here and not above: a sweep draws nothing.
    from studies.paper import report

    page = report.write(Path(options.tables), Path(options.to))
    console.print(f"{page} and its figures in {page.parent / report.FIGURES}.", highlight=False)
    return 0


def _place(options: argparse.Namespace) -> tuple[Plan, Path]:
    """What is to be trained, and the folder of its studies."""
    if options.seeds < 0:
        raise ValueError(f"seeds must be at least 1, but is {options.seeds}")
    if options.quick:
        return quick_plan(options.seeds or 2), Path(options.out or "sweep-quick")
    return full_plan(options.seeds or 5), Path(options.out or "sweep")


def _tables(options: argparse.Namespace) -> Path:
    """The folder of the tables."""
    if options.quick and not options.to:
        return writable(_place(options)[1], "--out")
    return writable(Path(options.to or FOLDER), "--to")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies.paper",
        description="Trains the paper's runs again and checks what it claims.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sweep = commands.add_parser("sweep", help="train the runs: hours; may be stopped at any time")
    again = commands.add_parser("export", help="write the runs trained so far as tables")
    for command, run in ((sweep, _sweep), (again, _export)):
        command.set_defaults(run=run)
        add = command.add_argument
        add("--quick", action="store_true", help="a miniature on digits, to see it work")
        add("--seeds", type=int, default=0, help="seeds of each run (default: 5; quick: 2)")
        add("--out", help="folder of the studies (default: sweep or sweep-quick)")
        add("--to", help="folder of the tables (default: studies/recorded; quick: that of --out)")
    sweep.add_argument("--jobs", type=int, default=2, help="processes, one core each")
    sweep.add_argument(
        "--minutes", type=float, default=0, help="start no run after these; 0: no limit"
    )
    report = commands.add_parser("report", help="check the paper's claims against the tables")
    report.set_defaults(run=_report)
    report.add_argument(
        "--from", dest="tables", default=FOLDER, help="folder of the tables (studies/recorded)"
    )
    report.add_argument("--to", default=_DOCS, help="folder of paper.md and its figures (docs)")
    return parser


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
