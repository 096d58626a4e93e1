"""Command line of the replay: `python -m studies.replay search`, `... pruners`, `... misled`."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
from rich.console import Console
from rich.progress import Progress

from optuna_kappa import RunTable, read_csv
from optuna_kappa.runs.selection import parse_where, select
from studies.recorded import FOLDER
from studies.replay import pruning_report, report, results, screen, sources
from studies.replay.misled import misled
from studies.replay.results import Json, Pruned, Replay
from studies.replay.search import TOP_K
from studies.replay.table import Prepared, prepare, steps_per_unit
from studies.samplers import PRUNERS, SAMPLERS, check, check_names, check_pruners

_USAGE, _STOPPED = 2, 130  # exit codes: wrong input, interrupted
_SAMPLERS = "kappa,tpe,gp,random,tpe+median,tpe+hyperband,tpe+sha,top-k"
_PRUNERS = "median,percentile,sha,hyperband,wilcoxon,patient,kappa,top-k"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        found = options.run(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _STOPPED
    options.show(found)
    return 0


def _report(options: argparse.Namespace) -> Path:
    if options.repeats < 1:
        raise ValueError(f"repeats must be at least 1, but is {options.repeats}")
    only = _names(options.only)
    if only:
        check(only, (*report.SEARCHED, report.TRANSFER), "sampler")
    console, docs = Console(stderr=True), Path(options.docs)
    found = report.replay(Path(options.tables), options.repeats, console.print, only=only)
    kept = [report.save(one, options.repeats, docs) for one in found]
    return report.write(kept, options.repeats, docs)


def _report_pruners(options: argparse.Namespace) -> Path:
    if options.repeats < 1:
        raise ValueError(f"repeats must be at least 1, but is {options.repeats}")
    only = _names(options.only)
    if only:
        check(only, tuple(pruning_report.SETTINGS), "pruner")
    console, docs = Console(stderr=True), Path(options.docs)
    more = [Path(path) for path in options.more]
    for family in pruning_report.families(Path(options.tables), more):
        found = pruning_report.replay(
            family, options.repeats, os.cpu_count() or 1, console.print, only
        )
        pruning_report.save(family, found, options.repeats, docs)
    return pruning_report.write(docs)


def _search(options: argparse.Namespace) -> Json:
    names = _names(options.samplers)
    check_names([name for name in names if name != TOP_K] or ["tpe"])
    _check_budget(options.budget)
    lent = [read_csv(options.probes)] if options.probes else []
    made = _prepared(options, lent)
    replay, about = _replay(options, made)
    for runs in lent:
        horizon = options.probes_horizon or options.horizon
        lender = prepare(runs, options.probes_schedule, horizon, made.per_unit)
        about |= {"probes": options.probes, "probes_horizon": lender.horizon}
        replay = replay._replace(lender=lender.objective)
    with _Bar(options.repeats * len(names)) as on_done:
        return about | results.searches(replay, names, options.budget, on_done)


def _pruners(options: argparse.Namespace) -> Json:
    names = _names(options.pruners)
    check_pruners(names, (*PRUNERS, TOP_K))
    check([options.proposals], [name for name in SAMPLERS if name != "kappa"], "sampler")
    if options.trials < 1:
        raise ValueError(f"trials must be at least 1, but is {options.trials}")
    replay, about = _replay(options, _prepared(options))
    stream = Pruned(options.proposals, options.trials)
    about |= {"proposals": stream.proposer, "trials": stream.n_trials}
    with _Bar(options.repeats * len(names)) as on_done:
        return about | results.prunings(replay, names, stream, on_done)


def _misled(options: argparse.Namespace) -> Json:
    _check_budget(options.budget)
    lent = {Path(path).name.partition(".")[0]: read_csv(path) for path in _names(options.others)}
    made = _prepared(options, list(lent.values()))
    replay, about = _replay(options, made)
    others = {name: prepare(runs, None, None, made.per_unit) for name, runs in lent.items()}
    known = sources.scenarios(made, others)
    names = _names(options.scenarios) or list(known)
    check(names, list(known), "scenario")
    chosen = {name: known[name] for name in names}
    with _Bar(options.repeats * (2 + len(chosen))) as on_done:
        return about | misled(replay, chosen, options.budget, on_done)


def _prepared(options: argparse.Namespace, others: Sequence[RunTable] = ()) -> Prepared:
    """What is to be replayed, in steps that `others` can be counted in too."""
    for name in ("repeats", "jobs"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name} must be at least 1, but is {getattr(options, name)}")
    if options.seed < 0:
        raise ValueError(f"seed must be at least 0, but is {options.seed}")
    runs = select(read_csv(options.runs), parse_where(options.where))
    return prepare(runs, options.schedule, options.horizon, steps_per_unit(runs, *others))


def _replay(options: argparse.Namespace, made: Prepared) -> tuple[Replay, Json]:
    """How often it is replayed, and what that is called."""
    about = {
        "runs": options.runs,
        "schedule": made.schedule,
        "horizon": made.horizon,
        "repeats": options.repeats,
        "seed": options.seed,
    }
    return Replay(made.objective, options.repeats, options.seed, options.jobs), about


def _check_budget(budget: float) -> None:
    if not 1 <= budget < math.inf:
        raise ValueError(f"the budget must be at least 1 full run, but is {budget:g}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


class _Bar:
    """A progress bar on the error stream, out of the way of what is printed."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        self._progress = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("replaying", total=total)

    def __enter__(self) -> Callable[[int], None]:
        self._progress.start()
        return lambda n: self._progress.advance(self._task, n)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies.replay",
        description="Replays searches on recorded runs. Budgets are in full-run equivalents.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    search = commands.add_parser("search", help="compare samplers by regret against budget")
    search.set_defaults(run=_search, show=screen.show_searches)
    add = search.add_argument
    add("--samplers", default=_SAMPLERS, help=f"SAMPLER or SAMPLER+PRUNER,... ({_SAMPLERS})")
    add("--probes", help="run table that kappa's probes come from, such as one of constant rate")
    add("--probes-schedule", help="schedule of these, where that table has several")
    text = "target that the probes are laid out for (that of --runs)"
    add("--probes-horizon", type=float, help=text)
    pruners = commands.add_parser("pruners", help="compare pruners on the same proposals")
    pruners.set_defaults(run=_pruners, show=screen.show_pruners)
    add = pruners.add_argument
    add("--pruners", default=_PRUNERS, help=f"PRUNER,... ({_PRUNERS})")
    add("--proposals", default="tpe", help="sampler of the proposals (tpe)")
    add("--trials", type=int, default=24, help="proposals of a stream (24)")
    mislead = commands.add_parser("misled", help="compare kappa with wrong sources and TPE")
    mislead.set_defaults(run=_misled, show=screen.show_misled)
    add = mislead.add_argument
    add("--scenarios", default="", help="SCENARIO,... (all); each has a vague-SCENARIO too")
    text = "run tables that are said to be the target's, a scenario each, by the files' names"
    add("--others", default="", help=text)
    for command in (search, mislead):
        text = "full-run equivalents of each search (24)"
        command.add_argument("--budget", type=float, default=24, help=text)
    for command in (search, pruners, mislead):
        _add_replay(command)
    document = commands.add_parser("report", help="write docs/replay.md; half an hour")
    document.set_defaults(run=_report)
    about_pruners = commands.add_parser(
        "report-pruners", help="write docs/pruning.md; ten minutes"
    )
    about_pruners.set_defaults(run=_report_pruners)
    text = "run tables beside the recorded ones, such as those of TaskSet"
    about_pruners.add_argument("--more", nargs="*", default=[], metavar="FILE", help=text)
    for command in (document, about_pruners):
        add = command.add_argument
        command.set_defaults(show=print)
        add("--tables", default=FOLDER, help=f"folder of the recorded runs ({FOLDER})")
        add("--docs", default="docs", help="folder of the page (docs)")
        add("--only", default="", help="NAME,...: the rest as it was found before")
        add("--repeats", type=int, default=100, help="repeats (100)")
    return parser


def _add_replay(command: argparse.ArgumentParser) -> None:
    """Adds what is replayed, and how often."""
    add = command.add_argument
    add("--runs", required=True, help="run table, .csv or .csv.gz")
    add("--schedule", help="schedule of the runs, where the table has several")
    add("--horizon", type=float, help="target, in the table's unit or in its epochs (largest)")
    add("--where", default="", help="COLUMN=VALUE,...: only these runs")
    add("--repeats", type=int, default=100, help="repeats (100)")
    add("--seed", type=int, default=0, help="seed of the first repeat (0)")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    text = "print JSON, with intervals, and nothing else"
    add("--json", dest="show", action="store_const", const=screen.print_json, help=text)


if __name__ == "__main__":
    sys.exit(main())
