"""The options of `python -m studies.compare`, and the comparison that they ask for."""

from __future__ import annotations

import argparse
import functools
import os

from studies.compare.settings import CONSTANT, PROBE_BUDGET, Part, Settings
from studies.compare.sizes import Size, with_wishes
from studies.mnist.objective import OTHERS
from studies.samplers import PRUNERS, SAMPLERS

MINUTES = 4.25  # with some to spare for the start and the report, a comparison ends within five
_MOST_CORES = 4  # each process takes half a gigabyte


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    command = argparse.ArgumentParser(
        prog="python -m studies.compare",
        description="Compares kappa-guided search with plain TPE on the MNIST model. Budgets are "
        "in full-run equivalents (FRE): samples trained, in multiples of one run at the target "
        "horizon.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_targets(command)
    _add_size(command)
    _add_searches(command)
    _add_run(command)
    return command


def check_limits(options: argparse.Namespace) -> None:
    """Raise a ValueError if the number of processes or minutes is not allowed."""
    if options.jobs < 1 or not options.minutes >= 0:
        raise ValueError(
            f"jobs must be at least 1 and minutes at least 0, but are {options.jobs} and "
            f"{options.minutes:g}"
        )


def settings_of(options: argparse.Namespace, size: Size) -> Settings:
    """Return the comparison that the options ask for.

    Args:
        options: The options.
        size: Its size where the options leave it open.

    Raises:
        ValueError: A value is not allowed.
    """
    size = with_wishes(size, vars(options))
    parts: list[Part] = []
    if not options.only_schedule:
        parts.append(Part(CONSTANT, size.horizon, size.budget))
    if options.schedule not in ("none", CONSTANT):
        parts.append(Part(options.schedule, size.schedule_horizon, size.schedule_budget))
    if not parts:
        raise ValueError("--only-schedule needs a --schedule other than none and constant")

    searched = _names(options.search.replace("-", "_"))
    return Settings(
        parts=tuple(parts),
        samplers=_names(options.samplers),
        optimizer=options.optimizer,
        repeats=size.repeats,
        lr_range=tuple(options.lr_range),
        seed=options.seed,
        search=searched,
        probe_budget=options.probe_budget,
    )


def _cores() -> int:
    """Number of cores that a comparison uses by default."""
    return min(os.cpu_count() or 1, _MOST_CORES)


def _names(text: str) -> tuple[str, ...]:
    """Split names at commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _add_targets(command: argparse.ArgumentParser) -> None:
    """Add the options of the targets: a constant rate, and another schedule."""
    add = command.add_argument
    add("--optimizer", default="adam", help="adam or sgd")
    add("--schedule", default="cosine", help="of the second part; none leaves that part out")
    add("--only-schedule", action="store_true", help="leave out the part at a constant rate")


def _add_size(command: argparse.ArgumentParser) -> None:
    """Add the options of how much is run."""
    group = command.add_argument_group(
        "size", "Without these, it is what there is time for in --minutes on this machine."
    )
    add = functools.partial(group.add_argument, default=argparse.SUPPRESS)
    add("--horizon", type=int, metavar="EPOCHS", help="target at a constant rate")
    add("--budget", type=float, metavar="FRE", help="of each search there")
    add("--schedule-horizon", type=int, metavar="EPOCHS", help="target with the schedule")
    add("--schedule-budget", type=float, metavar="FRE", help="of each search there")
    add("--repeats", type=int, help="searches of each sampler, each with another seed")


def _add_searches(command: argparse.ArgumentParser) -> None:
    """Add the options of what is compared, and of what is searched."""
    add = command.add_argument
    add(
        "--samplers",
        default="kappa,tpe",
        help=f"names separated by commas, out of {', '.join(SAMPLERS)}; to add a pruner, write "
        f"SAMPLER+PRUNER with one of {', '.join(PRUNERS)}",
    )
    add(
        "--probe-budget",
        type=float,
        default=PROBE_BUDGET,
        metavar="FRE",
        help="what the probes of a kappa search may cost",
    )
    add("--seed", type=int, default=0, help="seed of the first repeat")
    add(
        "--lr-range",
        type=float,
        nargs=2,
        default=(1e-5, 1e-1),
        metavar=("LOW", "HIGH"),
        help="lowest and highest learning rate",
    )

    ranges = []
    for name, (low, high) in OTHERS.items():
        ranges.append(f"{name.replace('_', '-')} ({low:g} to {high:g})")

    add(
        "--search",
        default="lr",
        metavar="NAMES",
        help=f"parameters to search, separated by commas: lr, and any of {', '.join(ranges)}",
    )


def _add_run(command: argparse.ArgumentParser) -> None:
    """Add the options of where and for how long to run."""
    add = command.add_argument
    add("--data", default="auto", help="auto, mnist or digits")
    add("--storage", help="URL of the studies; None means sqlite, kappa.db in the --out folder")
    add("--out", default=".", help="folder of kappa.db and report.html")
    add("--picture", metavar="FILE.svg", help="draw the result for documents too")
    add("--jobs", type=int, default=_cores(), help="trials at a time, one core each")
    add(
        "--minutes",
        type=float,
        default=MINUTES,
        help="end after this many minutes, with what has been run by then; 0 means no limit",
    )
    add("--fresh", action="store_true", help="delete these studies and start again")
