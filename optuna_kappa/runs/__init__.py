"""Run tables: which runs were trained, and how the loss of each went."""

from optuna_kappa.runs.columns import COLUMNS
from optuna_kappa.runs.example import example_runs
from optuna_kappa.runs.files import read_csv, write_csv
from optuna_kappa.runs.table import RunTable

__all__ = ["COLUMNS", "RunTable", "example_runs", "read_csv", "write_csv"]
