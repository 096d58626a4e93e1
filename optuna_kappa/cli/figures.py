"""Pages with figures that commands write."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from optuna_kappa.cli.inputs import Group
from optuna_kappa.cli.output import label
from optuna_kappa.law import Proposal


def write_figures(
    options: argparse.Namespace, groups: Sequence[tuple[Group, Sequence[Proposal]]]
) -> None:
    """Writes a page with the figures of each group: the law, and loss against learning rate."""
    from optuna_kappa.report import Section, page, write
    from optuna_kappa.visualization import plot_law, plot_loss_vs_lr

    sections = []
    for (context, runs, law), proposals in groups:
        targets = [(one.horizon, one.schedule) for one in proposals]
        figures = [plot_law(law, targets=targets, unit=options.unit)]
        for schedule in dict.fromkeys(optimum.schedule for optimum in law.optima):
            if runs is not None:
                figures.append(plot_loss_vs_lr(runs, law, schedule=schedule, unit=options.unit))
        sections.append(Section(label(context) or "All runs", figures=figures))
    write(options.figure, page("Optimal learning rate", sections=sections))


def add_unit(command: argparse.ArgumentParser) -> None:
    """Add the option that names the unit of a horizon."""
    text = "what a horizon counts, for the figures (samples)"
    command.add_argument("--unit", default="samples", metavar="NAME", help=text)


def add_figure(command: argparse.ArgumentParser) -> None:
    """Add the option that asks for a page with the figures."""
    command.add_argument("--figure", metavar="FILE.html", help="write a page with the figures")
