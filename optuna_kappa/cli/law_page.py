"""The page that `fit` and `propose` write."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from optuna_kappa.cli.inputs import Group
from optuna_kappa.cli.output import group_name
from optuna_kappa.law import Proposal
from optuna_kappa.law.class_shares import source_text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def write_law_page(
    options: argparse.Namespace, groups: Sequence[tuple[Group, Sequence[Proposal]]]
) -> None:
    """Write a page with the figures of each group: its law, and loss against learning rate.

    Args:
        options: Options of the command: the name of the file, and the unit of a horizon.
        groups: Each group, with what its law proposes.

    Raises:
        ValueError: The file cannot be written.
    """
    # Plotly takes a while to import, and most calls ask for no figure.
    from optuna_kappa.report import Section, page, write

    sections = []
    for group, proposals in groups:
        title = group_name(group.context) or "All runs"
        source = source_text(group.law)
        sections.append(Section(title, [source], _figures(group, proposals, options.unit)))

    write(options.figure, page("Optimal learning rate", sections=sections))


def _figures(group: Group, proposals: Sequence[Proposal], unit: str) -> list[Figure]:
    from optuna_kappa.visualization import plot_law, plot_lr_curves

    targets = []
    for proposal in proposals:
        targets.append((proposal.horizon, proposal.schedule))

    figures = [plot_law(group.law, targets=targets, unit=unit)]

    # A law from a file comes without its runs.
    if group.runs is None:
        return figures

    # A dictionary keeps the order of the law.
    schedules = dict.fromkeys(optimum.schedule for optimum in group.law.optima)
    for schedule in schedules:
        figure = plot_lr_curves(group.runs, law=group.law, schedule=schedule, unit=unit)
        figures.append(figure)
    return figures
