"""What can be given to `optuna-kappa`, and its help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NoReturn

import numpy as np

_DESCRIPTION = """\
How the best learning rate (lr) moves with the data that a training run sees
(its horizon), learned from runs that you have: a table, or an Optuna study.

  optuna-kappa fit runs.csv                      the law that the runs follow
  optuna-kappa propose runs.csv --horizon 1e11   the lr for a longer run
  optuna-kappa backtest runs.csv                 would it have worked on these?

  optuna-kappa explain --storage sqlite:///my.db     why trials were pruned
"""
_HELP = {
    "fit": (
        "fit the law",
        "Fits how the best lr moves with the horizon, and says whether it holds: the optimum "
        "found at each horizon, the slope, and a verdict.",
    ),
    "propose": (
        "propose an lr for a longer run",
        "Proposes learning rates for longer runs, or for another schedule, with a 90 % interval.",
    ),
    "backtest": (
        "hide the longest runs, propose for them, and compare",
        "Hides the largest horizon, fits the law to what lies below, proposes for the hidden "
        "horizon, and shows the regret: by how much the loss recorded there is above the best. "
        "Beside it, the same for copying the best lr of the largest horizon left, and for moving "
        "that lr as horizon^-0.32, ^-0.5 and ^-1.",
    ),
    "explain": (
        "why trials of a study were pruned",
        "Lists the pruned trials of a study: where each was ended, with which probability to "
        "become the best, and why. With --trial N: what became of one trial, pruned or not, and "
        "what KappaPruner decided about it, phase by phase.",
    ),
}
_IN_UNIT = "in the unit of the runs (or in epochs, where a column 'epoch' says how many make one)"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; {self.prog} --help shows what can be given")


def parser(
    commands: Mapping[str, Callable[[argparse.Namespace], None]],
) -> argparse.ArgumentParser:
    """The parser of the command line; it raises a ValueError where argparse would exit.

    Args:
        commands: What runs each command, set as the option `run`.
    """
    made = _Parser(
        prog="optuna-kappa",
        description=_DESCRIPTION,
        epilog="optuna-kappa COMMAND --help says more of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added = made.add_subparsers(required=True, metavar="COMMAND")
    own = {
        "fit": _add_fit,
        "propose": _add_propose,
        "backtest": _add_backtest,
        "explain": _add_explain,
    }
    for name, run in commands.items():
        text, description = _HELP[name]
        command = added.add_parser(name, help=text, description=description, usage=_usage(name))
        command.set_defaults(run=run)
        own[name](command)
        command.add_argument("--json", action="store_true", help="print JSON")
    return made


def _usage(name: str) -> str:
    """How a command is called; RUNS comes first, since --horizon takes all that follows."""
    if name == "explain":
        return "optuna-kappa explain --storage URL [options]"
    required = "--horizon D [D ...] " if name == "propose" else ""
    sources = ["RUNS", "--storage URL", *(["--law FILE"] if required else [])]
    lines = [f"optuna-kappa {name} {source} {required}[options]" for source in sources]
    return "\n       ".join(lines)


def _add_runs(command: argparse.ArgumentParser) -> None:
    """Adds the options that say which runs are meant."""
    add = command.add_argument_group(
        "which runs",
        "A run table or a study. The unit of a horizon (samples, tokens, steps) is that of the "
        "runs; a lower loss is better, and of a study that maximises the sign is turned.",
    ).add_argument
    text = "run table, .csv or .csv.gz, with the columns run, lr, schedule, horizon, step, loss"
    add("runs", nargs="?", metavar="RUNS", help=text)
    _add_study(add)
    text = "schedule of the study's trials, where KappaSampler did not plan them (constant)"
    add("--trained-with", default="constant", metavar="SCHEDULE", help=text)
    add("--where", default="", metavar="COLUMN=VALUE,...", help="only these runs")
    text = "columns or parameters (optimizer, batch size) that the optimum depends on: each of "
    text += "their values is a group with a law of its own"
    add("--context", default="", metavar="COLUMN,...", help=text)


def _add_study(add: Callable[..., argparse.Action], *, required: bool = False) -> None:
    """Adds the options that say which study is meant."""
    text = "Optuna storage, such as sqlite:///my.db"
    add("--storage", required=required, metavar="URL", help=text)
    add("--study", metavar="NAME", help="study in it, if it holds several")
    add("--lr", default="lr", metavar="NAME", help="learning-rate parameter of the study (lr)")


def _add_fit(command: argparse.ArgumentParser) -> None:
    _add_runs(command)
    command.add_argument("--save", metavar="FILE", help="keep the law, for propose --law")
    _add_figure(command)
    _add_unit(command)


def _add_propose(command: argparse.ArgumentParser) -> None:
    _add_runs(command)
    add = command.add_argument
    add("--law", metavar="FILE", help="law of fit --save, in place of runs")
    text = f"horizons to propose for, {_IN_UNIT}"
    add("--horizon", type=_horizon, nargs="+", required=True, metavar="D", help=text)
    text = "schedule to propose for, such as 'cosine(warmup=0.05)' (that of the runs)"
    add("--schedule", help=text)
    _add_figure(command)
    _add_unit(command)


def _add_backtest(command: argparse.ArgumentParser) -> None:
    _add_runs(command)
    add = command.add_argument
    text = f"horizon to hide, {_IN_UNIT}; otherwise the largest with four learning rates"
    add("--hide", type=_horizon, metavar="D", help=text)
    text = "largest horizon to fit to; otherwise the next smaller one, or half of the hidden one "
    text += "where constant-rate runs are of one length"
    add("--fit-up-to", type=_horizon, metavar="D", help=text)
    add("--all", action="store_true", help="show all groups, however many")


def _add_explain(command: argparse.ArgumentParser) -> None:
    _add_study(command.add_argument_group("which study").add_argument, required=True)
    add = command.add_argument
    add("--trial", type=int, metavar="N", help="number of a trial")
    text = "the epsilon of the study's KappaPruner, with --trial (its default). Decisions are not "
    text += "stored: they are worked out again with this one, and with the defaults of all other "
    text += "arguments. Why a trial was pruned is stored, and shown as it was"
    add("--epsilon", type=float, metavar="E", help=text)
    _add_figure(command)


def _add_figure(command: argparse.ArgumentParser) -> None:
    command.add_argument("--figure", metavar="FILE.html", help="write a page with the figures")


def _add_unit(command: argparse.ArgumentParser) -> None:
    text = "what a horizon counts, for the figures (samples)"
    command.add_argument("--unit", default="samples", metavar="NAME", help=text)


def _horizon(text: str) -> float:
    try:
        horizon = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number, but is {text!r} (RUNS comes before this option)"
        ) from None
    if not 0 < horizon < np.inf:
        raise argparse.ArgumentTypeError(f"must be positive and finite, but is {text}")
    return horizon
