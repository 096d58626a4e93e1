"""The command `optuna-kappa explain`: why trials of a study were pruned."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import optuna

from optuna_kappa import reading, screen
from optuna_kappa import screen_pruning as told
from optuna_kappa.explain import Explanation, Kill, explain, kills
from optuna_kappa.pruner import KappaPruner

if TYPE_CHECKING:
    from optuna_kappa.report import Section


def run(options: argparse.Namespace) -> None:
    """Prints the pruned trials, or what became of one trial.

    Raises:
        ValueError: There is nothing to explain, or the options ask for what there is not.
    """
    if options.trial is None and options.epsilon is not None:
        raise ValueError("--epsilon is for the decisions about one trial; give --trial N as well")
    epsilon = {} if options.epsilon is None else {"epsilon": options.epsilon}
    pruner = KappaPruner(lr=options.lr, **epsilon)
    with reading.opened(options) as study:
        found, summary = _killed(study, options)
        one = None if options.trial is None else explain(study, options.trial, pruner)
        if options.figure:
            _write_page(options, study, summary, found, one)
    if options.json:
        print(screen.as_json({"study": study.study_name, **_as_dict(found, one)}))
    elif one is None:
        print(told.killed(f"{study.study_name}, {summary}", found))
    else:
        print(told.explained(one))


def _killed(study: optuna.Study, options: argparse.Namespace) -> tuple[list[Kill], str]:
    """The pruned trials of a study, and a line on what became of all trials."""
    found = kills(study, options.lr)
    states = Counter(trial.state.name for trial in study.get_trials(deepcopy=False))
    if not states:
        raise ValueError(f"the study {study.study_name!r} has no trials yet")
    if options.lr != "lr":  # without a learning rate of the usual name all else can be told
        reading.require_lr(study, options.lr)
    summary = told.summary(states, found)
    if not found and options.trial is None:
        raise ValueError(
            f"no trial of {study.study_name!r} was pruned ({summary}); --trial N tells what was "
            "decided about one of them"
        )
    return found, summary


def _as_dict(found: Sequence[Kill], one: Explanation | None) -> dict[str, Any]:
    """What was found, for JSON, which knows neither NaN nor infinity."""
    if one is not None:
        return one._asdict() | {"decisions": [decision._asdict() for decision in one.decisions]}
    rows = [kill._asdict() for kill in found]
    for row in rows:
        if row["value"] is not None and not math.isfinite(row["value"]):
            row["value"] = None
    return {"pruned": rows}


def _write_page(
    options: argparse.Namespace,
    study: optuna.Study,
    summary: str,
    found: Sequence[Kill],
    one: Explanation | None,
) -> None:
    """Writes a page with the curves of kept and pruned trials, and why these were."""
    from optuna_kappa.report import Section, page, write
    from optuna_kappa.visualization import plot_pruning

    sections = [Section("Curves", figures=[plot_pruning(study, options.lr)])]
    if one is not None:
        sections.append(_section_of_one(one))
    if found:
        sections.append(_section_of_all(found))
    title = f"Pruned trials of {study.study_name}"
    write(options.figure, page(title, lead=f"{summary}.", sections=sections))


def _section_of_all(found: Sequence[Kill]) -> Section:
    from optuna_kappa.report import Section, Table

    header = ("trial", "lr", "step", "value", "probability", "reason")
    rows = [
        (
            kill.trial,
            _cell(kill.lr),
            "–" if kill.step is None else kill.step,
            _cell(kill.value),
            _cell(kill.probability),
            kill.reason,
        )
        for kill in found
        if kill.kind != "probe"
    ]
    probes = told.probes(found)
    tables = [Table(header, rows)] if rows else []
    return Section("Why trials were pruned", [f"{probes}."] * bool(probes), tables=tables)


def _section_of_one(one: Explanation) -> Section:
    from optuna_kappa.report import Section, Table

    texts = [f"{_capital(text)}." for text in (one.outcome, one.note) if text]
    rows = [
        (decision.step, _cell(decision.probability), told.decided(decision))
        for decision in one.decisions
    ]
    tables = [Table(("step", "probability", "decided"), rows)] if rows else []
    return Section(_capital(told.heading(one)), texts, tables=tables)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _cell(value: float | None) -> float:
    """A number for a table of a page, in which NaN is a dash."""
    return math.nan if value is None else value
