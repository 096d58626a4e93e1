"""One proposal for the longest run of each table, after real ladders of probes.

This is `studies.replay.oneshot` on the recorded tables at a constant rate. The law knows the
optimizer and the passes over the data; its prior is estimated without the table's family.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from optuna_kappa import read_csv
from optuna_kappa.law.prior import Prior
from optuna_kappa.law.regimes import Regime, regime_classes
from studies.atlas.cases import BUDGET, OnDone, recorded_tables, regime_of
from studies.atlas.catalog import FAMILIES
from studies.atlas.family import Family, TableOf
from studies.atlas.priors import Evidence
from studies.recorded import ATLAS
from studies.replay.lending import as_grid
from studies.replay.oneshot import RULES, one_shot
from studies.replay.table import prepare

SHOTS = ATLAS / "one-shot.json"
"""The recorded outcome."""


@dataclass(frozen=True)
class Shots:
    """What came of the ladders of one table.

    Attributes:
        table: Name of the table.
        family: Name of its family.
        regime: Kind of the optimizer, and whether data repeat.
        regrets: Regrets of each of `studies.replay.oneshot.RULES`, one for each ladder.
        covered: How often the law's 90 % interval held the best rate, as a fraction.
    """

    table: str
    family: str
    regime: Regime
    regrets: Mapping[str, Sequence[float]]
    covered: float

    def mean(self, rule: str) -> float:
        """Mean regret of a rule."""
        return float(np.mean(self.regrets[rule]))


@dataclass(frozen=True)
class Summary:
    """Regrets over the tables of a regime. Each family weighs the same.

    Attributes:
        n_tables: Number of tables.
        n_families: Number of families.
        mean: Mean regret of each rule.
        median: Median over ladders and tables of the regret of each rule.
        coverage: How often the law's 90 % interval held the best rate.
    """

    n_tables: int
    n_families: int
    mean: Mapping[str, float]
    median: Mapping[str, float]
    coverage: float


def shoot(
    tables: Path,
    evidence: Evidence,
    repeats: int,
    on_done: OnDone,
    families: Sequence[Family] = FAMILIES,
) -> list[Shots]:
    """Draw ladders from each table and propose a rate for its longest run.

    Args:
        tables: Folder of the tables.
        evidence: What the priors are estimated from.
        repeats: Ladders of each table.
        on_done: Called with the number of tables done, and with that of all.
        families: The families.

    Raises:
        ValueError: There is no table, one is damaged, or `repeats` is not at least 1.
    """
    if repeats < 1:
        raise ValueError(
            f"one-shot must be at least 1, but is {repeats}: it is a number of ladders"
        )

    recorded = recorded_tables(tables, families)
    shots = []
    for table in recorded:
        shots.append(_shots_of(table, tables, evidence, repeats))
        on_done(len(shots), len(recorded))
    return shots


def summarize(shots: Sequence[Shots]) -> dict[Regime, Summary]:
    """Summarize the ladders by regime."""
    by_regime: dict[Regime, list[Shots]] = {}
    for one in shots:
        by_regime.setdefault(one.regime, []).append(one)
    return {regime: _summary(several) for regime, several in by_regime.items()}


def write_shots(shots: Sequence[Shots], path: Path) -> None:
    """Store the outcome of the ladders, with four digits."""
    rows = []
    for one in shots:
        row = asdict(one)
        for rule, regrets in one.regrets.items():
            row["regrets"][rule] = [float(f"{regret:.4g}") for regret in regrets]
        rows.append(json.dumps(row))
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def read_shots(path: Path) -> list[Shots]:
    """Read what `write_shots` has stored."""
    shots = []
    for row in json.loads(path.read_text(encoding="utf-8")):
        kind, data = row.pop("regime")
        shots.append(Shots(**row, regime=(kind, data)))
    return shots


def _shots_of(table: TableOf, tables: Path, evidence: Evidence, repeats: int) -> Shots:
    made = prepare(read_csv(tables / f"{table.name}.csv.gz"), None, None)
    goal = as_grid(made.objective)
    regime = regime_of(table, made.horizon)
    weights = evidence.weights(regime, without=table.family.name)
    prior = Prior(
        f"{' '.join(regime)} without {table.family.name}",
        "the atlas without the family",
        regime_classes(weights.tolist(), table.family.n_train * made.per_unit),
        descent=evidence.told(regime, without=table.family.name),
    )

    several = [one_shot(goal, goal, BUDGET, seed, prior) for seed in range(repeats)]
    return Shots(
        table=table.name,
        family=table.family.name,
        regime=regime,
        regrets={rule: [one.regrets[rule] for one in several] for rule in RULES},
        covered=float(np.mean([one.covered for one in several])),
    )


def _summary(shots: Sequence[Shots]) -> Summary:
    families = [one.family for one in shots]
    counts = {name: families.count(name) for name in families}
    share = np.array([1 / counts[name] for name in families]) / len(counts)

    medians = {}
    for rule in RULES:
        medians[rule] = float(np.median([one.regrets[rule] for one in shots]))
    return Summary(
        n_tables=len(shots),
        n_families=len(counts),
        mean={rule: float(share @ [one.mean(rule) for one in shots]) for rule in RULES},
        median=medians,
        coverage=float(share @ [one.covered for one in shots]),
    )
