"""How probes are spread over short horizons, and when trials at the target may follow the law.

A search starts with probes: trials that are planned for a horizon below the target. Their horizons
are the rungs of a ladder. Once every rung has its probes, all trials are at the target horizon.
To change

    how probes are spread over horizons         edit `LADDER`; `rungs` turns it into horizons
    how many probes there are                   edit `N_PROBES`; `affordable` lowers the number
                                                where they would cost more than `MOST_COST`
    which rung comes next                       edit `next_probe`
    when target trials may follow the law       edit `TRUST` and `LOCATED`; `trusts_law` uses them

Learning rates are chosen elsewhere, in `optuna_kappa.search.picking`. All functions are pure
functions of plain values; `optuna_kappa.study.sampler` calls them with those of a study. Horizons
are in the unit of the steps of the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Rungs, each with (target horizon / horizon of the rung, share of the probes). Six probes at a
# 24th of the target cover the whole lr range. Four at about a third show how the optimum moves.
# Together they cost 1.5 full runs, or 1.6 if the horizons are rounded to whole epochs.
LADDER = ((24, 0.6), (3.2, 0.4))
N_PROBES = 10
N_LEAST = 3  # fewer probes cannot bracket an optimum
MOST_COST = 1.6  # full runs that probes may cost; a coarse unit, such as 5 epochs, rounds rungs up
# Target trials that may follow the law before they have confirmed it: one at its median and one on
# either side, the fewest that can bracket an optimum.
TRUST = 3
LOCATED = 1.0  # standard error of the optimum, in ln lr, below which it counts as located


def rungs(target: int, n_probes: int) -> list[tuple[int, int]]:
    """Spread probes over horizons below the target, as `LADDER` says.

    Args:
        target: Horizon of a full run.
        n_probes: Number of probes in all.

    Returns:
        (horizon, number of probes) of each rung, by ascending horizon. Rungs that round to the
        same horizon are one, and a rung that rounds to the target is left out.

    Example:
        >>> rungs(target=24, n_probes=10)
        [(1, 6), (8, 4)]
    """
    probes: dict[int, int] = {}
    left = n_probes
    for i, (divisor, share) in enumerate(LADDER):
        horizon = max(1, round(target / divisor))
        is_last = i == len(LADDER) - 1
        n = left if is_last else min(left, round(n_probes * share))
        left -= n

        if n and horizon < target:
            probes[horizon] = probes.get(horizon, 0) + n
    return sorted(probes.items())


def affordable(target: int) -> int:
    """Default number of probes: `N_PROBES`, or as many as cost at most `MOST_COST` full runs.

    It is never below `N_LEAST`.

    Args:
        target: Horizon of a full run.

    Example:
        >>> affordable(24)
        10
        >>> affordable(5)
        6
    """
    for n_probes in range(N_PROBES, N_LEAST, -1):
        cost = sum(horizon * n for horizon, n in rungs(target, n_probes))
        if cost <= MOST_COST * target:
            return n_probes
    return N_LEAST


def next_probe(
    rungs: Sequence[tuple[int, int]],
    planned: Mapping[int, int],
    target: int,
) -> int | None:
    """Horizon of the next probe, or None once every rung has its probes.

    A probe of a longer horizon tells at least as much as one of the rung, so it counts for the
    rung too. Such probes exist if a study goes on to a longer target.

    Args:
        rungs: (horizon, number of probes) of each rung, by ascending horizon.
        planned: Number of trials planned for each horizon.
        target: Horizon of a full run.

    Example:
        >>> next_probe([(1, 6), (8, 4)], planned={1: 5}, target=24)
        1
        >>> next_probe([(1, 6), (8, 4)], planned={1: 6}, target=24)
        8
        >>> next_probe([(1, 6), (8, 4)], planned={1: 6, 8: 4}, target=24) is None
        True
    """
    for rung, n_wanted in rungs:
        n_planned = 0
        for horizon, n in planned.items():
            if rung <= horizon < target:
                n_planned += n

        if n_planned < n_wanted:
            return rung
    return None


def next_missing(
    rungs: Sequence[tuple[int, int]],
    planned: Mapping[int, int],
    target: int,
) -> int | None:
    """As `next_probe`, but longer probes make up only for what their own rung does not want.

    A probe that died may be missed only when longer ones have been planned.

    Args:
        rungs: (horizon, number of probes) of each rung, by ascending horizon.
        planned: Number of trials planned for each horizon.
        target: Horizon of a full run.

    Example:
        >>> next_missing([(1, 6), (8, 4)], planned={1: 5, 8: 4}, target=24)
        1
        >>> next_missing([(1, 6), (8, 4)], planned={1: 5, 8: 5}, target=24) is None
        True
    """
    for i, rung in enumerate(rungs):
        beyond = dict(planned)
        for longer, n_wanted in rungs[i + 1 :]:
            beyond[longer] = max(0, beyond.get(longer, 0) - n_wanted)

        probe_horizon = next_probe([rung], beyond, target)
        if probe_horizon is not None:
            return probe_horizon
    return None


def trusts_law(n_by_law: int, n_base: int, se: float, *, known: bool) -> bool:
    """Whether the next target trial may take its lr from the law.

    Up to three target trials follow the law, or two if it rests on other runs alone. By then the
    target trials themselves should have located the optimum. As long as they have not, every
    second trial goes to the base sampler. Once they have, they have confirmed or corrected the
    law, and all trials follow it.

    Args:
        n_by_law: Number of target trials that followed the law.
        n_base: Number of target trials that the base sampler chose.
        se: Standard error of the optimum, in ln lr, from target trials alone. Infinite if there
            are too few, or if the best of them has the lowest or highest lr.
        known: Whether the law rests on probes of this study, or the first target trial that
            followed it is the best of those that did.

    Example:
        >>> trusts_law(n_by_law=2, n_base=0, se=float("inf"), known=True)
        True
        >>> trusts_law(n_by_law=3, n_base=0, se=float("inf"), known=True)
        False
        >>> trusts_law(n_by_law=3, n_base=0, se=0.2, known=True)
        True
    """
    if se <= LOCATED:
        return True

    n_free = TRUST if known else TRUST - 1
    return n_by_law < n_free + n_base
