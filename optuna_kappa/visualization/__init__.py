"""Figures, one a module; imports Plotly, so `import optuna_kappa` does not import this."""

from optuna_kappa.visualization.budget import plot_budget
from optuna_kappa.visualization.cumulative import plot_cumulative_learning
from optuna_kappa.visualization.dark import on_dark
from optuna_kappa.visualization.figures import StudyFigure, figures_of
from optuna_kappa.visualization.kappa import plot_kappa
from optuna_kappa.visualization.law import plot_law
from optuna_kappa.visualization.lr_curves import plot_lr_curves
from optuna_kappa.visualization.plan import plot_plan
from optuna_kappa.visualization.proposal import plot_proposal
from optuna_kappa.visualization.pruning import plot_pruning
from optuna_kappa.visualization.psi import plot_psi
from optuna_kappa.visualization.schedule_transfer import plot_schedule_transfer
from optuna_kappa.visualization.transfer import TransferPoint, plot_transfer

__all__ = [
    "StudyFigure",
    "TransferPoint",
    "figures_of",
    "on_dark",
    "plot_budget",
    "plot_cumulative_learning",
    "plot_kappa",
    "plot_law",
    "plot_lr_curves",
    "plot_plan",
    "plot_proposal",
    "plot_pruning",
    "plot_psi",
    "plot_schedule_transfer",
    "plot_transfer",
]
