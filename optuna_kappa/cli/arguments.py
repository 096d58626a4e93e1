"""Options that several commands share."""

from __future__ import annotations

import argparse

import numpy as np

from optuna_kappa.runs.mapping import ColumnNames
from optuna_kappa.schedules import CONSTANT

HORIZON_UNIT = "in the unit of the runs (or in epochs, if a column 'epoch' has the samples in one)"

_WHICH_RUNS = """\
A run table or a study. Horizons are in the unit of the runs (samples, tokens
or steps). A lower loss is better. If a study maximizes, its values are taken
with the other sign."""

_WHICH_COLUMNS = """\
Where columns have other names than run, lr, schedule, horizon, step and loss.
A history of a tracker is read as it is: gaps, steps logged twice after a
restart, and the current rate in place of the base rate are recognised."""


def add_runs(command: argparse.ArgumentParser, horizon_option: bool = False) -> None:
    """Add the options that say which runs to use, and which columns of a table hold what.

    Args:
        command: Parser of the command.
        horizon_option: Whether --horizon names the column of horizons, for commands that have no
            other use for it.

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
        help="run table (.csv, .csv.gz, .parquet), export of W&B, MLflow store, or folder of "
        "TensorBoard or Lightning logs",
    )
    _add_study_options(group, required=False)
    group.add_argument(
        "--trained-with",
        default="constant",
        metavar="SCHEDULE",
        help="schedule of runs and trials that do not say theirs (default: constant)",
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
    add_columns(command, horizon_option)


def add_columns(command: argparse.ArgumentParser, horizon_option: bool = False) -> None:
    """Add the options that say which columns hold what. --lr is among those of a study.

    Args:
        command: Parser of the command.
        horizon_option: Whether --horizon names the column of horizons.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_columns(parser)
        >>> parser.parse_args(["--loss", "val/loss"]).loss
        'val/loss'
    """
    group = command.add_argument_group("columns of the run table", _WHICH_COLUMNS)
    names = ["--horizon-column", *(["--horizon"] if horizon_option else [])]
    group.add_argument(
        *names,
        dest="horizon_column",
        metavar="COLUMN",
        help="the data each run was planned to see, or that of all runs as a number (default: "
        "horizon; without it, each run's last step)",
    )
    group.add_argument("--step", metavar="COLUMN", help="the data seen (default: step)")
    group.add_argument("--loss", metavar="COLUMN", help="the loss (default: loss)")
    group.add_argument(
        "--run", dest="run_column", metavar="COLUMN", help="what tells runs apart (default: run)"
    )
    group.add_argument(
        "--schedule-column",
        metavar="COLUMN",
        help="the name of the schedule (default: schedule)",
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


def column_names(options: argparse.Namespace) -> ColumnNames:
    """Return the names of columns that the options give.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_runs(parser)
        >>> column_names(parser.parse_args(["runs.csv", "--loss", "val/loss"])).mapped
        ['loss']
    """
    # The default of --lr is that of both, columns and parameters.
    lr = None if options.lr == "lr" else options.lr
    schedule = options.schedule_column
    if schedule is None and options.trained_with != CONSTANT:
        schedule = options.trained_with
    return ColumnNames(
        run=options.run_column,
        lr=lr,
        schedule=schedule,
        horizon=_number_or_name(options.horizon_column),
        step=options.step,
        loss=options.loss,
    )


def _number_or_name(text: str | None) -> str | float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


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
        help="Optuna storage: sqlite:///my.db, another database, a journal file, grpc://host:port",
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
        help="name of the learning rate, a column or a parameter (default: lr)",
    )
