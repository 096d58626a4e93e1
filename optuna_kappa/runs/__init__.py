"""Run tables: what was trained, and how each run's loss went."""

from optuna_kappa.runs.files import read_csv
from optuna_kappa.runs.table import COLUMNS, RunTable

__all__ = ["COLUMNS", "RunTable", "read_csv"]
