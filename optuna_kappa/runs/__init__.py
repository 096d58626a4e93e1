"""Run tables: what was trained, and how each run's loss went."""

from optuna_kappa.runs.example import example_runs
from optuna_kappa.runs.files import read_csv, write_csv
from optuna_kappa.runs.table import COLUMNS, RunTable

__all__ = ["COLUMNS", "RunTable", "example_runs", "read_csv", "write_csv"]
