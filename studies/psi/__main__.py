"""Command line: `python -m studies.psi predict --curves FILE --fit RUN,...`, and `mnist`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from optuna_kappa.psi import read_curves
from studies.psi.prediction import Score, predict

_USAGE = 2  # exit code: wrong input
_STOPPED = 130  # exit code: interrupted
_WIDTH = 140  # of a table that goes to a file


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, predict, print the scores and return the exit code.

    Args:
        arguments: Command line without the program's name; that of the process by default.
    """
    options = _parser().parse_args(arguments)
    if options.part == "mnist":
        return _mnist(options)
    names = [name.strip() for name in options.fit.split(",") if name.strip()]

    try:
        if not names:
            raise ValueError("--fit must name at least one run, such as cosine_24000")
        scores = predict(read_curves(options.curves, options.warmup), names)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _STOPPED

    if options.json:
        print(json.dumps({"runs": _data(scores)}, indent=2, allow_nan=False))
    else:
        _show(scores)
    return 0


def _mnist(options: argparse.Namespace) -> int:
    # Imported here, because torch takes a while.
    from studies.mnist.data import load
    from studies.psi.mnist import best_recorded, psi_of, train

    try:
        dataset = load("mnist")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE

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
    return 0


def _data(scores: Mapping[str, Score]) -> dict[str, dict[str, float]]:
    return {
        name: {"mean_relative_error": score.mean, "worst_relative_error": score.worst}
        for name, score in scores.items()
    }


def _show(scores: Mapping[str, Score]) -> None:
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
    return parser


if __name__ == "__main__":
    sys.exit(main())
