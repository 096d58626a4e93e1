"""Problems that the atlas has solved: sparse probe optima, and the optimum of a longer run.

A case takes a table at a constant rate and a target horizon: the longest one at which the law
finds an optimum, or half of the longest runs. (Averaged losses count a little before their end.)
The optimum of all recorded runs at the target is the truth. What is seen is like the outcome of a
small ladder of probes: optima at a 24th and a 12th of the target, with noise added.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from optuna_kappa import read_csv
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import Optimum, find_chain
from optuna_kappa.law.regimes import FRESH, Regime, kind_of_optimizer
from studies.atlas.family import CONSTANT, Family, TableOf

TARGETS = (1.0, 0.5)
"""Target horizons, as fractions of the longest runs, or as near as an optimum is known."""

PROBES = (24, 12)
"""Target horizon / horizon of the probes."""

NOISE = 0.3
"""Standard deviation in ln lr of the noise that is added to a probe optimum.

An assumption: a factor of 1.35, as a few single runs a rung may leave it. It was not measured.
"""

_LARGEST_SE = 0.3  # of a recorded optimum; where the rates' edge makes it larger, nothing is known
_N_RUNS = 6  # that a probe optimum is said to rest on
_TOLERANCE = 1.01  # horizons this close are equal


@dataclass(frozen=True)
class Case:
    """A table, a target horizon, and probe optima.

    Attributes:
        table: Name of the table.
        family: Name of its family.
        regime: Kind of the optimizer, and whether data repeat by the target.
        target: Target horizon, in samples.
        longest: Horizon of the longest runs.
        one_pass: Samples in a pass over the data.
        ln_lr: Logarithm of the best learning rate at the target.
        se: Its standard error.
        probes: Optima at shorter horizons, ascending.
    """

    table: str
    family: str
    regime: Regime
    target: float
    longest: float
    one_pass: float
    ln_lr: float
    se: float
    probes: tuple[Optimum, ...]


def read_cases(
    tables: Path,
    families: Sequence[Family],
    n_draws: int,
) -> list[Case]:
    """Make the cases of all tables at a constant rate that there are.

    Args:
        tables: Folder of the tables.
        families: The families.
        n_draws: Cases of each table and target; they differ in the noise of the probes.

    Raises:
        ValueError: There is no table, or one is damaged.
    """
    cases: list[Case] = []
    for table in constant_tables(families):
        path = tables / f"{table.name}.csv.gz"
        if path.exists():
            cases += _cases_of(table, path, n_draws)

    if not cases:
        raise ValueError(
            f"there is no table of the atlas in {tables}; run `python -m studies.atlas sweep`"
        )
    return cases


def constant_tables(families: Sequence[Family]) -> Iterator[TableOf]:
    """Yield the tables at a constant rate."""
    for family in families:
        for table in family.tables():
            if table.schedule == CONSTANT:
                yield table


def regime_of(table: TableOf, horizon: float) -> Regime:
    """Kind of the optimizer of a table, and whether data repeat by a horizon in samples."""
    passes = horizon / table.family.n_train
    return (
        kind_of_optimizer(table.trained.optimizer),
        "fresh" if passes <= FRESH else "repeated",
    )


def _cases_of(table: TableOf, path: Path, n_draws: int) -> Iterator[Case]:
    optima = find_chain(observe(read_csv(path))).optima
    ln_horizon = np.log([one.horizon for one in optima])
    ln_lr = [one.ln_lr for one in optima]
    se = [min(one.se, _LARGEST_SE) for one in optima]

    for place, fraction in enumerate(TARGETS):
        target = min(fraction * table.family.horizon, optima[-1].horizon)
        at = [target / ratio for ratio in PROBES] + [target]
        if at[0] * _TOLERANCE < optima[0].horizon:
            continue

        *best, truth = np.interp(np.log(at), ln_horizon, ln_lr).tolist()
        *errors, error = np.interp(np.log(at), ln_horizon, se).tolist()
        for draw in range(n_draws):
            # By the table's name, so that other tables of the atlas do not change the draws.
            rng = np.random.default_rng([zlib.crc32(table.name.encode()), place, draw])
            yield Case(
                table=table.name,
                family=table.family.name,
                regime=regime_of(table, target),
                target=target,
                longest=table.family.horizon,
                one_pass=table.family.n_train,
                ln_lr=truth,
                se=error,
                probes=_probes(at[:-1], best, errors, rng),
            )


def _probes(
    horizons: Sequence[float],
    ln_lrs: Sequence[float],
    ses: Sequence[float],
    rng: np.random.Generator,
) -> tuple[Optimum, ...]:
    """Probe optima: recorded ones, with noise."""
    probes = []
    for horizon, ln_lr, se in zip(horizons, ln_lrs, ses, strict=True):
        probes.append(
            Optimum(
                schedule=CONSTANT,
                horizon=horizon,
                ln_lr=ln_lr + NOISE * float(rng.standard_normal()),
                se=float(np.hypot(se, NOISE)),
                n=_N_RUNS,
                at_edge=0,
                mean=1.0,
                peak=1.0,
            )
        )
    return tuple(probes)
