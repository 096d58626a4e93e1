"""The page that `explain` writes."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import optuna

from optuna_kappa.cli.explain_text import decision_text, heading, probes_text
from optuna_kappa.law import Law
from optuna_kappa.law.class_shares import shares_text, source_text
from optuna_kappa.report import Section, Table, page, write
from optuna_kappa.study.explain import Explanation, Kill

_DASH = "–"  # as a page shows NaN


def write_explain_page(
    options: argparse.Namespace,
    study: optuna.Study,
    summary: str,
    pruned: Sequence[Kill],
    explanation: Explanation | None,
    law: Law | None = None,
) -> None:
    """Write a page with the curves of kept and pruned trials, and why these were pruned.

    Args:
        options: Options of the command: the name of the file and of the learning rate.
        study: The study.
        summary: First line of the page.
        pruned: The pruned trials of the study, probes included.
        explanation: Of one trial, to show as well.
        law: Law of a study that KappaSampler planned.

    Raises:
        ValueError: The file cannot be written.
    """
    # Plotly takes a while to import, and most calls ask for no figure.
    from optuna_kappa.visualization import plot_pruning

    sections = [Section("Curves", figures=[plot_pruning(study, options.lr)])]
    if explanation is not None:
        sections.append(_trial_section(explanation))
    if pruned:
        sections.append(_pruned_section(pruned))

    if law is not None:
        texts = [f"{_capitalized(shares_text(law))}.", source_text(law)]
        sections.append(Section("The law of the learning rate", texts))

    title = f"Pruned trials of {study.study_name}"
    write(options.figure, page(title, lead=f"{summary}.", sections=sections))


def _trial_section(explanation: Explanation) -> Section:
    texts = []
    for text in (explanation.outcome, explanation.note):
        if text:
            texts.append(f"{_capitalized(text)}.")

    rows = []
    for decision in explanation.decisions:
        rows.append((decision.step, _cell(decision.probability), decision_text(decision)))

    tables = [Table(("step", "probability", "decided"), rows)] if rows else []
    return Section(_capitalized(heading(explanation)), texts, tables=tables)


def _pruned_section(pruned: Sequence[Kill]) -> Section:
    rows = []
    for kill in pruned:
        # The probes are listed in a sentence: nothing was decided against them.
        if kill.kind == "probe":
            continue
        rows.append(
            (
                kill.trial,
                _cell(kill.lr),
                _DASH if kill.step is None else kill.step,
                _cell(kill.value),
                _cell(kill.probability),
                kill.reason,
            )
        )

    probes = probes_text(pruned)
    header = ("trial", "lr", "step", "value", "probability", "reason")
    return Section(
        "Why trials were pruned",
        [f"{probes}."] if probes else [],
        tables=[Table(header, rows)] if rows else [],
    )


def _cell(value: float | None) -> float:
    """A number for a table of a page, which shows NaN as a dash."""
    return math.nan if value is None else value


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]
