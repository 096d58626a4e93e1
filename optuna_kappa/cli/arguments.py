"""Options that several commands share."""

from __future__ import annotations

import argparse

import numpy as np

HORIZON_UNIT = "in the unit of the runs (or in epochs, if a column 'epoch' has the samples in one)"

_WHICH_RUNS = """\
A run table or a study. Horizons are in the unit of the runs (samples, tokens
or steps). A lower loss is better. If a study maximizes, its values are taken
with the other sign."""


def add_runs(command: argparse.ArgumentParser) -> None:
    """Add the options that say which runs to use.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_runs(parser)
        >>> parser.parse_args(["runs.csv", "--context", "optimizer"]).context
        'optimizer'
    """
    group = command.add_argument_group("which runs", _WHICH_RUNS)
    group.add_argument(
        "runs",
        nargs="?",  # left out where a study is given
        metavar="RUNS",
        help="run table, .csv or .csv.gz, with the columns run, lr, schedule, horizon, step, loss",
    )
    _add_study_options(group, required=False)
    group.add_argument(
        "--trained-with",
        default="constant",
        metavar="SCHEDULE",
        help="schedule of the study's trials, unless KappaSampler planned it (default: constant)",
    )
    group.add_argument(
        "--where",
        default="",
        metavar="COLUMN=VALUE,...",
        help="use only runs with these values",
    )
    group.add_argument(
        "--context",
        default="",
        metavar="COLUMN,...",
        help="columns or parameters that change the optimum, such as optimizer,batch_size; each "
        "of their values is a group with a law of its own",
    )


def add_study(command: argparse.ArgumentParser) -> None:
    """Add the options that say which study to use.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_study(parser)
        >>> parser.parse_args(["--storage", "sqlite:///my.db"]).lr
        'lr'
    """
    _add_study_options(command.add_argument_group("which study"), required=True)


def add_figure(command: argparse.ArgumentParser) -> None:
    """Add the option that asks for a page with figures.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_figure(parser)
        >>> parser.parse_args(["--figure", "law.html"]).figure
        'law.html'
    """
    command.add_argument(
        "--figure",
        metavar="FILE.html",
        help="also write a page with figures",
    )


def add_unit(command: argparse.ArgumentParser) -> None:
    """Add the option that names the unit of a horizon.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_unit(parser)
        >>> parser.parse_args([]).unit
        'samples'
    """
    command.add_argument(
        "--unit",
        default="samples",
        metavar="NAME",
        help="name of the unit of a horizon, for the figures (default: samples)",
    )


def parse_horizon(text: str) -> float:
    """Return the horizon that a text stands for, positive and finite.

    Raises:
        ArgumentTypeError: The text is something else.

    Example:
        >>> parse_horizon("1e11")
        100000000000.0
    """
    try:
        horizon = float(text)
    except ValueError:
        # --horizon takes all the words after it, a run table too.
        raise argparse.ArgumentTypeError(
            f"must be a number, but is {text!r} (RUNS comes before this option)"
        ) from None
    if not 0 < horizon < np.inf:
        raise argparse.ArgumentTypeError(f"must be positive and finite, but is {text}")

    return horizon


def _add_study_options(group: argparse._ArgumentGroup, *, required: bool) -> None:
    group.add_argument(
        "--storage",
        required=required,
        metavar="URL",
        help="Optuna storage, such as sqlite:///my.db",
    )
    group.add_argument(
        "--study",
        metavar="NAME",
        help="name of the study, if the storage has several",
    )
    group.add_argument(
        "--lr",
        default="lr",
        metavar="NAME",
        help="name of the study's learning-rate parameter (default: lr)",
    )
