r"""Best learning rates, their kappa, and the rates that kappa predicts.

The paper measures kappa at a constant rate and predicts from it the rate of a scheduled run:

    kappa = lr * (sum of the constant schedule)        formulas.kappa
    lr    = kappa / (sum of the other schedule)        formulas.lr

All quantities here are natural logarithms, where both are shifts by a known number.
"""

from __future__ import annotations

import math

from studies.paper import formulas, published
from studies.paper.curves import Archive
from studies.paper.estimate import Estimate, shifted
from studies.paper.optima import optimum


def best(archive: Archive, table: str, n_epochs: float) -> Estimate:
    """Logarithm of the best learning rate after this many of the paper's epochs."""
    curves = archive.curves(table)
    return optimum(curves, round(n_epochs * curves.epoch))


def kappa(archive: Archive, optimizer: str, n_epochs: int = published.KAPPA_EPOCHS) -> Estimate:
    """Logarithm of kappa of the best constant rate."""
    table = f"{optimizer}-constant"
    epoch = archive.curves(table).epoch
    kappa_at_rate_one = formulas.kappa(1.0, n_epochs, epoch)
    return shifted(best(archive, table, n_epochs), math.log(kappa_at_rate_one))


def predicted(archive: Archive, ln_kappa: Estimate, schedule: str, n_epochs: int) -> Estimate:
    """Logarithm of the base learning rate that has this kappa under a schedule."""
    epoch = archive.curves("adam-constant").epoch
    lr_at_kappa_one = formulas.lr(1.0, n_epochs, epoch, schedule)
    return shifted(ln_kappa, math.log(lr_at_kappa_one))
