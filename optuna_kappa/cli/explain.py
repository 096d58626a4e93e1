"""`optuna-kappa explain`: why trials of a study were pruned."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import optuna

from optuna_kappa._validation import one_line
from optuna_kappa.cli.arguments import add_figure, add_study
from optuna_kappa.cli.explain_page import write_explain_page
from optuna_kappa.cli.explain_text import pruned_text, summary_text, trial_text
from optuna_kappa.cli.inputs import require_lr
from optuna_kappa.cli.output import print_json, print_text, shares_lines
from optuna_kappa.cli.priors import add_prior, check_prior, prior_of
from optuna_kappa.cli.storages import opened_study
from optuna_kappa.law import Law, fit
from optuna_kappa.law.class_shares import shares_of
from optuna_kappa.study.explain import Explanation, Kill, explain, kills
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.trials import run_table

SUMMARY = "show why trials of a study were pruned"
USAGE = "optuna-kappa explain --storage URL [options]"
DESCRIPTION = """\
List the pruned trials of a study: at which step each one ended, its
probability to become the best, and the reason. With --trial N: the result of
one trial, pruned or not, and the decisions of KappaPruner, step by step. Of a
study that KappaSampler planned, say which law its runs follow, too.
"""
EXAMPLES = """\
examples:
  optuna-kappa explain --storage sqlite:///my.db
  optuna-kappa explain --storage sqlite:///my.db --trial 12
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `explain`."""
    add_study(command)
    command.add_argument(
        "--trial",
        type=int,
        metavar="N",
        help="number of a trial to explain",
    )
    command.add_argument(
        "--epsilon",
        type=float,
        metavar="E",
        help="epsilon of the study's KappaPruner, for --trial (default: that of KappaPruner). "
        "Decisions are not stored. They are computed again, with this epsilon and the defaults "
        "of all other arguments. The reason why a trial was pruned is stored, and shown as it is",
    )
    add_prior(command, "the longest run of the study")
    add_figure(command)


def run(options: argparse.Namespace) -> None:
    """Print the pruned trials of a study or, with `--trial`, the decisions about one trial.

    Raises:
        ValueError: The study cannot be read, nothing was pruned, there is no such trial, or a
            file cannot be written.
    """
    # First, so that a wrong epsilon shows before the storage is opened.
    pruner = _pruner(options)
    check_prior(options)
    with opened_study(options) as study:
        pruned, summary = _pruned_trials(study, options)
        explanation = None
        if options.trial is not None:
            explanation = explain(study, options.trial, pruner)
        # A law takes a while to fit, and the text about one trial does not show it.
        shows_law = options.json or options.figure or explanation is None
        law = _law(study, options) if shows_law else None
        if options.figure:
            write_explain_page(options, study, summary, pruned, explanation, law)

    if options.json:
        found = {"study": study.study_name, **_law_as_dict(law)}
        print_json({**found, **_as_dict(pruned, explanation)})
    elif explanation is None:
        print_text(pruned_text(f"{one_line(study.study_name)}, {summary}", pruned))
        if law is not None:
            print_text(f"{shares_lines(law)}\n")
    else:
        print_text(trial_text(explanation))


def _pruner(options: argparse.Namespace) -> KappaPruner:
    """The pruner whose decisions are shown."""
    if options.epsilon is None:
        return KappaPruner(lr=options.lr)
    if options.trial is None:
        raise ValueError("--epsilon is for the decisions about one trial; give --trial N as well")

    return KappaPruner(lr=options.lr, epsilon=options.epsilon)


def _pruned_trials(study: optuna.Study, options: argparse.Namespace) -> tuple[list[Kill], str]:
    """The pruned trials of a study, and a line on the states of all its trials."""
    pruned = kills(study, options.lr)
    states = Counter(trial.state.name for trial in study.get_trials(deepcopy=False))
    if not states:
        raise ValueError(f"the study {study.study_name!r} has no trials yet")

    # Without --lr, a learning rate of another name is no mistake: only its column stays empty.
    if options.lr != "lr":
        require_lr(study, options.lr)

    summary = summary_text(states, pruned)
    if not pruned and options.trial is None:
        raise ValueError(
            f"no trial of {study.study_name!r} was pruned ({summary}); --trial N shows what was "
            "decided about one of them"
        )
    return pruned, summary


def _law(study: optuna.Study, options: argparse.Namespace) -> Law | None:
    """The law of a study that KappaSampler planned; None if its runs show none yet."""
    if not any(plan_of(trial) for trial in study.get_trials(deepcopy=False)):
        return None

    try:
        runs = run_table(study, lr=options.lr)
        if not len(runs):
            return None
        law = fit(runs, prior=prior_of(options, runs, planned=None))
    except ValueError:
        # Why trials were pruned can be told whether or not their runs make a law.
        return None
    return law if law.optima else None


def _law_as_dict(law: Law | None) -> dict[str, Any]:
    if law is None:
        return {}
    return {"prior": law.prior.name, "classes": shares_of(law)}


def _as_dict(pruned: Sequence[Kill], explanation: Explanation | None) -> dict[str, Any]:
    if explanation is not None:
        decisions = [decision._asdict() for decision in explanation.decisions]
        return explanation._asdict() | {"decisions": decisions}

    rows = []
    for kill in pruned:
        row = kill._asdict()
        # JSON knows neither NaN nor infinity.
        if kill.value is not None and not math.isfinite(kill.value):
            row["value"] = None
        rows.append(row)
    return {"pruned": rows}
