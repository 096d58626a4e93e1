"""Readers of what other tools record, one a file. Each hands over plain columns."""

from optuna_kappa.imports.sources import read_source

__all__ = ["read_source"]
