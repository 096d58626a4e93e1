"""Command line of the replay: `python -m studies.replay search`, `... oneshot`, and others."""

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
from studies.replay import lending, pruning_report, report, results, screen, sources
from studies.replay.misled import misled
from studies.replay.oneshot import prior_for
from studies.replay.options import (
    add_misled_options,
    add_oneshot_options,
    add_pruner_options,
    add_replay_options,
    add_report_options,
    add_search_options,
)
from studies.replay.results import Json
from studies.replay.search import TOP_K
from studies.replay.table import Prepared, prepare, steps_per_unit
from studies.replay.targets import INFORMED, SEARCHED
from studies.replay.told import parse_told
from studies.replay.workers import Pruned, Replay
from studies.samplers import PRUNERS, SAMPLERS, Known, check, check_names, check_pruners

_USAGE = 2  # exit code: wrong input
_STOPPED = 130  # exit code: interrupted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code.

    Args:
        arguments: Command line without the program's name; that of the process by default.
    """
    options = _parser().parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        result = options.run(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _STOPPED

    options.show(result)
    return 0


def _report(options: argparse.Namespace) -> Path:
    """Write the page of the searches."""
    _check_at_least_one("repeats", options.repeats)
    only = _names(options.only)
    if only:
        check(only, (*SEARCHED, INFORMED, report.TRANSFER), "sampler")

    docs = Path(options.docs)
    replayed = report.replay(
        Path(options.tables),
        options.repeats,
        on_step=Console(stderr=True).print,
        only=only,
    )
    kept = [report.save(one, options.repeats, docs) for one in replayed]
    return report.write(kept, options.repeats, docs)


def _report_pruners(options: argparse.Namespace) -> Path:
    """Write the page of the pruners."""
    _check_at_least_one("repeats", options.repeats)
    only = _names(options.only)
    if only:
        check(only, tuple(pruning_report.SETTINGS), "pruner")

    console = Console(stderr=True)
    docs = Path(options.docs)
    more = [Path(path) for path in options.more]
    for family in pruning_report.families(Path(options.tables), more):
        replayed = pruning_report.replay(
            family,
            options.repeats,
            jobs=os.cpu_count() or 1,
            on_step=console.print,
            only=only,
        )
        pruning_report.save(family, replayed, options.repeats, docs)

    return pruning_report.write(docs)


def _search(options: argparse.Namespace) -> Json:
    """Compare samplers."""
    names = _names(options.samplers)
    check_names([name for name in names if name != TOP_K] or ["tpe"])
    _check_budget(options.budget)

    lenders = [read_csv(options.probes)] if options.probes else []
    prepared = _prepared(options, lenders)
    known = Known(options.optimizer, options.passes)
    # What is wrong shows before any search.
    prior_for(**known.regime, horizon=prepared.objective.horizon)
    replay = _replay(options, prepared)._replace(known=known)
    about = _about(options, prepared) | known.regime
    for runs in lenders:
        horizon = options.probes_horizon or options.horizon
        lender = prepare(runs, options.probes_schedule, horizon, prepared.per_unit)
        about |= {"probes": options.probes, "probes_horizon": lender.horizon}
        replay = replay._replace(lender=lender.objective)

    with _Bar(options.repeats * len(names)) as on_done:
        return about | results.searches(replay, names, options.budget, on_done)


def _oneshot(options: argparse.Namespace) -> Json:
    """Compare rules by one proposal after a ladder of probes."""
    budgets = lending.parse_budgets(options.budgets)
    lent = None
    if options.source:
        lent = lending.lent_runs(options.runs, options.source, options.source_runs)

    prepared = _prepared(options, [lent] if lent else [])
    lending.as_grid(prepared.objective)
    known = Known(options.optimizer, options.passes)
    prior = prior_for(**known.regime, horizon=prepared.objective.horizon)
    replay = _replay(options, prepared)
    if lent:
        replay = replay._replace(lender=lending.lender_of(lent, options.source, prepared))

    about = _about(options, prepared) | {
        "source": options.source or prepared.schedule,
        **known.regime,
    }
    with _Bar(options.repeats) as on_done:
        return about | results.proposals(replay, budgets, prior, on_done)


def _pruners(options: argparse.Namespace) -> Json:
    """Compare pruners."""
    names = _names(options.pruners)
    check_pruners(names, (*PRUNERS, TOP_K))
    check([options.proposals], [name for name in SAMPLERS if name != "kappa"], "sampler")
    _check_at_least_one("trials", options.trials)

    prepared = _prepared(options)
    replay = _replay(options, prepared)
    stream = Pruned(options.proposals, options.trials)
    about = _about(options, prepared)
    about |= {"proposals": stream.proposer, "trials": stream.n_trials}

    with _Bar(options.repeats * len(names)) as on_done:
        return about | results.prunings(replay, names, stream, on_done)


def _misled(options: argparse.Namespace) -> Json:
    """Compare kappa, given wrong sources or told what is wrong, with TPE."""
    _check_budget(options.budget)
    tables = {}
    for path in _names(options.others):
        tables[Path(path).name.partition(".")[0]] = read_csv(path)

    prepared = _prepared(options, list(tables.values()))
    others = {}
    for name, runs in tables.items():
        others[name] = prepare(runs, None, None, prepared.per_unit)

    known = sources.scenarios(prepared, others)
    told = parse_told(_names(options.told))
    names = _names(options.scenarios) or ([] if told else list(known))
    if names:
        check(names, list(known), "scenario")
    chosen = {name: known[name] for name in names}

    replay = _replay(options, prepared)
    about = _about(options, prepared)
    with _Bar(options.repeats * (2 + len(chosen) + len(told))) as on_done:
        return about | misled(replay, chosen, options.budget, on_done, told)


def _prepared(options: argparse.Namespace, others: Sequence[RunTable] = ()) -> Prepared:
    """The objective, with data counted in steps that suit the other tables too."""
    _check_at_least_one("repeats", options.repeats)
    _check_at_least_one("jobs", options.jobs)
    if options.seed < 0:
        raise ValueError(f"seed must be at least 0, but is {options.seed}")

    runs = select(read_csv(options.runs), parse_where(options.where))
    per_unit = steps_per_unit(runs, *others)
    return prepare(runs, options.schedule, options.horizon, per_unit)


def _replay(options: argparse.Namespace, prepared: Prepared) -> Replay:
    return Replay(
        objective=prepared.objective,
        repeats=options.repeats,
        seed=options.seed,
        jobs=options.jobs,
    )


def _about(options: argparse.Namespace, prepared: Prepared) -> Json:
    """What is replayed, for the head of the results."""
    return {
        "runs": options.runs,
        "schedule": prepared.schedule,
        "horizon": prepared.horizon,
        "repeats": options.repeats,
        "seed": options.seed,
    }


def _check_at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} must be at least 1, but is {value}")


def _check_budget(budget: float) -> None:
    if not 1 <= budget < math.inf:
        raise ValueError(f"the budget must be at least 1 full run, but is {budget:g}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


class _Bar:
    """A progress bar on the error stream, so that it does not mix with the results."""

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
    add_search_options(search)

    oneshot = commands.add_parser("oneshot", help="compare rules by one proposal after probes")
    oneshot.set_defaults(run=_oneshot, show=screen.show_proposals)
    add_oneshot_options(oneshot)

    pruners = commands.add_parser("pruners", help="compare pruners on the same proposals")
    pruners.set_defaults(run=_pruners, show=screen.show_pruners)
    add_pruner_options(pruners)

    mislead = commands.add_parser("misled", help="compare kappa, given wrong sources, with TPE")
    mislead.set_defaults(run=_misled, show=screen.show_misled)
    add_misled_options(mislead)

    for command in (search, oneshot, pruners, mislead):
        add_replay_options(command)

    pages = commands.add_parser("report", help="write docs/replay.md; half an hour")
    pages.set_defaults(run=_report, show=print)
    add_report_options(pages)

    pages = commands.add_parser("report-pruners", help="write docs/pruning.md; ten minutes")
    pages.set_defaults(run=_report_pruners, show=print)
    text = "run tables beside the recorded ones, such as those of TaskSet"
    pages.add_argument("--more", nargs="*", default=[], metavar="FILE", help=text)
    add_report_options(pages)

    return parser


if __name__ == "__main__":
    sys.exit(main())
