"""Command line: `python -m studies.psi predict|mnist|measures|report`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna_kappa.psi import read_curves
from studies.commands import run_command
from studies.folders import writable
from studies.psi.cells import RUNS, SEEDS
from studies.psi.prediction import Score, predict

_WIDTH = 140  # of a table that goes to a file
_SAID = 50  # a line of progress after so many trainings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code.

    Args:
        arguments: Command line without the program's name; that of the process by default.
    """
    options = _parser().parse_args(arguments)
    return run_command(options.run, options)


def _predict(options: argparse.Namespace) -> None:
    """Fit the loss law to some runs of a file, and print its scores on all of them."""
    names = [name.strip() for name in options.fit.split(",") if name.strip()]
    if not names:
        raise ValueError("--fit must name at least one run, such as cosine_24000")
    scores = predict(read_curves(options.curves, options.warmup), names)

    if options.json:
        print(json.dumps({"runs": _data(scores)}, indent=2, allow_nan=False))
    else:
        _show(scores)


def _mnist(options: argparse.Namespace) -> None:
    """Train MNIST by a Psi of recorded probes."""
    # Imported here, because torch takes a while.
    from studies.mnist.data import load
    from studies.psi.mnist import best_recorded, psi_of, train

    dataset = load("mnist")
    best = best_recorded(options.optimizer)
    for name, loss in best.items():
        print(f"{name} at its best rate in hindsight, mean of 5 seeds: {loss:.4f}")
    for seed in range(options.seeds):
        psi = psi_of(options.optimizer, seed)
        loss = train(psi, options.optimizer, seed, dataset, options.closed)
        way = "closed loop" if options.closed else "open loop"
        above = loss / min(best.values()) - 1
        text = f"Psi, {way}, probes of seed {seed}: {loss:.4f}, {above:+.1%}, {psi.formula}"
        print(text, flush=True)


def _sweep(options: argparse.Namespace) -> None:
    """Make the trainings behind the three measures that are not recorded yet."""
    for name in ("jobs", "seeds"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(options, name)}")
    if importlib.util.find_spec("schedulefree") is None:
        raise ValueError(
            "the sweep needs schedulefree; install optuna-kappa with the extra baselines"
        )

    from studies.psi.methods import N_PROBES
    from studies.psi.sweep import sweep

    path = writable(Path(options.out), "--out") / RUNS.name
    started = time.monotonic()
    trained = 0
    for trained, one in enumerate(sweep(path, options.seeds, options.jobs, N_PROBES), start=1):
        if trained % _SAID == 0:
            seconds = time.monotonic() - started
            print(f"{trained} trained in {seconds:.0f} s, now seed {one.cell.seed}", flush=True)
    print(f"{trained} trainings added to {path} in {time.monotonic() - started:.0f} s")


def _report(options: argparse.Namespace) -> None:
    """Write the page."""
    from studies.psi import report
    from studies.psi.cells import read

    docs = writable(Path(options.docs), "--docs")
    print(report.write(read(Path(options.runs)), docs))


def _data(scores: Mapping[str, Score]) -> dict[str, dict[str, float]]:
    return {
        name: {"mean_relative_error": score.mean, "worst_relative_error": score.worst}
        for name, score in scores.items()
    }


def _show(scores: Mapping[str, Score]) -> None:
    # Imported here: a machine that only trains need not have it.
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Predicted over measured loss, in % off")
    table.add_column("run")
    for heading in ("mean", "worst", "at the end", "its standard error"):
        table.add_column(heading, justify="right")
    table.add_column("fitted to")
    table.add_column("outside what was fitted")

    for name, score in scores.items():
        numbers = [f"{100 * value:.2f}" for value in (score.mean, score.worst)]
        numbers += [f"{100 * score.end:+.2f}", f"{100 * score.error:.2f}"]
        table.add_row(name, *numbers, "yes" if score.fitted else "", score.beyond)

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies.psi",
        description="Loss along any schedule of the learning rate.",
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    _add_predict(parts)
    _add_mnist(parts)
    _add_measures(parts)

    part = parts.add_parser("report", help="write docs/psi.md from the recorded trainings")
    part.add_argument("--runs", default=str(RUNS), help="file of the trainings")
    part.add_argument("--docs", default="docs", help="folder of the page (default: docs)")
    part.set_defaults(run=_report)
    return parser


def _add_predict(parts: Any) -> None:
    part = parts.add_parser(
        "predict",
        help="fit the loss law to some runs of a file and predict all of them",
        description="Fits the loss law to some runs of a file and predicts all of them. The "
        "errors in the JSON are fractions of the measured loss (0.003 is 0.3 %).",
    )
    add = part.add_argument
    add("--curves", required=True, metavar="FILE", help="CSV: run, step, rate, loss; may be .gz")
    add("--fit", required=True, metavar="RUN,...", help="names of the runs to fit the law to")
    text = "steps of linear warm-up from 0 (all before the first record); 0 for none"
    add("--warmup", type=float, metavar="STEPS", help=text)
    add("--json", action="store_true", help="print JSON instead of a table")
    part.set_defaults(run=_predict)


def _add_mnist(parts: Any) -> None:
    part = parts.add_parser(
        "mnist",
        help="train MNIST by a Psi that was fitted to probes of one full run together",
        description="Fits Psi to recorded probes that cost one run of 4 epochs together, and "
        "trains by it. Prints the validation loss at the end.",
    )
    add = part.add_argument
    add("--optimizer", choices=("adam", "sgd"), default="adam", help="default: adam")
    add("--seeds", type=int, choices=range(1, 6), default=2, help="runs, 1 to 5 (default: 2)")
    add("--closed", action="store_true", help="let the rates follow the validation loss")
    part.set_defaults(run=_mnist)


def _add_measures(parts: Any) -> None:
    measures = parts.add_parser("measures", help="time, accuracy and reliability of every method")
    commands = measures.add_subparsers(required=True, metavar="COMMAND")
    text = "train every method; goes on after an interruption"
    part = commands.add_parser("sweep", help=text, description=text.capitalize())
    jobs = os.cpu_count() or 1
    add = part.add_argument
    add("--jobs", type=int, default=jobs, help=f"processes of one thread (default: {jobs})")
    add("--seeds", type=int, default=SEEDS, help=f"seeds of each method (default: {SEEDS})")
    add("--out", default=str(RUNS.parent), help=f"folder of {RUNS.name} (default: the recorded)")
    part.set_defaults(run=_sweep)


if __name__ == "__main__":
    sys.exit(main())
