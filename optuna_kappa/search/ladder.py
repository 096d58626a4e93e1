"""What to try next: probes at a ladder of short horizons, then trials at the target.

Pure functions of plain values; `optuna_kappa.study.sampler` feeds them from a study. Horizons are
in the unit of the study's steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Rungs of the ladder: (target horizon / rung, share of the probes). Six probes at a 24th of the
# target cover the whole lr range, four at about a third see how the optimum moves: 1.5 full runs,
# 1.6 where the horizons are rounded to whole epochs.
LADDER = ((24, 0.6), (3.2, 0.4))
N_PROBES = 10
N_LEAST = 3  # fewer probes do not bracket an optimum
MOST_COST = 1.6  # full runs; a coarse unit (five epochs, say) rounds the rungs up
# Law-directed target trials allowed before they have borne the law out: one at its median and one
# on either side, the fewest that can bracket an optimum.
TRUST = 3
LOCATED = 1.0  # standard error of the optimum, in ln lr, at which target trials have located it


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


def affordable(target: int) -> int:
    """The default number of probes: all of them, or as many as `MOST_COST` full runs pay for."""
    for n in range(N_PROBES, N_LEAST, -1):
        if sum(horizon * count for horizon, count in rungs(target, n)) <= MOST_COST * target:
            return n
    return N_LEAST


def next_probe(
    rungs: Sequence[tuple[int, int]], planned: Mapping[int, int], target: int
) -> int | None:
    """Horizon of the next probe; None once every rung has its probes.

    A trial of a longer horizon tells no less than one of the rung: those of a study that goes on
    to a longer target count.

    Args:
        rungs: (horizon, number of probes) of each rung, ascending.
        planned: Number of trials planned for each horizon.
        target: Horizon of a full run.

    Example:
        >>> next_probe([(1, 6), (8, 4)], planned={1: 6}, target=24)
        8
    """
    for horizon, n in rungs:
        longer = (h for h in planned if horizon <= h < target)
        if sum(planned[h] for h in longer) < n:
            return horizon
    return None


def trusts_law(n_by_law: int, n_base: int, se: float, *, known: bool) -> bool:
    """Whether the next target trial may follow the law.

    The first three may, or two where the law rests on other runs alone. From then on the trials at
    the target, by themselves, have to locate the optimum; until they do, every second one is the
    base sampler's. Once they have, the law is borne out or overruled by them, and is followed.

    Args:
        n_by_law: Target trials that followed the law.
        n_base: Target trials that did not.
        se: Standard error of the optimum (in ln lr) as found from target trials alone; infinite
            if there are too few, or the best of them is the outermost.
        known: Whether the law rests on probes of this study, or its first target trial is the
            best of those that followed it.
    """
    return se <= LOCATED or n_by_law < (TRUST if known else TRUST - 1) + n_base
