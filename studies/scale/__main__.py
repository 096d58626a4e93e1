"""Command line: `python -m studies.scale PART`, such as `duplicates`, `chaos` or `fuzz`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna

from studies.commands import run_command
from studies.scale import chaos
from studies.scale.duplicates import count_shared
from studies.scale.fuzz import fuzz
from studies.scale.growth import measure
from studies.scale.places import PLACES, new_storage
from studies.scale.workers import join_study, run_processes, run_threads


def _duplicates(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Several workers share a study; what they did twice."""
    for place in options.storages:
        for how in ("threads", "processes"):
            with new_storage(place) as new:
                run = run_threads if how == "threads" else run_processes
                started = time.monotonic()
                run(new.url, options.workers, options.trials, options.full_run)
                seconds = time.monotonic() - started

                shared = asdict(count_shared(join_study(new.url).get_trials(deepcopy=False)))
            rate = shared["n_trials"] / shared.pop("seconds")
            yield {
                "storage": place,
                "workers": f"{options.workers} {how}",
                **shared,
                "trials_a_second": round(rate, 2),
                "seconds": round(seconds, 1),
            }


def _chaos(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Workers are killed and started again; what is left."""
    for place in options.storages:
        with new_storage(place) as new:
            left = chaos.run(
                new.url,
                new.folder,
                n_workers=options.workers,
                seconds=options.seconds,
                full_run=options.full_run,
                heartbeat=options.heartbeat,
                restart=new.restart,
            )
        yield {"storage": place, "workers": options.workers, **left.as_dict()}


def _growth(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Studies of ever more trials; what a worker of them needs."""
    kinds = options.storages if options.storages != list(PLACES) else ["sqlite", "journal"]
    for kind in kinds:
        for size in options.sizes:
            with tempfile.TemporaryDirectory(prefix="kappa-growth-") as folder:
                yield measure(kind, size, Path(folder)).as_dict()


def _fuzz(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What is stored is damaged and read; what came of it.

    Raises:
        SystemExit: A reading did not end as it should.
    """
    logging.disable(logging.CRITICAL)  # what is left out is told of each time
    with tempfile.TemporaryDirectory(prefix="kappa-fuzz-") as folder:
        outcome = fuzz(options.count, options.seed, folder=Path(folder))
    for kind, ended in outcome.counts.items():
        yield {"kind": kind, **ended, "messages": len(outcome.errors[kind])}
    for failure in outcome.failures:
        print(f"{failure.kind} {failure.index}: {failure.text}", file=sys.stderr)
    if outcome.failures:
        raise SystemExit(1)


PARTS: Mapping[str, Callable[[argparse.Namespace], Iterator[dict[str, Any]]]] = {
    "duplicates": _duplicates,
    "chaos": _chaos,
    "fuzz": _fuzz,
    "growth": _growth,
}


def _print_rows(options: argparse.Namespace) -> None:
    for row in PARTS[options.part](options):
        print(json.dumps(row), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line of JSON for each storage, and return the exit code.

    Args:
        arguments: Command line without the program's name; that of the process by default.
    """
    options = _parser().parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return run_command(_print_rows, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies.scale",
        description="Many workers on one study, on storages that are made for it and removed.",
    )
    add = parser.add_argument
    add("part", choices=list(PARTS), help="what is done twice; kills; damaged files; size")
    add("--storages", nargs="+", default=list(PLACES), metavar="KIND", help=", ".join(PLACES))
    add("--workers", type=int, default=8, help="workers at the same time (8)")
    add("--trials", type=int, default=48, help="duplicates: trials of a study (48)")
    add("--full-run", type=float, default=0.05, help="seconds that a full run takes (0.05)")
    add("--seconds", type=float, default=60.0, help="chaos: how long (60)")
    sizes = [100, 1_000, 10_000]
    text = "growth: finished trials (100 1000 10000); --storages may be memory, sqlite, journal"
    add("--sizes", type=int, nargs="+", default=sizes, metavar="N", help=text)
    add("--count", type=int, default=10_000, help="fuzz: readings of damaged things (10000)")
    add("--seed", type=int, default=0, help="fuzz: of the damages (0)")
    text = "chaos: seconds between two signs of life of a trial; none without"
    add("--heartbeat", type=int, help=text)
    return parser


if __name__ == "__main__":
    sys.exit(main())
