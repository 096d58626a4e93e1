"""`optuna-kappa propose`: learning rates for longer runs, or for another schedule."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optuna_kappa._validation import one_line
from optuna_kappa.cli.arguments import (
    HORIZON_UNIT,
    add_figure,
    add_runs,
    add_unit,
    parse_horizon,
)
from optuna_kappa.cli.inputs import Group, asks_for_runs, fit_groups
from optuna_kappa.cli.law_page import write_law_page
from optuna_kappa.cli.output import (
    group_name,
    number_text,
    print_json,
    print_notes,
    print_text,
    shares_lines,
    verdict_text,
)
from optuna_kappa.cli.priors import add_prior, asks_for_prior
from optuna_kappa.law import Law, Proposal
from optuna_kappa.law.class_shares import shares_of
from optuna_kappa.runs.selection import in_unit

SUMMARY = "propose an lr for a longer run"
# RUNS comes first, since --horizon takes all the words that follow.
USAGE = """optuna-kappa propose RUNS --horizon D [D ...] [options]
       optuna-kappa propose --storage URL --horizon D [D ...] [options]
       optuna-kappa propose --law FILE --horizon D [D ...] [options]"""
DESCRIPTION = """\
Propose an lr for each of some longer runs, or for another schedule. Prints
the 90 % interval of the best lr, and a verdict on the law behind it.
"""
EXAMPLES = """\
examples:
  optuna-kappa propose runs.csv --horizon 256 1024
  optuna-kappa propose runs.csv --horizon 256 --schedule "cosine(warmup=0.05)"
"""

# An interval this wide, as a factor, leaves as much open as a search without any law: one from
# 1e-5 to 1e-1 covers four decades.
_SAYS_NOTHING = 1e4


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `propose`."""
    add_runs(command)
    command.add_argument(
        "--law",
        metavar="FILE",
        help="law that fit --save wrote, in place of runs",
    )
    command.add_argument(
        "--horizon",
        type=parse_horizon,
        nargs="+",
        required=True,
        metavar="D",
        help=f"horizons of the planned runs, {HORIZON_UNIT}",
    )
    command.add_argument(
        "--schedule",
        help="schedule of the planned runs, such as cosine or 'cosine(warmup=0.05)' (default: "
        "the schedule of the runs)",
    )
    add_prior(command, "the run that --horizon plans (the longest, of several)")
    add_figure(command)
    add_unit(command)


def run(options: argparse.Namespace) -> None:
    """Print what the law of each group proposes for the horizons asked for.

    Raises:
        ValueError: The runs or the law cannot be read, a file cannot be written, or no group has
            a proposal.
    """
    proposals = _propose(options, _groups(options))
    for group, of_group in proposals:
        print_notes(_far_notes(group, of_group))
    if options.figure:
        write_law_page(options, proposals)

    if options.json:
        print_json({"proposals": _as_dicts(proposals)})
    else:
        for group, of_group in proposals:
            print_text(_text(group, of_group))


def _groups(options: argparse.Namespace) -> list[Group]:
    if options.law is None:
        return fit_groups(options, planned=max(options.horizon))
    if asks_for_runs(options):
        raise ValueError("give either --law or runs to fit one to, not both")
    if asks_for_prior(options):
        raise ValueError(
            "the law of --law has the prior that it was fitted with: leave out --prior, "
            "--optimizer and --passes, or give them to fit --save"
        )

    try:
        law = Law.from_json(Path(options.law).read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the law {options.law}: {error}") from error
    return [Group({}, None, law)]


def _propose(
    options: argparse.Namespace, groups: Sequence[Group]
) -> list[tuple[Group, list[Proposal]]]:
    """Propose for each group. Groups without a proposal are left out, with a note that says why.

    Raises:
        ValueError: No group has a proposal.
    """
    proposals = []
    failures = []
    for group in groups:
        try:
            proposals.append((group, _propose_for_group(options, group)))
        except ValueError as error:
            # A group without a proposal must not hide those of the others.
            name = group_name(group.context)
            failures.append(f"{name}: {error}" if name else str(error))

    if not proposals:
        raise ValueError(failures[0])
    print_notes(failures)
    return proposals


def _propose_for_group(options: argparse.Namespace, group: Group) -> list[Proposal]:
    schedule = options.schedule
    if schedule is None:
        schedule = _only_schedule(group.law)

    proposals = []
    for horizon in options.horizon:
        # A law from a file knows no epochs.
        if group.runs is not None:
            horizon = in_unit(group.runs, horizon)
        proposals.append(group.law.propose(horizon, schedule))

    return proposals


def _only_schedule(law: Law) -> str:
    """The schedule of all optima; constant if there are none."""
    names = sorted({optimum.schedule for optimum in law.optima})
    if len(names) > 1:
        raise ValueError(
            f"the runs have several schedules; choose by --schedule: {', '.join(names)}, "
            "or any other"
        )

    return names[0] if names else "constant"


def _far_notes(group: Group, proposals: Sequence[Proposal]) -> list[str]:
    """Write a note if a horizon is so far beyond the runs that its interval says nothing."""
    longest = max((optimum.horizon for optimum in group.law.optima), default=math.inf)
    far = [
        one for one in proposals if one.horizon > longest and one.high > _SAYS_NOTHING * one.low
    ]
    if not far:
        return []

    nearest = min(far, key=lambda one: one.horizon)
    decades = math.log10(nearest.high) - math.log10(nearest.low)
    of_group = f" of {group_name(group.context)}" if group.context else ""
    return [
        f"horizon {nearest.horizon:g} is {nearest.horizon / longest:,.0f} times that of the "
        f"longest runs{of_group}. The 90 % interval spans {decades:.0f} decades there and says "
        "nothing useful, and the same holds for longer horizons. Add longer runs."
    ]


def _as_dicts(proposals: Sequence[tuple[Group, Sequence[Proposal]]]) -> list[dict[str, Any]]:
    dicts = []
    for group, of_group in proposals:
        for proposal in of_group:
            known = {"prior": group.law.prior.name, "classes": shares_of(group.law)}
            dicts.append({"context": dict(group.context), **asdict(proposal), **known})

    return dicts


def _text(group: Group, proposals: Sequence[Proposal]) -> str:
    """What a group's law proposes for one schedule and several horizons."""
    name = group_name(group.context)
    schedule = one_line(proposals[0].schedule)
    lines = [f"{name}, {schedule}" if name else schedule, ""]

    lines.append(f"  {'horizon':>12} {'lr':>10} {'90 % interval':>22} {'kappa':>10}  verdict")
    for proposal in proposals:
        interval = f"{proposal.low:.3g} to {proposal.high:.3g}"
        kappa = number_text(proposal.kappa, ".3g")
        lines.append(
            f"  {proposal.horizon:>12.6g} {proposal.lr:>10.3g} {interval:>22} {kappa:>10}  "
            f"{proposal.verdict.word}"
        )

    # Most horizons share a verdict, which is then printed once.
    for verdict in dict.fromkeys(proposal.verdict for proposal in proposals):
        lines += ["", verdict_text(verdict)]
    lines += ["", shares_lines(group.law), ""]
    return "\n".join(lines)
