"""Problems that the atlas has solved: what a ladder of probes finds, and the optimum of long runs.

A case takes a table at a constant rate and a target horizon: the longest one at which the law
finds an optimum, or half of the longest runs. (Averaged losses count a little before their end.)
The optimum of all recorded runs at the target is the truth. What is seen are the optima that the
law finds after a ladder of probes of half a full run, drawn from the recorded runs.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from optuna_kappa import RunTable, read_csv
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import Optimum, find_chain
from optuna_kappa.law.prior import Prior
from optuna_kappa.law.regimes import CLASSES, FRESH, Regime, kind_of_optimizer, regime_classes
from optuna_kappa.search.budget import rungs_for
from studies.atlas.family import CONSTANT, Family, TableOf
from studies.replay.lending import as_grid
from studies.replay.probing import draw_probes
from studies.replay.table import prepare

CASES = "cases.json.gz"
"""File of the recorded cases, beside the tables."""

TARGETS = (1.0, 0.5)
"""Target horizons, as fractions of the longest runs, or as near as an optimum is known."""

BUDGET = 0.5
"""Full-run equivalents of the probes."""

EQUAL = (1 / len(CLASSES),) * len(CLASSES)
"""Probabilities of the classes of slopes by which probes are chosen."""

_LARGEST_SE = 0.3  # of a recorded optimum; where the rates' edge makes it larger, nothing is known
_TOLERANCE = 1.01  # horizons this close are equal
_DIGITS = 5  # of recorded numbers

OnDone = Callable[[int, int], None]


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
        slope: Mean slope -d ln lr / d ln D from the largest probes to the target, by all recorded
            runs.
        probes: Optima that the law finds from the probes, ascending by horizon.
    """

    table: str
    family: str
    regime: Regime
    target: float
    longest: float
    one_pass: float
    ln_lr: float
    se: float
    slope: float
    probes: tuple[Optimum, ...]


def draw_cases(
    tables: Path,
    families: Sequence[Family],
    n_draws: int,
    on_done: OnDone,
) -> list[Case]:
    """Make the cases of all tables at a constant rate that there are.

    Args:
        tables: Folder of the tables.
        families: The families.
        n_draws: Ladders of each table and target, at least 1.
        on_done: Called with the number of tables done, and with that of all.

    Raises:
        ValueError: There is no table, one is damaged, or n_draws is not positive.
    """
    if n_draws < 1:
        raise ValueError(f"ladders must be at least 1, but is {n_draws}")

    recorded = recorded_tables(tables, families)
    cases: list[Case] = []
    for n_done, table in enumerate(recorded, start=1):
        cases += _cases_of(table, tables / f"{table.name}.csv.gz", n_draws)
        on_done(n_done, len(recorded))
    return cases


def recorded_tables(tables: Path, families: Sequence[Family]) -> list[TableOf]:
    """The tables at a constant rate that are in a folder.

    Raises:
        ValueError: There is none.
    """
    recorded = []
    for table in constant_tables(families):
        if (tables / f"{table.name}.csv.gz").exists():
            recorded.append(table)

    if not recorded:
        raise ValueError(
            f"there is no table of the atlas in {tables}; run `python -m studies.atlas sweep`"
        )
    return recorded


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


def write_cases(cases: Sequence[Case], path: Path) -> None:
    """Store cases, one a line, in a gzip file."""
    rows = [json.dumps(_rounded(asdict(one))) for one in cases]
    text = "[\n" + ",\n".join(rows) + "\n]\n"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))  # without the time: the same bytes


def read_cases(path: Path) -> list[Case]:
    """Read what `write_cases` has stored.

    Raises:
        ValueError: There is no such file.
    """
    if not path.exists():
        raise ValueError(
            f"there are no cases of the atlas in {path.parent}; run "
            "`python -m studies.atlas cases`"
        )

    cases = []
    for row in json.loads(gzip.decompress(path.read_bytes())):
        kind, data = row.pop("regime")
        probes = [Optimum(**{**one, "context": ()}) for one in row.pop("probes")]
        cases.append(Case(**row, regime=(kind, data), probes=tuple(probes)))
    return cases


def _cases_of(table: TableOf, path: Path, n_draws: int) -> Iterator[Case]:
    runs = read_csv(path)
    optima = find_chain(observe(runs)).optima
    ln_horizon = np.log([one.horizon for one in optima])
    ln_lrs = [one.ln_lr for one in optima]
    ses = [min(one.se, _LARGEST_SE) for one in optima]
    shortest = min(rung.fraction for rung in rungs_for(BUDGET))

    for fraction in TARGETS:
        target = min(fraction * table.family.horizon, optima[-1].horizon)
        if shortest * target * _TOLERANCE < optima[0].horizon:
            continue

        truth = float(np.interp(np.log(target), ln_horizon, ln_lrs))
        for seed in range(n_draws):
            probes = _ladder(runs, fraction * table.family.horizon, table.family.n_train, seed)
            if not probes:
                continue

            ln_last = float(np.log(probes[-1].horizon))
            moved = float(np.interp(ln_last, ln_horizon, ln_lrs)) - truth
            yield Case(
                table=table.name,
                family=table.family.name,
                regime=regime_of(table, target),
                target=target,
                longest=table.family.horizon,
                one_pass=table.family.n_train,
                ln_lr=truth,
                se=float(np.interp(np.log(target), ln_horizon, ses)),
                slope=moved / (float(np.log(target)) - ln_last),
                probes=probes,
            )


def _ladder(runs: RunTable, horizon: float, one_pass: float, seed: int) -> tuple[Optimum, ...]:
    """Optima that the law finds from a ladder of probes, with horizons in samples."""
    made = prepare(runs, None, horizon)
    grid = as_grid(made.objective)
    prior = Prior(
        "equal", "no class is preferred", regime_classes(EQUAL, one_pass * made.per_unit)
    )
    probes = draw_probes(grid, grid.horizon, rungs_for(BUDGET), seed, prior)
    return tuple(replace(one, horizon=one.horizon / made.per_unit) for one in probes.law.optima)


def _rounded(value: object) -> object:
    """A value with all its numbers rounded."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(one) for one in value]
    return value
