"""Command line of the atlas: `python -m studies.atlas`."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from studies.atlas import catalog
from studies.atlas.family import TableOf
from studies.atlas.sweep import LOG, Sweep
from studies.atlas.workers import train_all
from studies.processes import CONTINUE, WorkerError
from studies.recorded import ATLAS, FOLDER

_DOCS = FOLDER.parent.parent / "docs"

# Exit codes.
_FAILED = 1
_WRONG_INPUT = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _WRONG_INPUT
    except WorkerError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print(f"Stopped. {CONTINUE}", file=sys.stderr)
        return _INTERRUPTED


def _sweep(options: argparse.Namespace) -> int:
    if options.jobs < 1 or not options.minutes >= 0:
        raise ValueError(
            f"jobs must be at least 1 and minutes at least 0, but are {options.jobs} and "
            f"{options.minutes:g}"
        )
    deadline = time.time() + 60 * options.minutes if options.minutes else math.inf
    sweep = Sweep(_chosen(options.only), Path(options.out), Path(options.to))
    n_tables = len(sweep.tables)
    n_missing = len(sweep.missing())
    print(f"{n_tables} tables, {n_missing} parts to train; see {sweep.parts / LOG}", flush=True)

    n_missing = train_all(sweep, options.jobs, deadline)
    if n_missing:
        print(f"Parts still to do: {n_missing}. {CONTINUE}")
    else:
        megabytes = sum(sweep.path(table).stat().st_size for table in sweep.tables) / 2**20
        print(f"{n_tables} tables in {sweep.to}, {megabytes:.2f} MB.")
    return 0


def _report(options: argparse.Namespace) -> int:
    # Imported here, since a sweep draws nothing.
    from studies.atlas import annealing, report
    from studies.atlas.cases import CASES, read_cases
    from studies.atlas.priors import Evidence, predict_longest
    from studies.atlas.priors_page import page as priors_page
    from studies.atlas.shots import SHOTS, read_shots

    evidence = Evidence(read_cases(Path(options.tables) / CASES))
    proposed = {}
    for name, ln_lr in predict_longest(evidence).items():
        low, middle, high = (math.exp(ln_lr.quantile(p)) for p in (0.05, 0.5, 0.95))
        proposed[name] = report.Proposed(middle, low, high)

    shots = read_shots(SHOTS) if SHOTS.exists() else []
    missed = annealing.missed(Path(options.tables), catalog.FAMILIES)
    page = report.write(
        Path(options.tables),
        Path(options.to),
        proposed=proposed,
        priors=("", *priors_page(evidence, shots), "", *annealing.section(missed)),
    )
    print(f"{page} and its figures in {page.parent / report.FIGURES}.")
    return 0


def _cases(options: argparse.Namespace) -> int:
    # Imported here, since a sweep draws no ladders.
    from studies.atlas.cases import CASES, draw_cases, write_cases

    tables = Path(options.tables)
    cases = draw_cases(tables, catalog.FAMILIES, options.ladders, _show_progress)
    write_cases(cases, tables / CASES)
    print(f"{len(cases)} cases in {tables / CASES}.")
    return 0


def _priors(options: argparse.Namespace) -> int:
    # Imported here, since a sweep estimates nothing.
    from studies.atlas import priors_page, shots
    from studies.atlas.cases import CASES, read_cases
    from studies.atlas.priors import Evidence

    tables = Path(options.tables)
    evidence = Evidence(read_cases(tables / CASES))
    fired = []
    if options.one_shot is not None:
        fired = shots.shoot(tables, evidence, options.one_shot, _show_progress)
        if options.save:
            shots.write_shots(fired, Path(options.save))

    if options.json:
        print(json.dumps(priors_page.as_json(evidence, fired), allow_nan=False))
    else:
        print("\n".join(priors_page.page(evidence, fired)))
        print(f"\n{priors_page.advice(evidence)}")
    return 0


def _annealing(options: argparse.Namespace) -> int:
    # Imported here, since a sweep estimates nothing.
    from studies.atlas import annealing

    print("\n".join(annealing.section(annealing.missed(Path(options.tables), catalog.FAMILIES))))
    return 0


def _show_progress(done: int, total: int) -> None:
    print(f"{done} of {total} tables", file=sys.stderr, flush=True)


def _chosen(words: Sequence[str]) -> list[TableOf]:
    """Return the tables whose names contain one of the words, or all without words.

    Raises:
        ValueError: There is none.
    """
    tables = list(catalog.tables())
    chosen = [table for table in tables if any(word in table.name for word in words or [""])]
    if not chosen:
        names = ", ".join(family.name for family in catalog.FAMILIES)
        raise ValueError(f"no table has {' or '.join(words)} in its name; families: {names}")
    return chosen


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies.atlas",
        description="Trains families of small tasks at many learning rates, and shows how the "
        "best rate of each moves with the horizon.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sweep = commands.add_parser("sweep", help="train the tables (can be stopped any time)")
    sweep.set_defaults(run=_sweep)
    add = sweep.add_argument
    add("only", nargs="*", help="train only tables with one of these words in their names")
    add("--jobs", type=int, default=2, help="number of processes, one core each")
    add(
        "--minutes",
        type=float,
        default=0,
        help="start no part after this many minutes; 0 means no limit",
    )
    add("--out", default="atlas-sweep", help="folder of unfinished tables and of the log")
    add("--to", default=ATLAS, help="folder of the tables (default: studies/recorded/atlas)")

    report = commands.add_parser("report", help="write docs/atlas.md from the tables")
    report.set_defaults(run=_report)
    _add_tables(report)
    report.add_argument(
        "--to", default=_DOCS, help="folder for atlas.md and its figures (default: docs)"
    )
    cases = commands.add_parser(
        "cases", help="draw the ladders of probes that the priors are estimated from"
    )
    cases.set_defaults(run=_cases)
    _add_tables(cases)
    cases.add_argument(
        "--ladders", type=int, default=5, help="ladders of each table and target (default: 5)"
    )

    annealing = commands.add_parser(
        "annealing", help="estimate how much higher the peak rate of an annealed run may be"
    )
    annealing.set_defaults(run=_annealing)
    _add_tables(annealing)

    priors = commands.add_parser(
        "priors",
        help="estimate the priors of the regimes from the tables, and evaluate them",
    )
    _add_priors(priors)
    return parser


def _add_priors(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_priors)
    add = parser.add_argument
    _add_tables(parser)
    add(
        "--one-shot",
        type=int,
        metavar="N",
        help="also draw N ladders of probes from each table, which takes a second or two each",
    )
    add("--save", help="store the outcome of the ladders in this file, for the report")
    add("--json", action="store_true", help="print one JSON object")


def _add_tables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="tables",
        default=ATLAS,
        help="folder of the tables (default: studies/recorded/atlas)",
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
