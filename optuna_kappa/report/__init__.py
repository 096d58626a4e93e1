"""A self-contained page from texts, tables and figures."""

from optuna_kappa.report.page import page, write
from optuna_kappa.report.parts import Cell, Section, Table

__all__ = ["Cell", "Section", "Table", "page", "write"]
