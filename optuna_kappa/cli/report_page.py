"""The page that `report` writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import FrozenTrial

from optuna_kappa.cli.studies import Listed, recommended_text
from optuna_kappa.dashboard.drawing import drawn
from optuna_kappa.law.class_shares import shares_of, source_text
from optuna_kappa.report import Section, Table, page, write
from optuna_kappa.report.parts import Cell
from optuna_kappa.study.plans import kind_of, plan_of
from optuna_kappa.study.private import direction_of
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.summary import Recommendation, trajectory_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_ROWS = 5_000  # trials in a table; browsers are slow with more
_MOST_COLUMNS = 12  # parameters and attributes in it
_LONGEST = 60  # characters of a value
_DASH = "–"  # as a page shows NaN

Found = tuple[optuna.Study, Listed]


def write_report(
    path: str,
    found: Sequence[Found],
    samplers: Sequence[KappaSampler | None],
) -> None:
    """Write a page on some studies.

    Args:
        path: File to write.
        found: Each study, and what is to be said about it.
        samplers: Its sampler; None where nothing tells how long a full run is.

    Raises:
        ValueError: The file cannot be written.

    Example:
        >>> import argparse, tempfile
        >>> from pathlib import Path
        >>> from optuna_kappa.cli.studies import look_at
        >>> from optuna_kappa.study.example import example_study
        >>> study = example_study()
        >>> known = look_at(study, argparse.Namespace())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_report(f"{folder}/report.html", [(study, known)], [KappaSampler(24, seed=0)])
        ...     "<h1>example</h1>" in Path(f"{folder}/report.html").read_text()
        True
    """
    sections = []
    if len(found) > 1:
        sections.append(_side_by_side(found, samplers))
    for (study, one), sampler in zip(found, samplers, strict=True):
        sections += _sections(study, one, sampler, named=len(found) > 1)

    _, first = found[0]
    title = first.name if len(found) == 1 else f"{len(found)} studies"
    lead = _lead(first) if len(found) == 1 else ""
    facts = _facts(first) if len(found) == 1 else None
    write(path, page(title, lead=lead, sections=sections, facts=facts))


def _lead(one: Listed) -> str:
    if one.found is None:
        return f"No lr is recommended: {one.why_not}."
    verdict = one.found.verdict
    return f"Recommended: {recommended_text(one.found)}. Verdict: {verdict}"


def _facts(one: Listed) -> dict[str, str]:
    facts = {"Trials": str(sum(one.states.values()))}
    if one.counts:
        facts["Kinds"] = ", ".join(f"{n} {kind}" for kind, n in one.counts.kinds.items())
        facts["Spent"] = f"{one.counts.spent:.3g} full-run equivalents"
        if one.counts.best:
            facts["Best full run"] = f"{one.counts.best.value:.6g} (trial {one.counts.best.trial})"
    if one.found:
        facts["Recommended lr"] = f"{one.found.lr:.3g}"
        facts["Verdict"] = one.found.verdict.word
    return facts


def _side_by_side(found: Sequence[Found], samplers: Sequence[KappaSampler | None]) -> Section:
    header = ("study", "trials", "spent", "best", "lr", "low", "high", "horizon", "verdict")
    rows = [_row(one) for _, one in found]
    text = [
        "Spent is in full-run equivalents (FRE) of each study's own target; lr is the recommended "
        "one, with the 90 % interval of the best from low to high."
    ]
    figures = _budget_figure(found, samplers)
    return Section("Side by side", text, figures, [Table(header, rows)])


def _row(one: Listed) -> tuple[Cell, ...]:
    counts = one.counts
    best = counts.best if counts else None
    found = one.found
    return (
        one.name,
        sum(one.states.values()),
        counts.spent if counts else math.nan,
        best.value if best else math.nan,
        found.lr if found else math.nan,
        found.low if found else math.nan,
        found.high if found else math.nan,
        found.horizon if found else _DASH,
        found.verdict.word if found else _DASH,
    )


def _budget_figure(
    found: Sequence[Found], samplers: Sequence[KappaSampler | None]
) -> list[Figure]:
    """The best loss of each study against its budget, if all have the same direction."""
    from optuna_kappa.visualization import plot_budget

    searches = {}
    directions = set()
    for (study, one), sampler in zip(found, samplers, strict=True):
        if sampler is not None:
            directions.add(direction_of(study))
            searches[one.name] = [trajectory_of(study, sampler)]

    return [plot_budget(searches)] if searches and len(directions) == 1 else []


def _sections(
    study: optuna.Study, one: Listed, sampler: KappaSampler | None, *, named: bool
) -> list[Section]:
    """The sections of one study: what it recommends, its figures and its trials."""
    # Names may be long, so they stand behind what they name.
    of_study = f" of {one.name}" if named else ""
    sections = []
    text = [_lead(one)] if named else []
    tables = []
    if one.found:
        text.append(source_text(one.found.law))
        tables = [_classes(one.found)]

    figures = [] if sampler is None else [figure for _, _, figure in drawn(study, sampler)]
    if text or figures:
        sections.append(Section(f"The learning rate{of_study}", text, figures, tables))

    trials = study.get_trials(deepcopy=False)
    if trials:
        sections.append(_trials(f"Trials{of_study}", trials))
    return sections


def _classes(found: Recommendation) -> Table:
    shares = shares_of(found.law) or {}
    rows = []
    for one in found.law.prior.slopes:
        before = f"{100 * one.weight:.0f} %"
        rows.append((one.name, before, f"{100 * shares.get(one.name, math.nan):.0f} %"))
    return Table(("class of slopes", "before the runs", "after"), rows)


def _trials(title: str, trials: Sequence[FrozenTrial]) -> Section:
    """All trials in a table."""
    params = _names([trial.params for trial in trials])
    attributes = _names([trial.user_attrs for trial in trials])
    attributes = [name for name in attributes if not name.startswith("kappa:")]
    columns = [*params, *attributes][:_MOST_COLUMNS]

    rows = []
    for trial in trials[-_MOST_ROWS:]:
        plan = plan_of(trial)
        values = {**trial.user_attrs, **trial.params}
        rows.append(
            (
                trial.number,
                trial.state.name.lower(),
                kind_of(trial) or _DASH,
                plan.horizon if plan else _DASH,
                _value(trial),
                *(_cell(values.get(name)) for name in columns),
            )
        )

    left_out = len(trials) - len(rows)
    text = [f"The first {left_out} trials are left out."] if left_out else []
    header = ("trial", "state", "kind", "horizon", "value", *columns)
    return Section(title, text, tables=[Table(header, rows)])


def _names(all_values: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for values in all_values for name in values))


def _value(trial: FrozenTrial) -> Cell:
    if trial.values is None:
        return math.nan
    return trial.values[0] if len(trial.values) == 1 else _cell(trial.values)


def _cell(value: Any) -> Cell:
    if value is None:
        return math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
