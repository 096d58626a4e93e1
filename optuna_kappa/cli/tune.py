"""`optuna-kappa tune`: launches a study for an objective, or goes on with it."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import Counter
from contextlib import nullcontext
from typing import Any

from optuna.study import Study

from optuna_kappa._validation import one_line
from optuna_kappa.cli.output import entries, print_json, print_text
from optuna_kappa.cli.priors import add_prior, check_prior
from optuna_kappa.cli.searching import add_limits, given_limits, run_search
from optuna_kappa.cli.storages import add_written_storage, default_storage, readable
from optuna_kappa.cli.studies import Listed, as_dict, recommended_text
from optuna_kappa.launch.joining import keep_limits
from optuna_kappa.launch.limits import BUDGET, Limits
from optuna_kappa.launch.objectives import Objective, load_objective, study_name_for
from optuna_kappa.launch.overview import Overview
from optuna_kappa.launch.progress import Progress
from optuna_kappa.launch.screen import Screen, can_update
from optuna_kappa.launch.search import (
    Direction,
    Search,
    open_place,
    open_study,
)
from optuna_kappa.launch.settings import Settings
from optuna_kappa.launch.worker import Task
from optuna_kappa.launch.workers import Workers
from optuna_kappa.study.outlook import certainty_text
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.storage import close_storage, shown
from optuna_kappa.study.summary import Recommendation, counts, recommendation

SUMMARY = "search the lr of your objective"
USAGE = "optuna-kappa tune FILE.py:OBJECTIVE --horizon D [options]"
DESCRIPTION = """\
Launch an Optuna study with KappaSampler and KappaPruner for an objective of
your own, an ordinary one: it suggests lr, reports a loss after each step, and
asks trial.should_prune(). The same command goes on with the study.
"""
EXAMPLES = """\
examples:
  optuna-kappa tune train.py:objective --horizon 24
  optuna-kappa tune train.py:objective --horizon 24 --certify 0.9:0.02

To try them, make an objective that takes no time:

  python -c "from optuna_kappa.launch import *; write_example('train.py')"
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `tune`."""
    command.add_argument(
        "objective", metavar="FILE.py:OBJECTIVE", help="or package.module:OBJECTIVE"
    )
    search = command.add_argument_group(
        "how to search", "Kept with the study: needed once, and the same each time."
    )
    search.add_argument("--horizon", type=int, metavar="D", help="steps of a full run")
    search.add_argument("--schedule", help="of the runs, such as cosine (default: constant)")
    search.add_argument("--lr", metavar="NAME", help="the learning-rate parameter (default: lr)")
    search.add_argument("--probe-budget", type=float, metavar="B", help="full runs for probes")
    search.add_argument("--seed", type=int, help="of the proposals (default: drawn)")
    search.add_argument("--maximize", action="store_true", help="a higher value is better")
    add_prior(command, "a full run")

    add_limits(
        command,
        "--budget and --trials count the whole study, also what was run before.",
        f"{BUDGET:g}, if no limit is given",
    )

    place = command.add_argument_group("where it is run and kept")
    place.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help="processes of this machine that run trials (default: 1)",
    )
    add_written_storage(place)
    place.add_argument("--study", metavar="NAME", help="(default: from objective and horizon)")


def run(options: argparse.Namespace) -> None:
    """Launch a study or go on with it, and print what it recommends.

    Raises:
        ValueError: An option is not allowed, or the objective or the storage cannot be opened.
        SystemExit: The objective raised an error, or the process was terminated.
    """
    check_prior(options)
    limits = given_limits(options)
    if not limits.text:
        limits = Limits(BUDGET)
    wanted = _settings(options)
    screen = Screen(sys.stderr) if can_update(sys.stderr) and not options.json else None
    # What the objective's file prints, or keeps the streams for, comes above the block.
    with nullcontext() if screen is None else screen.open():
        objective = load_objective(options.objective)
        results, found = _searched(options, wanted, limits, objective, screen)

    if options.json:
        print_json({"storage": shown(options.storage), **results})
    elif found:
        print_text(_text(results, found, options.storage))


def _searched(
    options: argparse.Namespace,
    wanted: Settings,
    limits: Limits,
    objective: Objective,
    screen: Screen | None,
) -> tuple[dict[str, Any], Recommendation | None]:
    """Search; what has come of it, for JSON, and what is recommended, if anything is."""
    storage = open_place(options.storage)
    try:
        with readable(options.storage):
            direction: Direction | None = "maximize" if options.maximize else None
            study, settings = open_study(storage, _name(options), wanted, direction)
        keep_limits(study, limits)

        sampler = settings.sampler()
        study.sampler = sampler
        lr = settings.lr or "lr"
        progress = Progress(study, Overview(study, sampler, lr, limits), lr, screen)
        progress.say(
            f"study {study.study_name!r} in {shown(options.storage)}, up to {limits.text}"
        )
        search = Search(study, sampler, objective, limits, progress)
        n_before = len(study.get_trials(deepcopy=False))
        _search(search, options)
        reason = limits.reason(study, sampler)
        if reason and len(study.get_trials(deepcopy=False)) == n_before:
            progress.say(f"nothing is left to do in this study: {reason}")

        try:
            found: Recommendation | None = recommendation(study, sampler)
        except ValueError as error:
            found = None
            progress.say(f"no recommendation yet: {error}")
        return _as_dict(study, sampler, found), found
    finally:
        close_storage(storage)


def _as_dict(study: Study, sampler: KappaSampler, found: Recommendation | None) -> dict[str, Any]:
    """The study for JSON, in the words of `optuna-kappa studies`."""
    states = Counter(trial.state.name.lower() for trial in study.get_trials(deepcopy=False))
    return as_dict(Listed(study.study_name, states, counts(study, sampler), found, ""))


def _count(text: str) -> int:
    """A number of workers."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a number of processes, 1 or more, got {text!r}")
    return number


def _settings(options: argparse.Namespace) -> Settings:
    names = (
        "horizon",
        "schedule",
        "lr",
        "optimizer",
        "passes",
        "prior",
        "probe_budget",
        "seed",
    )
    return Settings(**{name: getattr(options, name) for name in names})


def _name(options: argparse.Namespace) -> str:
    if options.study:
        return str(options.study)
    if options.horizon is None:
        raise ValueError("give --horizon, the steps of a full run, or --study to go on with one")
    return study_name_for(options.objective, options.horizon, options.schedule or "constant")


def _search(search: Search, options: argparse.Namespace) -> None:
    """Run the search, by this process or several."""
    if options.workers == 1:
        run_search(search.run, search.progress, options.storage)
    else:
        task = Task(options.storage, search.study.study_name, options.objective)
        workers = Workers(search, task, options.workers)
        run_search(workers.run, search.progress, options.storage)


def _text(results: dict[str, Any], found: Recommendation, storage: str) -> str:
    name = results["study"]
    lines = {"recommended": recommended_text(found)}
    if found.certainty is not None:
        lines["certainty"] = certainty_text(found.certainty, found.verdict)
    lines["verdict"] = str(found.verdict)
    lines["spent"] = f"{results['spent_fre']:.3g} full runs, by {results['n_trials']} trials"

    place = "" if storage == default_storage() else f" --storage {shlex.quote(shown(storage))}"
    command = f"optuna-kappa plan{place} --study {shlex.quote(name)}"
    # In a row of its own, since a command that is wrapped cannot be copied.
    return f"{one_line(name)}\n{entries(lines)}\n\nwhat the next runs are worth:\n  {command}\n"
