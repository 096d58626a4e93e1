"""Everything that knows an Optuna study."""

from optuna_kappa.study.explain import Explanation, Kill, explain, kills
from optuna_kappa.study.plans import Plan, horizon, plan_of
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.trials import run_table

__all__ = [
    "Explanation",
    "KappaPruner",
    "KappaSampler",
    "Kill",
    "Plan",
    "explain",
    "horizon",
    "kills",
    "plan_of",
    "run_table",
]
