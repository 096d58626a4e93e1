"""`optuna-kappa recommend`: the lr to train full runs with, by a study."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from optuna_kappa._validation import one_line
from optuna_kappa.cli.output import entries, print_json, print_text
from optuna_kappa.cli.priors import check_prior
from optuna_kappa.cli.storages import (
    add_known,
    add_storage,
    note_unknown_target,
    opened_study,
    sampler_for,
)
from optuna_kappa.cli.studies import recommended_as_dict, recommended_text
from optuna_kappa.law.class_shares import shares_of, shares_text
from optuna_kappa.study.outlook import certainty_text, within_tolerances
from optuna_kappa.study.summary import Recommendation, recommendation

SUMMARY = "recommend an lr for full runs, by a study"
USAGE = "optuna-kappa recommend [--storage URL] [options]"
DESCRIPTION = """\
Print the lr to train full runs with, by all trials of a study, with the 90 %
interval of the best lr, and a verdict on the law behind it.
"""
EXAMPLES = """\
examples:
  optuna-kappa recommend --storage sqlite:///my.db
  optuna-kappa recommend --storage sqlite:///my.db --optimizer adam -f json
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `recommend`."""
    add_storage(command, several=False)
    command.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value of another parameter of these runs, such as width=64; may be given several "
        "times (default: those of the best full run)",
    )
    add_known(command)


def run(options: argparse.Namespace) -> None:
    """Print what a study recommends.

    Raises:
        ValueError: The study cannot be read, or nothing can be recommended.
    """
    check_prior(options)
    params = _params_from(options.param)
    with opened_study(options) as study:
        found = recommendation(study, sampler_for(study, options), params or None)
        note_unknown_target(study, options, found.horizon)

    if options.json:
        print_json(_as_dict(study.study_name, found))
    else:
        print_text(f"{one_line(study.study_name)}\n{entries(_lines(found))}\n")


def _params_from(words: Sequence[str]) -> Mapping[str, Any]:
    """Values of parameters from words "name=value"; numbers and true and false are such.

    Raises:
        ValueError: A word is something else.

    Example:
        >>> _params_from(["width=64", "optimizer=adam", "nesterov=true"])
        {'width': 64, 'optimizer': 'adam', 'nesterov': True}
    """
    params = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not name or not equals:
            raise ValueError(f"--param must be NAME=VALUE, such as width=64, got {word!r}")
        params[name] = _value(text)
    return params


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _as_dict(name: str, found: Recommendation) -> dict[str, Any]:
    """A recommendation for JSON."""
    known: dict[str, Any] = {"study": name, "params": dict(found.params)}
    known.update(recommended_as_dict(found))
    if found.certainty is not None:
        known["within"] = within_tolerances(found.certainty)
    return {**known, "prior": found.law.prior.name, "classes": shares_of(found.law)}


def _lines(found: Recommendation) -> dict[str, str]:
    """What is shown of a recommendation, by name."""
    lines = {"recommended": recommended_text(found)}
    if found.params:
        values = [f"{name}={value}" for name, value in found.params.items()]
        lines["with"] = one_line(", ".join(values))

    if found.certainty is not None:
        lines["certainty"] = certainty_text(found.certainty, found.verdict)
    lines["verdict"] = str(found.verdict)
    lines["law"] = shares_text(found.law)
    return lines
