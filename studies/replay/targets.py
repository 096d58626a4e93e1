"""What the page of the searches is about: recorded problems, and who searches them."""

from __future__ import annotations

from typing import NamedTuple

from studies.samplers import Known

PRUNED = {
    "tpe+kappa": "kappa",
    "tpe+median": "median",
    "tpe+hyperband": "hyperband",
    "tpe+sha": "sha",
    "tpe+wilcoxon": "wilcoxon",
}
INFORMED = "kappa informed"  # told the optimizer and the passes over the data
SEARCHED = ("kappa", "tpe", "gp", "random", *PRUNED, "top-k")
SLOW = ("gp",)  # takes more time than all the others: replayed at constant rate only


class Target(NamedTuple):
    """One recorded table and the horizon that is searched for.

    Attributes:
        table: Name of the table: optimizer and schedule.
        epochs: Horizon in epochs.
    """

    table: str
    epochs: int

    @property
    def searched(self) -> list[str]:
        """Names of the samplers to replay, without the one that starts from other runs."""
        constant = self.table.endswith("-constant")
        return [name for name in SEARCHED if constant or name not in SLOW]

    @property
    def known(self) -> Known:
        """What a kappa search may be told of the runs. An epoch is a pass over the data."""
        optimizer, _ = self.table.split("-")
        return Known(optimizer, self.epochs)

    @property
    def title(self) -> str:
        """Optimizer, schedule and horizon in words."""
        optimizer, schedule = self.table.split("-")
        name = {"adam": "Adam", "sgd": "SGD"}[optimizer]
        return f"{name}, {schedule}, {self.epochs} epochs"


TARGETS = (
    Target("adam-constant", 24),
    Target("sgd-constant", 24),
    Target("adam-cosine", 16),
    Target("sgd-cosine", 16),
    Target("adam-halving", 12),
    Target("sgd-halving", 12),
    Target("adam-cyclic", 12),
    Target("sgd-cyclic", 12),
)
