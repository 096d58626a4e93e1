"""Command line: `python -m studies.budgets sweep|search|report`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import optuna

from studies.budgets import report, searches, sweep
from studies.commands import run_command
from studies.folders import writable

_PACKAGES = ("prodigyopt", "dadaptation", "schedulefree", "dog")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code.

    Args:
        arguments: Command line without the program's name; that of the process by default.
    """
    options = _parser().parse_args(arguments)
    return run_command(options.run, options)


def _sweep(options: argparse.Namespace) -> None:
    """Train what is not recorded yet."""
    for name in ("jobs", "seeds"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(options, name)}")

    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"the sweep needs {', '.join(missing)}; install optuna-kappa with the extra baselines"
        )

    path = Path(options.out)
    done = {recorded.task for recorded in sweep.read(path)}
    todo = [task for task in sweep.tasks(options.seeds) if task not in done]
    for number, recorded in enumerate(sweep.sweep(todo, path, options.jobs), start=1):
        task = recorded.task
        name = f"{task.optimizer} {task.method} {recorded.lr:.3g}, seed {task.seed}"
        print(f"{number} of {len(todo)}: {name}: test loss {recorded.test:.4g}", flush=True)


def _search(options: argparse.Namespace) -> None:
    """Replay all searches."""
    if options.repeats < 1:
        raise ValueError(f"--repeats must be at least 1, got {options.repeats}")

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name in searches.replay(Path(options.out), options.repeats):
        print(name, flush=True)


def _report(options: argparse.Namespace) -> None:
    """Write the page."""
    docs = writable(Path(options.docs), "--docs")
    print(report.write(sweep.read(), searches.read(), docs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m studies.budgets", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    runs = commands.add_parser("sweep", help="train every method; goes on after an interruption")
    jobs = os.cpu_count() or 1
    runs.add_argument("--jobs", type=int, default=jobs, help=f"processes (default: {jobs})")
    text = f"seeds of each method (default: {sweep.SEEDS})"
    runs.add_argument("--seeds", type=int, default=sweep.SEEDS, help=text)
    text = "file of the results (default: the recorded one)"
    runs.add_argument("--out", default=str(sweep.RUNS), help=text)
    runs.set_defaults(run=_sweep)

    replays = commands.add_parser("search", help="replay the searches that are not recorded")
    text = f"repeats of each search (default: {searches.REPEATS})"
    replays.add_argument("--repeats", type=int, default=searches.REPEATS, help=text)
    text = "file of the results (default: the recorded one)"
    replays.add_argument("--out", default=str(searches.SEARCHES), help=text)
    replays.set_defaults(run=_search)

    page = commands.add_parser("report", help="write docs/budgets.md from the recorded results")
    page.add_argument("--docs", default="docs", help="folder of the page (default: docs)")
    page.set_defaults(run=_report)
    return parser


if __name__ == "__main__":
    sys.exit(main())
