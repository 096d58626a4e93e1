"""Whether a run that is under way can still become the best: NumPy and SciPy only."""

from optuna_kappa.pruning.decision import Decision, Rule, ends_anyway, is_due, judge
from optuna_kappa.pruning.forecast import Forecast, forecast
from optuna_kappa.pruning.history import History, Place, Run, learn

__all__ = [
    "Decision",
    "Forecast",
    "History",
    "Place",
    "Rule",
    "Run",
    "ends_anyway",
    "forecast",
    "is_due",
    "judge",
    "learn",
]
