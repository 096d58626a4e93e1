"""The law: how the optimal learning rate moves with horizon and schedule. Pure NumPy and SciPy."""

from optuna_kappa.law.checks import Checks, Shift
from optuna_kappa.law.fitting import fit, fit_contexts, join, pool
from optuna_kappa.law.law import Law, Proposal
from optuna_kappa.law.omissions import omissions
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.prior import PRIORS, Prior, SlopeClass
from optuna_kappa.law.regimes import prior_for
from optuna_kappa.law.verdict import Verdict

__all__ = [
    "Checks",
    "Law",
    "Optimum",
    "PRIORS",
    "Prior",
    "Proposal",
    "Shift",
    "SlopeClass",
    "Verdict",
    "fit",
    "fit_contexts",
    "join",
    "omissions",
    "pool",
    "prior_for",
]
