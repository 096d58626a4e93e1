"""Trains the tables of the atlas, each part exactly once, in as many processes as join in.

A part is a table at one horizon: all its learning rates and seeds, which are trained together. It
is written as a file when it has ended; a killed process loses the parts that it was training, and
nothing else. While a process trains a part it holds an operating-system lock, which ends with the
process. A table is written when all its parts are there, and one that exists is kept.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np

from optuna_kappa import RunTable, read_csv
from optuna_kappa._typing import Floats
from studies.atlas.family import Family, TableOf, Task
from studies.folders import writable
from studies.processes import claim
from studies.recorded import write

LOG = "log"
"""Name of the file, in the folder of the parts, that says what was trained and when."""


class Sweep:
    """The tables of some families. Any number of processes can work in the same folders.

    Attributes:
        tables: What is trained, in this order.
        parts: Folder of the unfinished tables' parts, of the locks and of the log.
        to: Folder of the tables.

    Example:
        >>> import tempfile
        >>> from studies.atlas.catalog import tables
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sweep = Sweep(list(tables()), Path(folder), Path(folder))
        ...     len(sweep.missing()) == sum(len(table.horizons) for table in tables())
        True
    """

    def __init__(self, tables: Sequence[TableOf], parts: Path, to: Path) -> None:
        """Prepare a sweep without training.

        Args:
            tables: What to train, in this order.
            parts: Folder of the unfinished tables' parts, of the locks and of the log.
            to: Folder of the tables.

        Raises:
            ValueError: A folder cannot be written to.
        """
        self.tables = tables
        self.parts = writable(parts, "--out")
        self.to = writable(to, "--to")
        self._tasks: dict[str, Task] = {}

    def path(self, table: TableOf) -> Path:
        """Return the file of a table."""
        return self.to / f"{table.name}.csv.gz"

    def missing(self) -> list[tuple[TableOf, int]]:
        """Return the parts that are still to be trained, as tables and horizons."""
        parts = []
        for table in self.tables:
            if self.path(table).exists():
                continue
            horizons = [h for h in table.horizons if not self._part(table, h).exists()]
            parts += [(table, horizon) for horizon in horizons]

        return parts

    def work(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """Train parts until the only ones left are being trained by other processes.

        Args:
            go_on: Called before each part; the work stops when it returns false.
        """
        progress = True
        while progress:
            progress = False
            for table, horizon in self.missing():
                with self._claim(table, horizon) as mine:
                    if not mine:
                        continue
                    if not go_on():
                        return
                    self._train(table, horizon)
                progress = True

        self.finish()

    def finish(self) -> list[Path]:
        """Write the tables whose parts are all there; return the new ones."""
        new = []
        for table in self.tables:
            parts = [self._part(table, horizon) for horizon in table.horizons]
            if self.path(table).exists() or not all(part.exists() for part in parts):
                continue

            runs = RunTable.concatenate([read_csv(part) for part in parts])
            write(runs, self.path(table))
            new.append(self.path(table))

        return new

    def _part(self, table: TableOf, horizon: int) -> Path:
        return self.parts / f"{table.name}-{horizon}.csv.gz"

    @contextmanager
    def _claim(self, table: TableOf, horizon: int) -> Iterator[bool]:
        """Lock a part; yield whether this process is the one to train it."""
        part = self._part(table, horizon)
        with claim(part.with_suffix(".lock")) as mine:
            yield mine and not part.exists()

    def _train(self, table: TableOf, horizon: int) -> None:
        """Train a part and write it, and its table if it was the last part."""
        clock = time.perf_counter()
        cpu = time.process_time()
        grid = table.grid(horizon)
        losses = self._task(table.family).losses(grid)
        write(as_table(table, horizon, losses), self._part(table, horizon))

        seconds = time.perf_counter() - clock
        cpu = time.process_time() - cpu
        n_diverged = int(np.isnan(losses[..., -1]).sum())
        self._log(
            f"{table.name}, horizon {horizon:,}: {seconds:.0f} s, {cpu:.0f} s of a core, "
            f"{n_diverged} of {losses[..., -1].size} runs diverged"
        )
        for path in self.finish():
            self._log(f"{path.name} is complete")

    def _task(self, family: Family) -> Task:
        """Make the task of a family; the last one is kept."""
        if family.name not in self._tasks:
            task = family.make()
            if task.n_train != family.n_train:
                raise ValueError(
                    f"the family {family.name} states {family.n_train:,} training samples, but "
                    f"has {task.n_train:,}"
                )
            self._tasks = {family.name: task}

        return self._tasks[family.name]

    def _log(self, sentence: str) -> None:
        line = f"{datetime.now():%Y-%m-%d %H:%M:%S} [{os.getpid()}] {sentence}"
        print(line, flush=True)
        with (self.parts / LOG).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def as_table(table: TableOf, horizon: int, losses: Floats) -> RunTable:
    """Return runs as a table, each up to its end or its first loss that is NaN.

    Args:
        table: What was trained.
        horizon: The horizon of the runs.
        losses: Losses, shape (seeds, learning rates, steps).
    """
    grid = table.grid(horizon)
    columns: dict[str, list[object]] = {}
    number = 0
    for seed, curves in enumerate(losses):
        for lr, curve in zip(grid.lrs, curves, strict=True):
            for step, loss in zip(grid.steps, curve, strict=True):
                row = {
                    "run": number,
                    "lr": lr,
                    "schedule": grid.schedule,
                    "horizon": horizon,
                    "step": step,
                    # Digits beyond the fifth say nothing.
                    "loss": float(f"{loss:.5g}"),
                    "optimizer": grid.optimizer,
                    "seed": seed,
                    "n_train": table.family.n_train,
                    "family": table.family.name,
                }
                if table.family.repeats:
                    row["epoch"] = table.family.n_train
                for name, value in row.items():
                    columns.setdefault(name, []).append(value)
                if math.isnan(loss):
                    break

            number += 1

    return RunTable.from_columns(columns)  # type: ignore[arg-type]
