"""The loss along any schedule, and the best rate for what remains: NumPy and SciPy only."""

from optuna_kappa.psi.curve import Curve
from optuna_kappa.psi.curve_file import read_curves
from optuna_kappa.psi.fitting import fit
from optuna_kappa.psi.formula import Formula
from optuna_kappa.psi.loss_law import LossLaw, Prediction
from optuna_kappa.psi.planned import curves_of, planned
from optuna_kappa.psi.psi import Psi
from optuna_kappa.psi.ranking import Ranked, rank
from optuna_kappa.psi.scheduler import PsiScheduler

__all__ = [
    "Curve",
    "Formula",
    "LossLaw",
    "Prediction",
    "Psi",
    "PsiScheduler",
    "Ranked",
    "curves_of",
    "fit",
    "planned",
    "rank",
    "read_curves",
]
