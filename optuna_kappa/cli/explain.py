"""The command `optuna-kappa explain`: why trials of a study were pruned."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import fill
from typing import TYPE_CHECKING, Any

import optuna

from optuna_kappa.cli.figures import add_figure
from optuna_kappa.cli.inputs import add_study, opened, require_lr
from optuna_kappa.cli.output import WIDTH, indented, number_text, print_json
from optuna_kappa.pruning import Decision
from optuna_kappa.study.explain import Explanation, Kill, explain, kills
from optuna_kappa.study.pruner import KappaPruner

if TYPE_CHECKING:
    from optuna_kappa.report import Section


SUMMARY = "why trials of a study were pruned"
DESCRIPTION = (
    "Lists the pruned trials of a study: where each was ended, with which probability to "
    "become the best, and why. With --trial N: what became of one trial, pruned or not, and "
    "what KappaPruner decided about it, phase by phase."
)
USAGE = "optuna-kappa explain --storage URL [options]"

_STATES = {
    "COMPLETE": "complete",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
    "PRUNED": "pruned",
}


def run(options: argparse.Namespace) -> None:
    """Prints the pruned trials, or what became of one trial.

    Raises:
        ValueError: There is nothing to explain, or the options ask for what there is not.
    """
    if options.trial is None and options.epsilon is not None:
        raise ValueError("--epsilon is for the decisions about one trial; give --trial N as well")
    epsilon = {} if options.epsilon is None else {"epsilon": options.epsilon}
    pruner = KappaPruner(lr=options.lr, **epsilon)
    with opened(options) as study:
        found, summary = _killed(study, options)
        one = None if options.trial is None else explain(study, options.trial, pruner)
        if options.figure:
            _write_page(options, study, summary, found, one)
    if options.json:
        print_json({"study": study.study_name, **_as_dict(found, one)})
    elif one is None:
        print(_killed_text(f"{study.study_name}, {summary}", found))
    else:
        print(_explained_text(one))


def _killed(study: optuna.Study, options: argparse.Namespace) -> tuple[list[Kill], str]:
    """The pruned trials of a study, and a line on what became of all trials."""
    found = kills(study, options.lr)
    states = Counter(trial.state.name for trial in study.get_trials(deepcopy=False))
    if not states:
        raise ValueError(f"the study {study.study_name!r} has no trials yet")
    if options.lr != "lr":  # without a learning rate of the usual name all else can be told
        require_lr(study, options.lr)
    summary = _summary(states, found)
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
    probes = _probes(found)
    tables = [Table(header, rows)] if rows else []
    return Section("Why trials were pruned", [f"{probes}."] * bool(probes), tables=tables)


def _section_of_one(one: Explanation) -> Section:
    from optuna_kappa.report import Section, Table

    texts = [f"{_capital(text)}." for text in (one.outcome, one.note) if text]
    rows = [
        (decision.step, _cell(decision.probability), _decided(decision))
        for decision in one.decisions
    ]
    tables = [Table(("step", "probability", "decided"), rows)] if rows else []
    return Section(_capital(_heading(one)), texts, tables=tables)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _cell(value: float | None) -> float:
    """A number for a table of a page, in which NaN is a dash."""
    return math.nan if value is None else value


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `explain`."""
    add_study(command.add_argument_group("which study").add_argument, required=True)
    add = command.add_argument
    add("--trial", type=int, metavar="N", help="number of a trial")
    text = "the epsilon of the study's KappaPruner, with --trial (its default). Decisions are not "
    text += "stored: they are worked out again with this one, and with the defaults of all other "
    text += "arguments. Why a trial was pruned is stored, and shown as it was"
    add("--epsilon", type=float, metavar="E", help=text)
    add_figure(command)


def _summary(states: Mapping[str, int], found: Sequence[Kill]) -> str:
    """How many trials there are, and what became of them.

    Args:
        states: Number of trials by the name of their state.
        found: The pruned ones.
    """
    n_probes = sum(kill.kind == "probe" for kill in found)
    counts = {word: states.get(state, 0) for state, word in _STATES.items()}
    counts |= {"pruned": len(found) - n_probes}
    counts |= {f"probe{'s' * (n_probes != 1)} that ended as planned": n_probes}
    n = sum(states.values())
    listed = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{n} trial{'s' * (n != 1)}: {listed}"


def _killed_text(summary: str, found: Sequence[Kill]) -> str:
    """The pruned trials, each with its reason on lines of its own, and the numbers of probes."""
    lines = [fill(summary, WIDTH), ""]
    pruned = [kill for kill in found if kill.kind != "probe"]
    if pruned:
        lines.append(f"  {'trial':>7}{'lr':>11}{'step':>12}{'value':>14}{'probability':>14}")
    for one in pruned:
        lr, step = number_text(one.lr, ".3g"), number_text(one.step, "d")
        value, chance = number_text(one.value, ".6g"), number_text(one.probability, ".2g")
        lines.append(f"  {one.trial:>7}{lr:>11}{step:>12}{value:>14}{chance:>14}")
        lines.append(indented(one.reason, 6))
    if _probes(found):
        lines += [*[""] * bool(pruned), indented(_probes(found), 2)]
    return "\n".join([*lines, ""])


def _probes(found: Sequence[Kill]) -> str:
    """The numbers of the probes that ended as planned; '' if there are none."""
    numbers = [kill.trial for kill in found if kill.kind == "probe"]
    return f"Probes, which ended at their planned horizon: {_ranges(numbers)}" if numbers else ""


def _explained_text(one: Explanation) -> str:
    """What became of a trial, and what is decided about it, phase by phase."""
    lines = [_heading(one), indented(one.outcome, 2), ""]
    if one.decisions:
        lines.append(f"  {'step':>10}{'probability':>14}  decided")
    for decision in one.decisions:
        start = f"  {decision.step:>10}{number_text(decision.probability, '.2g'):>14}  "
        lines.append(indented(_decided(decision), len(start), start))
    if one.note:
        lines += [*[""] * bool(one.decisions), indented(one.note, 2)]
    return "\n".join([*lines, ""])


def _heading(one: Explanation) -> str:
    """A trial, its learning rate and its state."""
    lr = "no lr" if one.lr is None else f"lr {one.lr:.3g}"
    return f"trial {one.trial}, {lr}: {_STATES[one.state]}"


def _decided(decision: Decision) -> str:
    """What was decided at a phase; with the reason where that is not the probability."""
    what = "end" if decision.prune else "go on"
    return what if decision.probability is not None else f"{what}: {decision.reason}"


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as text: "0 to 9, 12"."""
    parts = []
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        parts.append(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)))
    return ", ".join(parts)
