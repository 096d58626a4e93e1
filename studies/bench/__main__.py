"""Command line of the benchmarks: `python -m studies.bench`, or only `... training`."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Mapping, Sequence

import optuna
from rich.console import Console

from studies.bench.report import Report
from studies.samplers import check

_USAGE = 2  # exit code: wrong input
_STOPPED = 130  # exit code: interrupted
_DASHBOARD_TIMES = 10  # a dashboard looks at a study every few seconds
_WIDTH = 140  # of a table that goes to a file


def _training(options: argparse.Namespace) -> Report:
    from studies.bench import training  # imports torch, which takes seconds

    return training.report(options.source, options.seconds)


def _asking(options: argparse.Namespace) -> Report:
    from studies.bench import asking

    return asking.report(_sizes(options), options.asks, options.limit)


def _pruning(options: argparse.Namespace) -> Report:
    from studies.bench import pruning

    return pruning.report(_sizes(options), options.asks)


def _law(options: argparse.Namespace) -> Report:
    from studies.bench import law

    return law.report(options.seconds)


def _dashboard(options: argparse.Namespace) -> Report:
    from studies.bench import dashboard  # needs optuna-dashboard

    return dashboard.report(1_000, _DASHBOARD_TIMES * options.seconds)


def _sizes(options: argparse.Namespace) -> list[int]:
    try:
        return [int(n) for n in options.trials.split(",")]
    except ValueError:
        raise ValueError(f"--trials must be N,... such as 100,1000: {options.trials!r}") from None


PARTS: Mapping[str, Callable[[argparse.Namespace], Report]] = {
    "training": _training,
    "asking": _asking,
    "pruning": _pruning,
    "law": _law,
    "dashboard": _dashboard,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks, print the results and return the exit code.

    Args:
        arguments: Command line without the program's name; that of the process by default.
    """
    options = _parser().parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parts = options.parts or list(PARTS)
    data = {}

    try:
        check(parts, list(PARTS), "part")
        for name in parts:
            report = PARTS[name](options)
            data[name] = report.data
            if not options.json:
                _console().print(*report.shown, sep="\n", highlight=False)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _STOPPED

    if options.json:
        print(json.dumps({"machine": platform.machine(), **data}, indent=2, allow_nan=False))
    return 0


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies.bench",
        description="Times the candidates in turn, so that a machine that slows down or is shared "
        "slows all of them alike.",
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all)")
    add("--json", action="store_true", help="print JSON instead of tables")
    text = (
        "training, law: seconds for each case (and number of threads) or table; dashboard: a "
        "tenth of the seconds for each case and round (3)"
    )
    add("--seconds", type=float, default=3.0, help=text)
    text = "training: auto, mnist or digits (auto)"
    add("--source", choices=("auto", "mnist", "digits"), default="auto", help=text)
    text = "asking, pruning: finished trials of the studies (100,1000,10000)"
    add("--trials", default="100,1000,10000", metavar="N,...", help=text)
    text = "asking: asks of each sampler; pruning: trials that each pruner judges (15)"
    add("--asks", type=int, default=15, metavar="N", help=text)
    text = (
        "asking: seconds after which a single ask is given up, and after which, summed over its "
        "asks, a sampler is not asked again (30)"
    )
    add("--limit", type=float, default=30.0, metavar="SECONDS", help=text)
    return parser


if __name__ == "__main__":
    sys.exit(main())
