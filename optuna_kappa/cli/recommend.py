"""`optuna-kappa recommend`: the lr to train full runs with, by a study."""

from __future__ import annotations

import argparse

from optuna_kappa._validation import one_line
from optuna_kappa.cli.output import entries, print_json, print_text
from optuna_kappa.cli.priors import check_prior
from optuna_kappa.cli.storages import (
    add_known,
    add_storage,
    note_unknown_target,
    opened_study,
    params_from,
    sampler_for,
)
from optuna_kappa.cli.studies import recommended_as_dict, recommended_text
from optuna_kappa.law.class_shares import shares_of, shares_text
from optuna_kappa.study.outlook import TOLERANCES, certainty_text
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
    params = params_from(options.param)
    with opened_study(options) as study:
        found = recommendation(study, sampler_for(study, options), params or None)
        note_unknown_target(study, options, found.horizon)

    if options.json:
        law = {"prior": found.law.prior.name, "classes": shares_of(found.law)}
        named = {"study": study.study_name, "params": dict(found.params)}
        print_json({**named, **recommended_as_dict(found), **_within(found), **law})
    else:
        print_text(f"{one_line(study.study_name)}\n{entries(_lines(found))}\n")


def _within(found: Recommendation) -> dict[str, dict[str, float]]:
    """Probabilities that the regret is at most each of some, by the regret."""
    if found.certainty is None:
        return {}
    return {"within": {f"{regret:g}": found.certainty.within(regret) for regret in TOLERANCES}}


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
