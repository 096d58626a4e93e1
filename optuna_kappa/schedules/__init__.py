"""Schedules: shapes m(p) of the learning rate over a run, their integrals, and torch adapters.

A schedule multiplies the base learning rate by m(p), where p in [0, 1] is the fraction of the
horizon D done. The cumulative learning of a run is then

    kappa = lr * D * mean,        mean = integral of m(p) over p from 0 to 1

(section 5 of "the paper", N. Faraj, "Tuning Learning Rates with the Cumulative-Learning
Constant").

>>> cosine(warmup=0.1).lr(kappa=165, horizon=390_000)
0.0008461538461538462
>>> parse("halving(period=30000)").resolve(horizon=390_000).name
'step(n=13)'
"""

from optuna_kappa.schedules.measured import from_callable, from_torch
from optuna_kappa.schedules.parsing import as_schedule, find_schedule, is_constant, parse
from optuna_kappa.schedules.periodic import AnySchedule, PeriodicSchedule
from optuna_kappa.schedules.pieces import cyclic, step
from optuna_kappa.schedules.schedule import CONSTANT, Schedule
from optuna_kappa.schedules.shapes import (
    constant,
    cosine,
    exponential,
    linear,
    one_cycle,
    polynomial,
    wsd,
)

__all__ = [
    "CONSTANT",
    "AnySchedule",
    "PeriodicSchedule",
    "Schedule",
    "as_schedule",
    "constant",
    "cosine",
    "cyclic",
    "exponential",
    "find_schedule",
    "from_callable",
    "from_torch",
    "is_constant",
    "linear",
    "one_cycle",
    "parse",
    "polynomial",
    "step",
    "wsd",
]
