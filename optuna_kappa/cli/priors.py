"""Options that say what is known before any run, and the prior that follows from them."""

from __future__ import annotations

import argparse

from optuna_kappa.law import PRIORS, Prior, prior_for
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.selection import in_unit

_KNOWN = """\
It is where the law starts from. The runs correct it."""


def add_prior(command: argparse.ArgumentParser, counted_for: str) -> None:
    """Add the options that say what is known before any run.

    Args:
        command: Parser of the command.
        counted_for: The run whose passes over the data are counted.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_prior(parser, "the longest run")
        >>> parser.parse_args(["--optimizer", "adam", "--passes", "24"]).passes
        24.0
    """
    group = command.add_argument_group("what is known before any run", _KNOWN)
    group.add_argument(
        "--prior",
        choices=tuple(PRIORS),
        metavar="NAME",
        help=f"a named prior: {', '.join(PRIORS)}; default: what follows from the next two, and "
        "mixture without them",
    )
    group.add_argument("--optimizer", metavar="NAME", help="optimizer of the runs, such as adam")
    group.add_argument(
        "--passes",
        type=float,
        metavar="N",
        help=f"passes over the data in {counted_for}; at most 1 if it sees fresh data only",
    )


def asks_for_prior(options: argparse.Namespace) -> bool:
    """Whether the options say anything about the prior.

    Example:
        >>> asks_for_prior(argparse.Namespace(prior=None, optimizer="adam", passes=None))
        True
    """
    known = (options.prior, options.optimizer, options.passes)
    return any(value is not None for value in known)


def check_prior(options: argparse.Namespace) -> None:
    """Check the options that say what is known, before any run is read.

    Raises:
        ValueError: One of them is not allowed, or they contradict each other.

    Example:
        >>> check_prior(argparse.Namespace(prior="paper", optimizer="adam", passes=None))
        Traceback (most recent call last):
        ValueError: give either --prior or --optimizer and --passes, not both: ...
    """
    follows = options.optimizer is not None or options.passes is not None
    if options.prior is not None and follows:
        raise ValueError(
            "give either --prior or --optimizer and --passes, not both: a prior stands in place "
            "of what follows from them"
        )

    # Any horizon does: the true one is known once the runs are read.
    prior_for(options.prior, optimizer=options.optimizer, passes=options.passes, horizon=1.0)


def prior_of(options: argparse.Namespace, runs: RunTable, planned: float | None) -> Prior:
    """The prior that the options ask for.

    Args:
        options: Options of the command.
        runs: The runs that the law is fitted to.
        planned: Horizon of the run whose passes are counted; None for the longest of `runs`.

    Raises:
        ValueError: An option is not allowed.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> options = argparse.Namespace(prior=None, optimizer="adam", passes=24)
        >>> prior_of(options, example_runs(), planned=None).name
        'adaptive, repeated data'
    """
    longest = float(runs.horizon.max()) if planned is None else in_unit(runs, planned)
    return prior_for(
        options.prior,
        optimizer=options.optimizer,
        passes=options.passes,
        horizon=longest,
    )
