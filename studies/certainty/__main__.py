"""Command line: `python -m studies.certainty sweep|report`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import track

from studies.certainty import report, statements
from studies.commands import run_command
from studies.processes import set_up_worker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code.

    Args:
        arguments: Command line without the program's name; that of the process by default.
    """
    options = _parser().parse_args(arguments)
    return run_command(options.run, options)


def _sweep(options: argparse.Namespace) -> None:
    """Replay all searches, and store what they stated."""
    if options.jobs < 1:
        raise ValueError(f"--jobs must be at least 1, got {options.jobs}: it counts processes")

    tasks = statements.tasks()
    stated: list[statements.Stated] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, context, set_up_worker, (os.getpid(),)) as pool:
        done = pool.map(statements.replay, tasks)
        console = Console(stderr=True)
        for of_search in track(done, "searches", total=len(tasks), console=console):
            stated += of_search
    statements.write(stated, Path(options.out))


def _report(options: argparse.Namespace) -> None:
    """Write the page."""
    print(report.write(statements.read(), Path(options.docs)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m studies.certainty", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    sweep = commands.add_parser("sweep", help="replay searches and store what they state")
    jobs = os.cpu_count() or 1
    sweep.add_argument("--jobs", type=int, default=jobs, help=f"processes (default: {jobs})")
    sweep.add_argument(
        "--out", default=str(statements.STATEMENTS), help="file (default: the recorded one)"
    )
    sweep.set_defaults(run=_sweep)

    page = commands.add_parser("report", help="write docs/certainty.md from the stored statements")
    page.add_argument("--docs", default="docs", help="folder of the page (default: docs)")
    page.set_defaults(run=_report)
    return parser


if __name__ == "__main__":
    sys.exit(main())
