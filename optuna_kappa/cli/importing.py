"""`optuna-kappa import`: a study of runs that were trained already."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from optuna_kappa._validation import one_line
from optuna_kappa.cli.arguments import add_columns
from optuna_kappa.cli.incoming import read_incoming, target_of
from optuna_kappa.cli.output import entries, listed, print_json, print_notes, print_text
from optuna_kappa.cli.priors import add_prior, check_prior
from optuna_kappa.cli.storages import add_written_storage, readable, study_in
from optuna_kappa.launch.search import open_place
from optuna_kappa.launch.settings import Settings, settle
from optuna_kappa.study.importing import Added, add_runs
from optuna_kappa.study.incoming import Incoming
from optuna_kappa.study.opening import open_any, shown
from optuna_kappa.study.planning import planner_for
from optuna_kappa.study.plans import horizon
from optuna_kappa.study.rebuilding import settings_of
from optuna_kappa.study.storage import close_storage

SUMMARY = "make a study of runs that you have"
USAGE = "optuna-kappa import SOURCE --study NAME [--horizon D] [options]"
DESCRIPTION = """\
Make a study of runs that were trained already, or add them to one, so that a
search goes on from them and pays for no probe that it does not need. What was
imported before is not added again.

SOURCE is a run table or a history (CSV or Parquet), an export of Weights &
Biases, an MLflow store, a folder of TensorBoard or Lightning logs, or another
Optuna storage.
"""
EXAMPLES = """\
examples:
  optuna-kappa import runs.csv --study mine --horizon 256
  optuna-kappa import sqlite:///my.db --study longer --horizon 96
"""

_EVERY = 5.0  # seconds between two lines on how far it is


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `import`."""
    command.add_argument("source", metavar="SOURCE", help="the runs: a file, a folder or a URL")
    command.add_argument(
        "--from-study", metavar="NAME", help="study of a storage, if that has several"
    )
    command.add_argument("--lr", default="lr", metavar="NAME", help="its learning rate in SOURCE")
    command.add_argument(
        "--trained-with",
        default="constant",
        metavar="SCHEDULE",
        help="schedule of runs that do not say theirs (default: constant)",
    )
    command.add_argument(
        "--where", default="", metavar="COLUMN=VALUE,...", help="import only runs with these"
    )
    add_columns(command)

    study = command.add_argument_group("the study", "It is made, unless it exists.")
    add_written_storage(study)
    study.add_argument("--study", required=True, metavar="NAME", help="name of the study")
    study.add_argument(
        "--horizon",
        type=int,
        metavar="D",
        help="steps of the full runs that it will search for; shorter runs count as probes, and "
        "the settings are kept, so that tune goes on with the study",
    )
    study.add_argument("--schedule", help="schedule of these full runs (default: constant)")
    study.add_argument(
        "--unit",
        type=float,
        default=1.0,
        metavar="N",
        help="what a step of the study stands for, in the unit of the runs, such as 1e6 tokens "
        "(default: 1)",
    )
    study.add_argument(
        "--lr-param", metavar="NAME", help="learning-rate parameter of the objective (default: lr)"
    )
    study.add_argument(
        "--lr-range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="its range (default: that of the runs)",
    )
    study.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=RANGE",
        help="a column that the objective suggests too, such as 'width=int(64,1024,log)'; other "
        "columns become attributes of the trials",
    )
    add_prior(command, "a full run")


def run(options: argparse.Namespace) -> None:
    """Import runs, and print what was added.

    Raises:
        ValueError: The source or the storage cannot be read, or an option is not allowed.
    """
    check_prior(options)
    # All this first, so that a mistake leaves no study behind.
    known = _stored(options)
    wanted = _wanted(options, known)
    target = target_of(options, known)
    incoming, direction = read_incoming(options, target)

    storage = open_place(options.storage)
    try:
        with readable(options.storage):
            study = _study(options, storage, direction)
            settings = settle(study, wanted) if target.horizon else None
            added = add_runs(study, _watched(incoming))
            results = _results(study, options, settings, incoming, added)
    finally:
        close_storage(storage)

    if added.changed:
        print_notes([_changed_text(added.changed)])
    if options.json:
        print_json(results)
    else:
        print_text(_text(results, options))


def _stored(options: argparse.Namespace) -> Mapping[str, Any]:
    """The settings of the study, if it exists."""
    try:
        storage = open_any(options.storage)
    except ValueError:
        return {}  # what is wrong, if anything, shows when it is opened to be written

    try:
        with readable(options.storage):
            return settings_of(study_in(storage, options.storage, options.study))
    except ValueError:
        return {}
    finally:
        close_storage(storage)


def _study(
    options: argparse.Namespace, storage: BaseStorage, direction: StudyDirection
) -> optuna.Study:
    """The study to import into, made if there is none.

    Raises:
        ValueError: It has another direction than the runs.
    """
    study = optuna.create_study(
        storage=storage, study_name=options.study, direction=direction, load_if_exists=True
    )
    if study.directions != [direction]:
        wanted = direction.name.lower()
        raise ValueError(
            f"the runs {wanted} their value, and the study {options.study!r} does not; choose "
            "another --study"
        )
    return study


def _wanted(options: argparse.Namespace, known: Mapping[str, Any]) -> Settings:
    """The settings that the options ask for.

    Raises:
        ValueError: One is not allowed, or there is no horizon to keep them with.
    """
    wanted = Settings(
        horizon=options.horizon,
        schedule=options.schedule,
        lr=options.lr_param,
        optimizer=options.optimizer,
        passes=options.passes,
        prior=options.prior,
    )
    if wanted.horizon is not None:
        wanted.sampler()
        return wanted

    for name in wanted.given:
        if name != "lr" and not known:
            raise ValueError(
                f"--{name} is kept with --horizon, the steps of a full run: give both"
            )
    return wanted


def _watched(incoming: Sequence[Incoming]) -> Iterator[Incoming]:
    """The runs, with a line now and then: a storage may take a tenth of a second for each."""
    last = time.monotonic()
    for number, run in enumerate(incoming):
        if time.monotonic() - last > _EVERY:
            last = time.monotonic()
            print_text(f"{number} of {len(incoming)} runs", sys.stderr)
        yield run


def _results(
    study: optuna.Study,
    options: argparse.Namespace,
    settings: Settings | None,
    incoming: Sequence[Incoming],
    added: Added,
) -> dict[str, Any]:
    """What was imported, for JSON."""
    horizons = Counter(horizon(run.trial) for run in incoming)
    return {
        "study": study.study_name,
        "storage": shown(options.storage),
        "source": shown(options.source),
        "added": len(added.added),
        "present": len(added.present),
        "changed": len(added.changed),
        # Keys of JSON are texts.
        "horizons": {str(steps): n for steps, n in sorted(horizons.items())},
        "target": settings.horizon if settings else None,
        "probes_left": _probes_left(study, settings) if settings else None,
    }


def _probes_left(study: optuna.Study, settings: Settings) -> int:
    """How many probes a search will still run before its full runs."""
    target = settings.horizon or 0
    planner = planner_for(target, settings.lr or "lr", probe_budget=settings.probe_budget)
    return len(planner.probes_left(study.get_trials(deepcopy=False), target))


def _changed_text(labels: Sequence[str]) -> str:
    return (
        f"{len(labels)} runs are not as they were when they were imported ({listed(labels)}): "
        "trials cannot be changed, so they stay as they are. Import into another study to have "
        "the new."
    )


def _text(results: Mapping[str, Any], options: argparse.Namespace) -> str:
    horizons = [f"{steps} ({n})" for steps, n in results["horizons"].items()]
    lines = {
        "added": f"{results['added']} runs",
        "there already": f"{results['present']}",
        "horizons": ", ".join(horizons),
    }
    if not results["present"]:
        del lines["there already"]

    storage = shlex.quote(results["storage"])
    where = f"--storage {storage} --study {shlex.quote(results['study'])}"
    if results["target"] is None:
        lines["next"] = f"optuna-kappa tune FILE.py:objective --horizon D {where}"
    else:
        lines["probes left"] = (
            f"{results['probes_left']}, for full runs of {results['target']} steps"
        )
        lines["next"] = f"optuna-kappa tune FILE.py:objective {where}"
    return f"{one_line(results['study'])} in {results['storage']}\n{entries(lines)}\n"
