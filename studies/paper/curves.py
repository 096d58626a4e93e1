"""The recorded tables as arrays over seeds, learning rates and steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats
from optuna_kappa.runs import RunTable, read_csv

TABLES = (
    *("adam-constant", "adam-halving", "adam-cyclic", "adam-cosine"),
    *("sgd-constant", "sgd-halving", "sgd-cyclic", "sgd-cosine"),
    "adam-constant-test",
    "adam-full-test",
    "adam-data",
)
"""The tables that the report reads. Those of test losses are only read for figures 1 to 4."""

_COLUMNS = ("optimizer", "seed", "n_train", "epoch")
_SWEEP = "train what is missing with `python -m studies.paper sweep`"
_EXPORT = "or write the runs trained so far as tables with `python -m studies.paper export`"


@dataclass(frozen=True, eq=False)
class Curves:
    """Losses of runs of one table that differ only in seed and learning rate.

    Attributes:
        name: Name of the table.
        schedule: Name of the schedule.
        horizon: Samples that the runs were planned for.
        n_train: Number of training images.
        epoch: Samples in the paper's epoch.
        seeds: Names of the S seeds.
        lrs: Learning rates, ascending, shape `(L,)`.
        steps: Samples seen at each evaluation, ascending, shape `(T,)`.
        loss: Losses, shape `(S, L, T)`; NaN from where a run diverged.
    """

    name: str
    schedule: str
    horizon: int
    n_train: int
    epoch: int
    seeds: tuple[str, ...]
    lrs: Floats
    steps: NDArray[np.int64]
    loss: Floats

    @property
    def is_prefix(self) -> bool:
        """Whether a shorter run is the beginning of a longer one; false for cosine only."""
        return not self.schedule.startswith("cosine")

    def index(self, step: int) -> int:
        """Index of a horizon among the steps.

        Raises:
            ValueError: There is no loss at this step, or a run of this horizon is not the
                beginning of these runs.
        """
        positions = np.flatnonzero(self.steps == step)
        readable = self.is_prefix or step == self.horizon
        if not positions.size or not readable:
            raise ValueError(
                f"table {self.name} has no losses of runs of {step:,} samples on "
                f"{self.n_train:,} images; {_SWEEP}"
            )
        return int(positions[0])


class Archive:
    """The tables of a folder, limited to the seeds that are complete in all of them.

    Attributes:
        seeds: The complete seeds, in numerical order.
        left_out: The other seeds.
    """

    def __init__(self, folder: Path) -> None:
        """Read all tables.

        Raises:
            ValueError: A table is missing or damaged, or no seed is complete in all of them.
        """
        self._tables = {name: _read(folder, name) for name in TABLES}
        complete = {name: _complete_seeds(table) for name, table in self._tables.items()}
        in_all = set.intersection(*complete.values())
        if not in_all:
            worst = min(complete, key=lambda name: len(complete[name]))
            raise ValueError(
                f"no seed has all of its runs in all tables of {folder} (table {worst} has "
                f"{len(complete[worst])} complete seeds); {_SWEEP}"
            )

        seen: set[str] = set()
        for table in self._tables.values():
            seen.update(map(str, table.context["seed"]))

        # Seeds are numbers as text: shorter ones first puts 9 before 10.
        self.seeds = tuple(sorted(in_all, key=lambda seed: (len(seed), seed)))
        self.left_out = tuple(sorted(seen - in_all))

    def curves(
        self, name: str, *, n_train: int | None = None, horizon: int | None = None
    ) -> Curves:
        """Return the runs of a table.

        Args:
            name: Name of the table.
            n_train: Number of training images, if the table has several.
            horizon: Samples that the runs were planned for, if the table has several.

        Raises:
            ValueError: The table has no such runs.
        """
        table = self._tables[name]
        mask = np.isin(table.context["seed"], self.seeds)
        if n_train is not None:
            mask &= table.context["n_train"] == str(n_train)
        if horizon is not None:
            mask &= table.horizon == horizon

        if not mask.any():
            runs = f"{horizon or 'any'} samples on {n_train or 'any'} images"
            raise ValueError(f"table {name} has no runs of {runs}; {_SWEEP}")
        return _curves(name, table.where(mask), self.seeds)

    def sizes(self, name: str) -> list[tuple[int, int]]:
        """Pairs of training images and horizon in a table, ascending."""
        table = self._tables[name]
        pairs = zip(table.context["n_train"], table.horizon, strict=True)
        return sorted({(int(n_train), int(horizon)) for n_train, horizon in pairs})

    @property
    def lrs(self) -> dict[str, Floats]:
        """Learning rates of each table, ascending."""
        return {name: np.unique(table.lr) for name, table in self._tables.items()}


def subset(curves: Curves, kept: Sequence[int]) -> Curves:
    """Return the curves of the seeds with these indices."""
    seeds = tuple(curves.seeds[i] for i in kept)
    return replace(curves, seeds=seeds, loss=curves.loss[list(kept)])


def leave_one_out(curves: Curves) -> list[Curves]:
    """Return the curves without each seed in turn; nothing if there is only one seed."""
    n_seeds = len(curves.seeds)
    if n_seeds == 1:
        return []

    parts = []
    for left_out in range(n_seeds):
        kept = [i for i in range(n_seeds) if i != left_out]
        parts.append(subset(curves, kept))

    return parts


def _read(folder: Path, name: str) -> RunTable:
    path = folder / f"{name}.csv.gz"
    if not path.exists():
        raise ValueError(f"there is no table {path}; {_SWEEP}, {_EXPORT}")

    table = read_csv(path)
    for column in _COLUMNS:
        if column not in table.context:
            raise ValueError(
                f"{path} has no column {column!r}, so it is not a table of this study; {_SWEEP}, "
                f"{_EXPORT}"
            )
    return table


def _complete_seeds(table: RunTable) -> set[str]:
    """Return the seeds that have a run at each learning rate of the table, for each size."""
    seeds = table.context["seed"]
    rows = set(zip(seeds, table.context["n_train"], table.horizon, table.lr, strict=True))
    wanted = {row[1:] for row in rows}

    complete = set()
    for seed in np.unique(seeds):
        if all((seed, *run) in rows for run in wanted):
            complete.add(str(seed))

    return complete


def _curves(name: str, table: RunTable, seeds: tuple[str, ...]) -> Curves:
    """Arrange the rows of a table, all of one size, as an array of losses."""
    lrs = np.unique(table.lr)
    steps = np.unique(table.step)

    # `searchsorted` needs ascending seeds, as text; `argsort` leads back to their given order.
    sorted_position = np.searchsorted(np.sort(seeds), table.context["seed"])
    seed_index = np.argsort(seeds)[sorted_position]
    lr_index = np.searchsorted(lrs, table.lr)
    step_index = np.searchsorted(steps, table.step)

    loss = np.full((len(seeds), len(lrs), len(steps)), np.nan)
    loss[seed_index, lr_index, step_index] = table.loss
    # Averages must not treat an infinite loss as a number: such a run has diverged.
    loss[~np.isfinite(loss)] = np.nan

    return Curves(
        name=name,
        schedule=str(table.schedule[0]),
        horizon=int(table.horizon.max()),
        n_train=int(table.context["n_train"][0]),
        epoch=int(table.context["epoch"][0]),
        seeds=seeds,
        lrs=lrs,
        steps=steps.astype(np.int64),
        loss=loss,
    )
