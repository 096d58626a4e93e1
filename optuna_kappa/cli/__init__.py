"""The command line `optuna-kappa`: one command a file."""

from optuna_kappa.cli.main import main

__all__ = ["main"]
