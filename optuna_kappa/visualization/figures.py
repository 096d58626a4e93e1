"""All figures of a study, in the order in which a page shows them."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go
from optuna.study import Study

from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.visualization.budget import plot_budget
from optuna_kappa.visualization.cumulative import plot_cumulative_learning
from optuna_kappa.visualization.kappa import plot_kappa
from optuna_kappa.visualization.law import plot_law
from optuna_kappa.visualization.lr_curves import plot_lr_curves
from optuna_kappa.visualization.plan import plot_plan
from optuna_kappa.visualization.proposal import plot_proposal
from optuna_kappa.visualization.pruning import plot_pruning
from optuna_kappa.visualization.schedule_transfer import plot_schedule_transfer
from optuna_kappa.visualization.searched import Searched, searched


class StudyFigure(NamedTuple):
    """A figure of a study.

    Attributes:
        id: Name that stays the same, such as "lr_curves": letters and underscores.
        title: Title in plain text.
        figure: The figure.

    Example:
        >>> StudyFigure("law", "The law", go.Figure()).id
        'law'
    """

    id: str
    title: str
    figure: go.Figure


def figures_of(
    study: Study,
    sampler: KappaSampler | None = None,
    *,
    lr: LrName = "lr",
) -> list[StudyFigure]:
    """All figures of a study, in the order in which a page shows them.

    Those that do not apply are left out: schedule transfer where all optima are of one schedule,
    pruning where nothing was pruned and no `KappaPruner` would. The others say what is missing as
    long as they have nothing to show.

    Args:
        study: A study with one objective.
        sampler: The sampler that searched it. By default the study's own.
        lr: Name of the learning-rate parameter, where no `KappaSampler` knows it.

    Raises:
        ValueError: The study has several objectives.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> [figure.id for figure in figures_of(study)][:4]
        ['proposal', 'law', 'kappa', 'lr_curves']
    """
    known = searched(study, sampler, lr)
    figures = [
        StudyFigure("proposal", "Where the best rate may be", plot_proposal(known)),
        StudyFigure("law", "The law", plot_law(known)),
        StudyFigure("kappa", "Cumulative learning of the optimum", plot_kappa(known)),
        StudyFigure("lr_curves", "Loss over learning rate", plot_lr_curves(known)),
    ]
    if len({optimum.schedule for optimum in known.law.optima}) > 1:
        transfer = plot_schedule_transfer(known)
        figures.append(StudyFigure("schedule_transfer", "From one schedule to another", transfer))

    figures += [
        StudyFigure("plan", "Plan", plot_plan(known)),
        StudyFigure("budget", "Best value and regret", plot_budget({study.study_name: [known]})),
        StudyFigure("cumulative_learning", "Each trial", plot_cumulative_learning(known)),
    ]
    if _prunes(known):
        pruning = plot_pruning(study, known.lr)
        figures.append(StudyFigure("pruning", "Kept and pruned trials", pruning))
    return figures


def _prunes(known: Searched) -> bool:
    """Whether trials of a study were pruned, other than probes as planned, or may be."""
    if isinstance(known.study.pruner, KappaPruner):
        return True
    return any(kill.kind != "probe" for kill in known.kills)
