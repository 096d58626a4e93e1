"""`optuna-kappa worker`: joins a study that `tune` began, from any machine."""

from __future__ import annotations

import argparse
import sys
from typing import cast

from optuna_kappa._validation import one_line
from optuna_kappa.cli.searching import add_limits, given_limits, run_search
from optuna_kappa.cli.storages import add_storage, readable, storage_url
from optuna_kappa.launch.joining import WAIT, limits_of, wait_for_study
from optuna_kappa.launch.limits import parse_seconds
from optuna_kappa.launch.objectives import load_objective
from optuna_kappa.launch.overview import Overview
from optuna_kappa.launch.progress import Progress
from optuna_kappa.launch.search import Search
from optuna_kappa.study.opening import shown
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.storage import close_storage

SUMMARY = "join a study from any machine"
USAGE = "optuna-kappa worker FILE.py:OBJECTIVE --storage URL --study NAME"
DESCRIPTION = """\
Run trials of a study that "optuna-kappa tune" has begun, or begins at this
moment, until its limits are reached. How it is searched is stored with it.
Start as many workers as you like, wherever the storage can be reached.
"""
EXAMPLES = """\
examples:
  optuna-kappa worker train.py:objective --study "train objective 24"

To try it, begin the study first, or at the same time:

  optuna-kappa tune train.py:objective --horizon 24
"""
HAS_RESULTS = False


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `worker`."""
    command.add_argument(
        "objective", metavar="FILE.py:OBJECTIVE", help="or package.module:OBJECTIVE"
    )
    add_storage(command, several=False)
    add_limits(
        command,
        "--budget and --trials count the whole study. --timeout ends this worker alone.",
        "what the study was begun with",
    )
    command.add_argument(
        "--wait",
        default=f"{WAIT:g}",
        metavar="T",
        help="for a study that is not there yet (default: 60 s)",
    )


def run(options: argparse.Namespace) -> None:
    """Join a study, and run trials until its limits are reached.

    Raises:
        ValueError: An option is not allowed, the study cannot be joined, or the objective cannot
            be loaded.
        SystemExit: The objective raised an error, or the process was terminated.
    """
    given = given_limits(options)
    seconds = parse_seconds(options.wait, "--wait")
    objective = load_objective(options.objective)

    url = storage_url(options)
    with readable(url):
        storage, study = wait_for_study(url, options.study, seconds, _say)
    try:
        sampler = cast("KappaSampler", study.sampler)
        limits = limits_of(study, given)
        overview = Overview(study, sampler, sampler.lr, limits)
        progress = Progress(study, overview, sampler.lr)
        progress.say(f"joined the study {study.study_name!r} in {shown(url)}, up to {limits.text}")
        run_search(Search(study, sampler, objective, limits, progress).run, progress, url)
        progress.say("nothing is left to begin: a limit is reached")
    finally:
        close_storage(storage)


def _say(text: str) -> None:
    print(one_line(text), file=sys.stderr, flush=True)
