"""The law of how the optimal learning rate moves: NumPy and SciPy only."""

from optuna_kappa.law.checks import Checks, Shift
from optuna_kappa.law.fitting import fit, fit_contexts, join, pool
from optuna_kappa.law.law import Law, Proposal
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.verdict import Verdict

__all__ = [
    "Checks",
    "Law",
    "Optimum",
    "Proposal",
    "Shift",
    "Verdict",
    "fit",
    "fit_contexts",
    "join",
    "pool",
]
