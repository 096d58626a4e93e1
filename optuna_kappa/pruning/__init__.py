"""Whether a run under way can still become the best: NumPy and SciPy only."""

from optuna_kappa.pruning.decision import Decision, Rule, ends_anyway, is_due, judge
from optuna_kappa.pruning.example import example_curve, example_history
from optuna_kappa.pruning.forecast import Forecast, forecast
from optuna_kappa.pruning.history import History, learn
from optuna_kappa.pruning.run import Place, Run

__all__ = [
    "Decision",
    "Forecast",
    "History",
    "Place",
    "Rule",
    "Run",
    "ends_anyway",
    "example_curve",
    "example_history",
    "forecast",
    "is_due",
    "judge",
    "learn",
]
