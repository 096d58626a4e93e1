"""The law of how the optimal learning rate moves: NumPy and SciPy only."""

from optuna_kappa.law.checks import Checks, Shift
from optuna_kappa.law.diagnosis import Verdict
from optuna_kappa.law.law import Law, Proposal, fit, fit_contexts, join, pool
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.surrogate import Surrogate, surrogate

__all__ = [
    "Checks",
    "Law",
    "Optimum",
    "Proposal",
    "Shift",
    "Surrogate",
    "Verdict",
    "fit",
    "fit_contexts",
    "join",
    "pool",
    "surrogate",
]
