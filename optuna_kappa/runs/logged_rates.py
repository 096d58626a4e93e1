"""The base rate of each run of a history, from the rates that were logged while it went on."""

from __future__ import annotations

import logging

import numpy as np

from optuna_kappa._typing import Floats, Texts
from optuna_kappa.runs.mapping import listed
from optuna_kappa.runs.ordered import OrderedRows
from optuna_kappa.runs.rates import BaseRate, base_rate
from optuna_kappa.schedules import CONSTANT

_logger = logging.getLogger(__name__)

_SAME = 1e-9  # relative difference below which logged rates are one rate, rounded
_MOST_SHAPES = 10_000  # kept, so that the runs of a sweep share what was found


def base_rates(rows: OrderedRows, horizon: Floats) -> list[BaseRate | None]:
    """The base rate of each run; None for a run that has none."""
    known: dict[bytes, BaseRate] = {}
    found: list[BaseRate | None] = []
    starts = rows.starts
    ends = np.append(starts[1:], len(rows.code))
    has_rate = ~np.isnan(rows.lr)

    for run, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        rates = rows.lr[start:end][has_rate[start:end]]
        peak = rates.max(initial=0.0)
        if peak <= 0:
            found.append(None)
        elif rates.min() >= peak * (1 - _SAME):
            found.append(BaseRate(float(peak), CONSTANT, True))
        else:
            p = rows.step[start:end][has_rate[start:end]] / horizon[run]
            found.append(_shared(p, rates, known))
    return found


def _shared(p: Floats, rates: Floats, known: dict[bytes, BaseRate]) -> BaseRate:
    """The base rate of a run; runs of one sweep have the same shape, which is looked for once."""
    peak = float(rates.max())
    shape = np.round(np.concatenate([p, rates / peak]), 5)
    key = shape.tobytes()
    if key not in known:
        if len(known) >= _MOST_SHAPES:
            known.clear()
        known[key] = base_rate(p, rates / peak)
    of_shape = known[key]
    return of_shape._replace(lr=float(f"{of_shape.lr * peak:.6g}"))


def note_rates(schedules: Texts, column: str) -> None:
    """Say that the current rate was logged, and which schedule it follows."""
    n_changing = int((schedules != CONSTANT).sum())
    if not n_changing:
        return

    found = sorted(set(schedules.tolist()) - {CONSTANT})
    _logger.warning(
        "%r changes within %d of %d runs: it is the current rate. The base rate is its peak, and "
        "the rates have the shape of %s.",
        column,
        n_changing,
        len(schedules),
        listed(found),
    )
