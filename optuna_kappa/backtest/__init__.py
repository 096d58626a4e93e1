"""Would it have worked on recorded runs?"""

from optuna_kappa.backtest.backtest import METHODS, Backtest, Outcome, Skipped, Tried, backtest
from optuna_kappa.backtest.recorded import Recorded, RecordedRuns

__all__ = [
    "METHODS",
    "Backtest",
    "Outcome",
    "Recorded",
    "RecordedRuns",
    "Skipped",
    "Tried",
    "backtest",
]
