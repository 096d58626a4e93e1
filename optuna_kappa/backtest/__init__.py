"""Would the law have worked on recorded runs?"""

from optuna_kappa.backtest.backtest import backtest
from optuna_kappa.backtest.recorded import Recorded, RecordedRuns
from optuna_kappa.backtest.results import METHODS, Backtest, Outcome, Skipped, Tried

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
