r"""What annealing is worth: how much higher a peak rate may be whose rate falls to 0 by the end.

The law compares a scheduled run with the constant-rate run at its peak rate that has the same
kappa. What it misses at each horizon, from tables of the same family and optimizer, is

    delta = ln(best peak rate of the schedule) - ln(best constant rate at the peak horizon)

Where the optimum of constant rates falls as 1 / D, delta is near 0: there schedules share one
kappa. The flatter it is, the larger is delta. So delta = a (1 - s), with s the slope at the peak
horizon. Each family weighs the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from optuna_kappa import read_csv
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import Optimum, find_chain
from optuna_kappa.schedules import parse
from studies.atlas.family import CONSTANT, Family, TableOf
from studies.replay.markdown import as_table

_AROUND = float(np.log(2))  # the slope is measured over this distance in ln D on each side
_BELOW = 0.1  # in ln D: a peak horizon may lie this far below the shortest constant-rate optimum


class Missed(NamedTuple):
    """What the law of constant rates misses at one horizon of a scheduled table.

    Attributes:
        table: Name of the scheduled table.
        family: Name of its family.
        horizon: Horizon of the scheduled runs, in samples.
        delta: ln of the best peak rate over that of the constant-rate run of the same kappa.
        slope: Slope -d ln lr / d ln D of constant rates there.
    """

    table: str
    family: str
    horizon: float
    delta: float
    slope: float


class Annealing(NamedTuple):
    """What annealing is worth, as a prior has it.

    Attributes:
        mean: a, in ln lr.
        sd: Standard deviation between families of what a leaves of delta.
        n_families: Number of families.
    """

    mean: float
    sd: float
    n_families: int


def missed(tables: Path, families: Sequence[Family]) -> list[Missed]:
    """What the law misses in all scheduled tables whose family has one at a constant rate.

    Args:
        tables: Folder of the tables.
        families: The families.

    Raises:
        ValueError: There is none.
    """
    found: list[Missed] = []
    for family in families:
        constant = {one.trained.optimizer: one for one in _recorded(family, tables, CONSTANT)}
        for table in _recorded(family, tables, None):
            reference = constant.get(table.trained.optimizer)
            if table.schedule != CONSTANT and reference is not None:
                found += _missed_of(table, reference, tables)

    if not found:
        raise ValueError(f"{tables} has no family with constant-rate and scheduled tables")
    return found


def estimate_annealing(found: Sequence[Missed]) -> Annealing:
    """Estimate a by least squares, and how families differ.

    Args:
        found: What the law misses, at least one.
    """
    names = [one.family for one in found]
    weight = np.array([1 / names.count(name) for name in names])
    lacking = np.maximum(0.0, 1 - np.array([one.slope for one in found]))
    delta = np.array([one.delta for one in found])

    mean = float((weight * lacking * delta).sum() / (weight * lacking**2).sum())
    left = delta - mean * lacking
    by_family = [left[np.array(names) == name].mean() for name in dict.fromkeys(names)]
    sd = float(np.std(by_family, ddof=1)) if len(by_family) > 1 else 0.0
    return Annealing(mean, sd, len(by_family))


def section(found: Sequence[Missed]) -> Iterator[str]:
    """Yield the lines of the section on annealing.

    Args:
        found: What the law misses, at least one.
    """
    estimated = estimate_annealing(found)
    yield "## What annealing is worth"
    yield ""
    yield _INTRODUCTION.format(
        mean=estimated.mean, sd=estimated.sd, n_families=estimated.n_families
    )
    yield ""
    rows = []
    for name in dict.fromkeys(one.table for one in found):
        of_table = [one for one in found if one.table == name]
        shortest, longest = of_table[0], of_table[-1]
        cells = [f"{one.delta:+.2f} ({one.slope:.1f})" for one in (shortest, longest)]
        mean = np.mean([one.delta for one in of_table])
        rows.append((name, *cells, f"{mean:+.2f}"))
    yield from as_table(("table", "shortest runs", "longest runs", "mean"), rows)


def _recorded(family: Family, tables: Path, schedule: str | None) -> Iterator[TableOf]:
    for table in family.tables():
        is_there = (tables / f"{table.name}.csv.gz").exists()
        if is_there and schedule in (None, table.schedule):
            yield table


def _missed_of(table: TableOf, reference: TableOf, tables: Path) -> Iterator[Missed]:
    constant = _inner_optima(tables / f"{reference.name}.csv.gz")
    if not constant:
        return

    ln_horizons = np.log([one.horizon for one in constant])
    ln_lrs = np.array([one.ln_lr for one in constant])
    for one in _inner_optima(tables / f"{table.name}.csv.gz"):
        shape = parse(one.schedule).resolve(one.horizon)
        at = float(np.log(one.horizon * shape.mean / shape.peak))
        if at < ln_horizons[0] - _BELOW:
            continue

        ends = np.clip([at - _AROUND, at + _AROUND], ln_horizons[0], ln_horizons[-1])
        before, after = np.interp(ends, ln_horizons, ln_lrs)
        here = float(np.interp(at, ln_horizons, ln_lrs))
        yield Missed(
            table=table.name,
            family=table.family.name,
            horizon=one.horizon,
            delta=one.ln_lr + float(np.log(shape.peak)) - here,
            slope=float((before - after) / (ends[1] - ends[0])),
        )


def _inner_optima(path: Path) -> list[Optimum]:
    """Optima of a table that are not at the edge of its rates, ascending by horizon."""
    return [one for one in find_chain(observe(read_csv(path))).optima if not one.at_edge]


_INTRODUCTION = """\
The law compares a scheduled run with the constant-rate run at its peak rate that has the same κ.
A run whose rate falls to 0 by its end can afford a higher peak than that. *How much higher*, in
ln lr, is below for the shortest and the longest runs of each scheduled table, with the slope of
constant rates there in parentheses. Where the slope is 1, schedules share one κ and annealing adds
little; the flatter the law, the more it adds. From {n_families} families, priors have
{mean:.2f} (1 − slope) ± {sd:.2f}, times the part of the peak by which the rate has fallen at the
end (`python -m studies.atlas annealing`)."""
