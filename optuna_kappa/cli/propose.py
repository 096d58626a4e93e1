"""`optuna-kappa propose`: learning rates for longer runs, or for another schedule."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from optuna_kappa.cli.figures import add_figure, add_unit, write_figures
from optuna_kappa.cli.inputs import IN_UNIT, Group, add_runs, groups, horizon_type, is_given
from optuna_kappa.cli.output import label, print_json, print_notes, verdict_text
from optuna_kappa.law import Law, Proposal
from optuna_kappa.runs.selection import in_unit

SUMMARY = "propose an lr for a longer run"
DESCRIPTION = (
    "Proposes learning rates for longer runs, or for another schedule, with a 90 % interval."
)
# RUNS comes first, since --horizon takes all that follows.
USAGE = """optuna-kappa propose RUNS --horizon D [D ...] [options]
       optuna-kappa propose --storage URL --horizon D [D ...] [options]
       optuna-kappa propose --law FILE --horizon D [D ...] [options]"""


def run(options: argparse.Namespace) -> None:
    """Print what the law of each group proposes for the horizons asked for."""
    if options.law and is_given(options):
        raise ValueError("give either --law or runs to fit one to, not both")
    fitted = [_saved(options.law)] if options.law else list(groups(options))
    proposals = _all_proposals(options, fitted)
    if options.figure:
        write_figures(options, proposals)
    if options.json:
        found = [
            {"context": dict(group.context), **asdict(one)}
            for group, several in proposals
            for one in several
        ]
        print_json({"proposals": found})
        return
    for group, several in proposals:
        print(_text(group.context, several))


def _saved(path: str) -> Group:
    try:
        return Group({}, None, Law.from_json(Path(path).read_text()))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the law {path}: {error}") from error


def _all_proposals(
    options: argparse.Namespace, groups: Sequence[Group]
) -> list[tuple[Group, list[Proposal]]]:
    """The proposals of each group that has any.

    Raises:
        ValueError: None has.
    """
    found, wrong = [], []
    for group in groups:
        try:
            found.append((group, _proposals(options, group)))
        except ValueError as error:
            name = label(group.context)
            wrong.append(f"{name}: {error}" if name else str(error))
    if not found:
        raise ValueError(wrong[0])
    print_notes(wrong)
    return found


def _proposals(options: argparse.Namespace, group: Group) -> list[Proposal]:
    """What a group's law proposes for the horizons asked for."""
    schedule = options.schedule
    if not schedule:
        names = sorted({optimum.schedule for optimum in group.law.optima})
        if len(names) > 1:
            raise ValueError(
                f"the runs have several schedules; choose by --schedule: {', '.join(names)}, "
                "or any other"
            )
        schedule = names[0] if names else "constant"
    return [
        group.law.propose(
            horizon if group.runs is None else in_unit(group.runs, horizon), schedule
        )
        for horizon in options.horizon
    ]


def _text(context: Mapping[str, str], proposals: Sequence[Proposal]) -> str:
    """What a group's law proposes for one schedule and several horizons."""
    name = label(context)
    lines = [f"{name}, {proposals[0].schedule}" if name else proposals[0].schedule, ""]
    lines += [f"  {'horizon':>12} {'lr':>10} {'90 % interval':>22} {'kappa':>10}  verdict"]
    for one in proposals:
        kappa = "-" if one.kappa is None else f"{one.kappa:.3g}"
        interval = f"{one.low:.3g} to {one.high:.3g}"
        lines.append(
            f"  {one.horizon:>12.6g} {one.lr:>10.3g} {interval:>22} {kappa:>10}  "
            f"{one.verdict.word}"
        )
    verdicts = dict.fromkeys(one.verdict for one in proposals)
    for verdict in verdicts:
        lines += ["", verdict_text(verdict)]
    return "\n".join([*lines, ""])


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `propose`."""
    add_runs(command)
    add = command.add_argument
    add("--law", metavar="FILE", help="law of fit --save, in place of runs")
    text = f"horizons to propose for, {IN_UNIT}"
    add("--horizon", type=horizon_type, nargs="+", required=True, metavar="D", help=text)
    text = "schedule to propose for, such as 'cosine(warmup=0.05)' (that of the runs)"
    add("--schedule", help=text)
    add_figure(command)
    add_unit(command)
