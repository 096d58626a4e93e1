"""What to try next: probes at a ladder of short horizons, then trials at the target.

Pure functions of plain values; `optuna_kappa.sampler` feeds them from a study. Horizons are in
the unit of the study's steps, learning rates in ln lr.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from optuna_kappa.runs import Floats

# Rungs of the ladder: (target horizon / rung, share of the probes). Most probes cover the whole lr
# range where that costs next to nothing, the others see how the optimum moves from there to a
# third of the target. Fourteen probes cost 1.6 full runs.
LADDER = ((32, 0.6), (8, 0.2), (3, 0.2))
N_PROBES = 14
N_SPREAD = 6  # probes of the lowest rung that cover the range before any follows the law
TRUST = 2  # law-directed target trials allowed before one has borne the law out
_CANDIDATES = 401


class Seen(NamedTuple):
    """A trial at one horizon; `loss` is None while it runs, NaN if it diverged."""

    ln_lr: float
    loss: float | None
    by_law: bool = False


def rungs(target: int, n_probes: int) -> list[tuple[int, int]]:
    """(horizon, number of probes) of each rung below the target, ascending."""
    found: dict[int, int] = {}
    left = n_probes
    for i, (divisor, share) in enumerate(LADDER):
        horizon = max(1, round(target / divisor))
        n = left if i == len(LADDER) - 1 else min(left, round(n_probes * share))
        left -= n
        if n and horizon < target:
            found[horizon] = found.get(horizon, 0) + n
    return sorted(found.items())


def spread(low: float, high: float, tried: Sequence[float], n: int, u: float) -> float:
    """An ln lr that helps to cover the range: the emptiest of n equal cells, at fraction u of it.

    Args:
        low: Lower end of the range.
        high: Upper end.
        tried: ln lr already tried or running.
        n: Number of cells.
        u: Uniform random number in [0, 1).
    """
    width = (high - low) / n
    cells = np.clip(((np.array(tried) - low) / (width or 1.0)).astype(int), 0, n - 1)
    counts = np.bincount(cells, minlength=n)
    centres = low + (np.arange(n) + 0.5) * width
    gaps = np.abs(centres[:, None] - np.array(tried)).min(axis=1) if len(tried) else np.ones(n)
    order = np.lexsort((-gaps, counts))
    return float(low + (order[0] + u) * width)


def most_gain(
    density: Callable[[Floats], Floats], low: float, high: float, tried: Sequence[float]
) -> float:
    """The ln lr with the largest expected gain over those tried at the same horizon.

    If the optimum is at m, a trial at x costs (x - m)^2 above it, in some unit, so that one more
    trial gains max(0, min_i (x_i - m)^2 - (x - m)^2); the expectation is over the density of m.
    Trials that still run count as tried, so that parallel asks spread. The first trial goes to
    the density's mean.
    """
    grid = np.linspace(low, high, _CANDIDATES)
    p = density(grid)
    if not p.sum() > 0:  # all of it lies outside the range
        p = np.ones_like(grid)
    p = p / p.sum()
    cost = (grid[:, None] - grid) ** 2  # of candidates, rows, by the optimum, columns
    if not len(tried):
        return float(grid[np.argmin(cost @ p)])
    best = ((np.array(tried)[:, None] - grid) ** 2).min(axis=0)
    return float(grid[np.argmax(np.maximum(best - cost, 0.0) @ p)])


def trusts_law(seen: Sequence[Seen], low: float, high: float) -> bool:
    """Whether the next target trial may follow the law.

    The first two may, and a third if neither of them diverged. A law is borne out once the best
    target trial has worse ones on both sides (or lies at an end of the range): the optimum at the
    target is then bracketed by trials there. Until then every second trial is the base sampler's.
    """
    by_law = sum(trial.by_law for trial in seen)
    finite = [trial for trial in seen if trial.loss is not None and np.isfinite(trial.loss)]
    diverged = any(trial.loss is not None and not np.isfinite(trial.loss) for trial in seen)
    if by_law < TRUST or (by_law == TRUST and not diverged):
        return True
    if not finite:
        return False
    best = min(finite, key=lambda trial: float(trial.loss or 0.0))
    done = [trial for trial in seen if trial.loss is not None]
    margin = 0.02 * (high - low)
    below = best.ln_lr - low < margin or any(trial.ln_lr < best.ln_lr for trial in done)
    above = high - best.ln_lr < margin or any(trial.ln_lr > best.ln_lr for trial in done)
    return (below and above) or by_law <= TRUST + len(seen) - by_law
