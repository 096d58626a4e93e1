"""What the tables of the atlas show: optima, slopes, and what fixed rules lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optuna_kappa import read_csv
from studies.atlas.family import CONSTANT, TableOf
from studies.atlas.optima import Losses, losses_of, optimum, rule_regrets, slope_between
from studies.paper.estimate import Estimate

SOURCE = 1 / 12
"""The shorter horizon that the fixed rules move to the longest, as a fraction of it."""

_SHORT = (1 / 64, 1 / 8)  # range of the slope of short runs
_LONG = (1 / 8, 1.0)  # range of the slope of long runs
RULES = {"copy": 0.0, "0.32": 0.32, "0.5": 0.5, "1": 1.0}
"""Fixed rules and their slopes."""

REGIMES = {True: "Repeated data", False: "Fresh data"}
"""Names of the regimes, by whether data are repeated."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a table shows.

    Attributes:
        table: Which table.
        losses: Its losses.
        optima: Logarithms of the optima at all horizons.
        short: Slope of short runs.
        long: Slope of long runs.
        rules: Regret of each fixed rule at the longest horizon, by name.
    """

    table: TableOf
    losses: Losses
    optima: tuple[Estimate, ...]
    short: Estimate
    long: Estimate
    rules: Mapping[str, float]

    @property
    def regime(self) -> str:
        """Name of the regime: whether data are repeated."""
        return REGIMES[self.table.family.repeats]

    @property
    def is_constant(self) -> bool:
        """Whether the rate is constant."""
        return self.table.schedule == CONSTANT


def find(table: TableOf, folder: Path) -> Found | None:
    """Evaluate a table; None if it has not been recorded.

    Raises:
        ValueError: The table is damaged or lacks runs.
    """
    path = folder / f"{table.name}.csv.gz"
    if not path.exists():
        return None

    losses = losses_of(table.name, read_csv(path))
    rules = rule_regrets(losses, SOURCE, list(RULES.values()))
    optima = tuple(optimum(losses, index) for index in range(len(losses.horizons)))
    return Found(
        table=table,
        losses=losses,
        optima=optima,
        short=slope_between(losses, *_SHORT),
        long=slope_between(losses, *_LONG),
        rules=dict(zip(RULES, rules, strict=True)),
    )
