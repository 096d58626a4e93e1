"""The law of how the optimal learning rate moves: NumPy and SciPy only."""

from optuna_kappa.law.diagnosis import Verdict
from optuna_kappa.law.law import Law, Proposal, fit
from optuna_kappa.law.optimum import Optimum

__all__ = ["Law", "Optimum", "Proposal", "Verdict", "fit"]
