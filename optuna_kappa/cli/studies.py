"""`optuna-kappa studies`: what is in a storage."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import optuna

from optuna_kappa._validation import one_line
from optuna_kappa.cli.output import entries, print_json, print_text
from optuna_kappa.cli.storages import add_storage, opened, sampler_for, storage_url, studies_in
from optuna_kappa.study.opening import shown
from optuna_kappa.study.rebuilding import is_target_known
from optuna_kappa.study.summary import Counts, Recommendation, counts, recommendation

SUMMARY = "list the studies of a storage, and what they found"
USAGE = "optuna-kappa studies [--storage URL] [options]"
DESCRIPTION = """\
List the studies of a storage: their trials by kind, the horizons that these
were planned for, the budget spent in full-run equivalents (FRE), the best
full run, the lr that is recommended for full runs, and the verdict on the
law behind it.
"""
EXAMPLES = """\
examples:
  optuna-kappa studies --storage sqlite:///my.db
  optuna-kappa studies --storage sqlite:///my.db -f csv
"""


_PROBES = (
    "no full run has been planned yet, so this is for runs as long as the longest probe; give "
    "recommend or report the --horizon of a full run"
)


class Listed(NamedTuple):
    """A study in the list.

    Attributes:
        name: Name of the study.
        states: Number of its trials by the name of their state, in lower case.
        counts: What its trials are; None if nothing tells how long a full run is.
        found: What it recommends; None if nothing is recommended.
        why_not: Why something is missing, or not for full runs.
    """

    name: str
    states: Mapping[str, int]
    counts: Counts | None
    found: Recommendation | None
    why_not: str


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `studies`."""
    add_storage(command, several=True)


def run(options: argparse.Namespace) -> None:
    """Print the studies of a storage.

    Raises:
        ValueError: There is no storage, it cannot be read, or it has no study of a name.
    """
    url = storage_url(options)
    with opened(options) as storage:
        listed = [look_at(study, options) for study in studies_in(storage, url, options.study)]

    if options.json:
        print_json({"studies": [as_dict(one) for one in listed]})
        return

    print_text(f"{shown(url)}: {how_many(len(listed))}\n")
    for one in listed:
        print_text(f"{one_line(one.name)}\n{entries(_lines(one))}\n")


def how_many(n: int) -> str:
    """A number of studies in words.

    Example:
        >>> how_many(1), how_many(2)
        ('1 study', '2 studies')
    """
    return f"{n} stud{'y' if n == 1 else 'ies'}"


def look_at(study: optuna.Study, options: argparse.Namespace) -> Listed:
    """What is to be said about a study, whatever it holds.

    Example:
        >>> look_at(optuna.create_study(), argparse.Namespace()).why_not
        'it has no trials yet'
    """
    name = study.study_name
    states = Counter(trial.state.name.lower() for trial in study.get_trials(deepcopy=False))
    if not states:
        return Listed(name, {}, None, None, "it has no trials yet")

    counted = None
    try:
        sampler = sampler_for(study, options)
        counted = counts(study, sampler)
        known = getattr(options, "horizon", None) is not None or is_target_known(study)
        return Listed(
            name, states, counted, recommendation(study, sampler), "" if known else _PROBES
        )
    except ValueError as error:
        return Listed(name, states, counted, None, one_line(str(error)))


def as_dict(one: Listed) -> dict[str, Any]:
    """A study for JSON.

    Example:
        >>> as_dict(Listed("mine", {}, None, None, "it has no trials yet"))["study"]
        'mine'
    """
    n_trials = sum(one.states.values())
    row: dict[str, Any] = {"study": one.name, "n_trials": n_trials, "states": dict(one.states)}
    counted = one.counts
    row["kinds"] = dict(counted.kinds) if counted else None
    # Keys of JSON are texts.
    row["horizons"] = {str(k): n for k, n in counted.horizons.items()} if counted else None
    row["spent_steps"] = counted.steps if counted else None
    row["spent_fre"] = counted.spent if counted else None
    row["best"] = counted.best._asdict() if counted and counted.best else None
    row["recommended"] = recommended_as_dict(one.found) if one.found else None
    row["note"] = one.why_not or None
    return row


def recommended_as_dict(found: Recommendation) -> dict[str, Any]:
    """A recommendation for JSON.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> study = example_study()
        >>> found = recommendation(study, sampler_for(study, argparse.Namespace()))
        >>> recommended_as_dict(found)["horizon"]
        24
    """
    return {
        "lr": found.lr,
        "low": found.low,
        "high": found.high,
        "horizon": found.horizon,
        "schedule": found.schedule,
        "verdict": {
            "word": found.verdict.word,
            "sentence": found.verdict.sentence,
            "remedy": found.verdict.remedy,
        },
    }


def recommended_text(found: Recommendation) -> str:
    """A recommendation in a line.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> study = example_study()
        >>> recommended_text(recommendation(study, sampler_for(study, argparse.Namespace())))
        'lr 0.00082... (90 % interval ... to ...), for 24 steps, constant'
    """
    interval = f"90 % interval {found.low:.3g} to {found.high:.3g}"
    schedule = one_line(found.schedule)
    return f"lr {found.lr:.3g} ({interval}), for {found.horizon} steps, {schedule}"


def _lines(one: Listed) -> dict[str, str]:
    """What is shown of a study, by name."""
    n_trials = sum(one.states.values())
    lines = {"trials": f"{n_trials}: {_numbers(one.states)}" if n_trials else "none"}
    if one.counts:
        lines["kinds"] = _numbers(one.counts.kinds)
        lines.update(_counted(one.counts))
    if one.found:
        lines["recommended"] = recommended_text(one.found)
        lines["verdict"] = str(one.found.verdict)
    if one.why_not:
        lines["note" if one.found else "no recommendation"] = one.why_not
    return lines


def _counted(counted: Counts) -> dict[str, str]:
    by_horizon = [f"{steps} ({n})" for steps, n in counted.horizons.items()]
    lines = {
        "horizons": ", ".join(by_horizon),
        "spent": f"{counted.spent:.3g} full-run equivalents",
    }

    best = counted.best
    if best is not None:
        lr = "" if best.lr is None or not math.isfinite(best.lr) else f", lr {best.lr:.3g}"
        lines["best"] = f"{best.value:.6g} (trial {best.trial}{lr})"
    return lines


def _numbers(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counted.items())
