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
    *(f"{o}-{s}" for o in ("adam", "sgd") for s in ("constant", "halving", "cyclic", "cosine")),
    "adam-constant-test",
    "adam-full-test",
    "adam-data",
)
"""The tables that the report reads; those of test losses only where figures 1 to 4 need them."""

_GO_ON = "train what is missing with `python -m studies.paper sweep`"
_EXPORT = "or write the runs trained so far as tables with `python -m studies.paper export`"


@dataclass(frozen=True, eq=False)
class Curves:
    """Losses of the runs of one table that differ in seed and learning rate only.

    Attributes:
        name: Name of the table.
        schedule: Name of the schedule.
        horizon: Samples the runs were planned for.
        n_train: Training images.
        epoch: Samples of the paper's epoch.
        seeds: Their seeds, S of them.
        lrs: Their learning rates, ascending, shape `(L,)`.
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
        """Whether a shorter run is the beginning of a longer one: not so for cosine."""
        return not self.schedule.startswith("cosine")

    def index(self, step: int) -> int:
        """Where a horizon stands among the steps.

        Raises:
            ValueError: The runs have no losses there, or are no runs of that horizon.
        """
        found = np.flatnonzero(self.steps == step)
        if not found.size or not (self.is_prefix or step == self.horizon):
            raise ValueError(
                f"table {self.name} has no losses of runs of {step:,} samples on "
                f"{self.n_train:,} images; {_GO_ON}"
            )
        return int(found[0])


class Archive:
    """The tables of a folder, cut to the seeds that are complete in all of them."""

    def __init__(self, folder: Path) -> None:
        """Reads all tables.

        Raises:
            ValueError: One is missing or damaged, or no seed is complete in all.
        """
        self._tables = {name: _read(folder, name) for name in TABLES}
        whole = {name: _complete(table) for name, table in self._tables.items()}
        common = set.intersection(*whole.values())
        if not common:
            worst = min(whole, key=lambda name: len(whole[name]))
            raise ValueError(
                f"no seed has all of its runs in all tables of {folder} (table {worst} has "
                f"{len(whole[worst])} complete seeds); {_GO_ON}"
            )
        self.seeds = tuple(sorted(common, key=lambda seed: (len(seed), seed)))
        seen = {seed for table in self._tables.values() for seed in table.context["seed"]}
        self.left_out = tuple(sorted({str(seed) for seed in seen} - common))

    def curves(
        self, name: str, *, n_train: int | None = None, horizon: int | None = None
    ) -> Curves:
        """The runs of a table on `n_train` images planned for `horizon`, where it has several.

        Raises:
            ValueError: It has none.
        """
        table = self._tables[name]
        mask = np.isin(table.context["seed"], self.seeds)
        if n_train is not None:
            mask &= table.context["n_train"] == str(n_train)
        if horizon is not None:
            mask &= table.horizon == horizon
        if not mask.any():
            runs = f"{horizon or 'any'} samples on {n_train or 'any'} images"
            raise ValueError(f"table {name} has no runs of {runs}; {_GO_ON}")
        return _curves(name, table.where(mask), self.seeds)

    def sizes(self, name: str) -> list[tuple[int, int]]:
        """The pairs of training images and horizon in a table."""
        table = self._tables[name]
        pairs = zip(table.context["n_train"], table.horizon, strict=True)
        return sorted({(int(n), int(horizon)) for n, horizon in pairs})

    @property
    def lrs(self) -> dict[str, Floats]:
        """The learning rates of each table."""
        return {name: np.unique(table.lr) for name, table in self._tables.items()}


def subset(curves: Curves, kept: Sequence[int]) -> Curves:
    """The curves of the seeds of these indices."""
    seeds = tuple(curves.seeds[i] for i in kept)
    return replace(curves, seeds=seeds, loss=curves.loss[list(kept)])


def leave_one_out(curves: Curves) -> list[Curves]:
    """The curves without each seed in turn; none if there is but one."""
    n = range(len(curves.seeds))
    return [subset(curves, [j for j in n if j != i]) for i in n] if len(n) > 1 else []


def _read(folder: Path, name: str) -> RunTable:
    path = folder / f"{name}.csv.gz"
    if not path.exists():
        raise ValueError(f"there is no table {path}; {_GO_ON}, {_EXPORT}")
    table = read_csv(path)
    missing = [c for c in ("optimizer", "seed", "n_train", "epoch") if c not in table.context]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]!r}; it is no table of this study")
    return table


def _complete(table: RunTable) -> set[str]:
    """The seeds that have a run at each learning rate of the table, of each of its sizes."""
    seeds, n_train = table.context["seed"], table.context["n_train"]
    rows = set(zip(seeds, n_train, table.horizon, table.lr, strict=True))
    wanted = {row[1:] for row in rows}
    return {str(seed) for seed in np.unique(seeds) if all((seed, *w) in rows for w in wanted)}


def _curves(name: str, table: RunTable, seeds: tuple[str, ...]) -> Curves:
    lrs, steps = np.unique(table.lr), np.unique(table.step)
    loss = np.full((len(seeds), len(lrs), len(steps)), np.nan)
    seed = np.searchsorted(np.sort(seeds), table.context["seed"])
    place = np.argsort(seeds)[seed]
    loss[place, np.searchsorted(lrs, table.lr), np.searchsorted(steps, table.step)] = table.loss
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
