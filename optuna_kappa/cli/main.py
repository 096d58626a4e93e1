"""The command line: parses the arguments, runs a command, turns errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import optuna

from optuna_kappa.cli import backtest, explain, fit, propose

_COMMANDS = {"fit": fit, "propose": propose, "backtest": backtest, "explain": explain}
_USAGE, _STOPPED, _PIPE = 2, 130, 141  # exit codes: wrong input, interrupted, nobody reads on

_DESCRIPTION = """\
How the best learning rate (lr) moves with the data that a training run sees
(its horizon), learned from runs that you have: a table, or an Optuna study.

  optuna-kappa fit runs.csv                      the law that the runs follow
  optuna-kappa propose runs.csv --horizon 1e11   the lr for a longer run
  optuna-kappa backtest runs.csv                 would it have worked on these?

  optuna-kappa explain --storage sqlite:///my.db     why trials were pruned
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows `optuna-kappa`; by default the arguments of the process.

    Returns:
        The exit code: 0, 2 for wrong input, 130 when interrupted, 141 when nobody reads on.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        try:
            options = _parser().parse_args(arguments)
            options.run(options)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would raise once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _STOPPED
    return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; raises a ValueError where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; {self.prog} --help shows what can be given")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="optuna-kappa",
        description=_DESCRIPTION,
        epilog="optuna-kappa COMMAND --help says more of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.DESCRIPTION, usage=module.USAGE
        )
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=module.run)
    return parser
