"""Learning rates for long and scheduled training runs, from cheap short ones.

`KappaSampler` and `KappaPruner` plug into an Optuna study; `fit` and `Law` work without Optuna on
a `RunTable`.
"""

from optuna_kappa.law import Law, Proposal, Verdict, fit, fit_contexts
from optuna_kappa.runs import RunTable, read_csv
from optuna_kappa.study import KappaPruner, KappaSampler, horizon, run_table

__version__ = "0.1.0"

__all__ = [
    "KappaPruner",
    "KappaSampler",
    "Law",
    "Proposal",
    "RunTable",
    "Verdict",
    "fit",
    "fit_contexts",
    "horizon",
    "read_csv",
    "run_table",
]
