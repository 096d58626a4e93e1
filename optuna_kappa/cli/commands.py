"""Parses the arguments, runs a command, and turns errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import optuna

from optuna_kappa._validation import one_line
from optuna_kappa.cli import (
    backtest,
    dashboard,
    explain,
    fit,
    importing,
    plan,
    propose,
    psi,
    recommend,
    report,
    schedule,
    storage,
    studies,
    tune,
    worker,
)
from optuna_kappa.cli.output import machine_format, print_text, warnings_as_notes
from optuna_kappa.cli.outputs import check_outputs, say_what_was_written

_COMMANDS = {
    "tune": tune,
    "worker": worker,
    "import": importing,
    "fit": fit,
    "propose": propose,
    "backtest": backtest,
    "plan": plan,
    "psi": psi,
    "schedule": schedule,
    "studies": studies,
    "recommend": recommend,
    "explain": explain,
    "report": report,
    "dashboard": dashboard,
    "storage": storage,
}

_WRONG_INPUT = 2
_NOBODY_READS = 141  # as shells report a program whose output pipe was closed

_DESCRIPTION = """\
Find learning rates (lr) for long training runs from short ones.

The best lr moves with the data that a run sees: its horizon. optuna-kappa
learns how from runs that you have, in a table or in an Optuna study.
"""
_EXAMPLES = """\
examples:
  optuna-kappa tune train.py:objective --horizon 24   # search yours
  optuna-kappa import runs.csv --study a --horizon 256  # go on from your runs
  optuna-kappa fit runs.csv                        # the law of these runs
  optuna-kappa propose runs.csv --horizon 256      # the lr for a longer run
  optuna-kappa backtest runs.csv                   # would the law have worked?
  optuna-kappa plan --horizon 24                   # what probes to run
  optuna-kappa schedule runs.csv --horizon 64      # which schedule is best?
  optuna-kappa studies --storage sqlite:///my.db   # what is in a storage
  optuna-kappa explain --storage sqlite:///my.db   # why trials were pruned
  optuna-kappa dashboard sqlite:///my.db           # watch it in the browser

To try them, make a small table of runs, and a small study:

  python -c "from optuna_kappa.runs import *; example_runs().to_csv('runs.csv')"
  python -c "from optuna_kappa.study import *; example_study('sqlite:///my.db')"

"optuna-kappa COMMAND --help" describes a command.
"""


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments ask for.

    Args:
        arguments: The words after `optuna-kappa`; by default the arguments of the process.

    Returns:
        The exit code, as `optuna_kappa.cli.main` describes it.

    Example:
        >>> run_command(["explain", "--storage", "sqlite:///no-such.db"])
        2
    """
    # What Optuna logs about studies, and warns of in storages, would mix with notes and errors.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        try:
            options = _parser().parse_args(arguments)
            check_outputs(options)
            form = getattr(options, "format", "table")
            options.json = form != "table"
            with warnings_as_notes(), machine_format(form):
                options.run(options)
                say_what_was_written(options)
        finally:
            # A closed pipe shows here, and not when the interpreter ends.
            if sys.stdout is not None:  # None in a process that was started without an output
                sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would raise once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except (ValueError, OSError) as error:
        print_text(f"error: {one_line(str(error))}", sys.stderr)
        return _WRONG_INPUT

    return 0


class _Parser(argparse.ArgumentParser):
    """Raises a ValueError with one line of text where argparse would print usage and exit."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; {self.prog} --help shows what can be given")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="optuna-kappa",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            usage=module.USAGE,
            description=module.DESCRIPTION,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        if getattr(module, "HAS_RESULTS", True):
            _add_format(command)
        command.set_defaults(run=module.run)

    return parser


def _add_format(command: argparse.ArgumentParser) -> None:
    """Add the options that say how results are printed, as those of Optuna's own commands."""
    command.add_argument(
        "-f",
        "--format",
        choices=("table", "json", "csv"),
        default="table",
        help="how to print: table, json or csv (default: table)",
    )
    command.add_argument(
        "--json",
        action="store_const",
        const="json",
        dest="format",
        help="print JSON, as -f json does",
    )
