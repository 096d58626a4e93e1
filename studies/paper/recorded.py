"""Recorded runs as tables: written from the studies of a sweep, read by the report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from optuna_kappa import RunTable, read_csv
from studies.folders import writable
from studies.mnist.data import ALL
from studies.paper.plan import Group, Planned
from studies.paper.sweep import Sweep, test_losses
from studies.recorded import FOLDER

TEST = "-test"
"""Ends the name of a table of test losses; the table without it has validation losses."""


def export(sweep: Sweep, folder: Path) -> list[Path]:
    """Writes the runs of each group as two tables: of validation and of test losses.

    Only of seeds that are whole: half a grid would pass for one. Runs on all images have no
    validation images, and so a table of test losses only.

    Returns:
        The files written.

    Raises:
        ValueError: The folder cannot be written to.
    """
    writable(folder, "--to")
    written = []
    for group in sweep.plan.groups:
        done = sweep.done(group)
        seeds = [list(group.runs(seed)) for seed in range(sweep.plan.seeds)]
        whole = [runs for runs in seeds if all(run in done for run in runs)]
        trials = {run: done[run] for runs in whole for run in runs}
        if not trials:
            continue
        kinds: dict[str, Callable[[FrozenTrial], Mapping[int, float]]] = {TEST: test_losses}
        if all(run.n_train < ALL for run in trials):
            kinds[""] = lambda trial: trial.intermediate_values
        for kind, losses in kinds.items():
            path = folder / f"{group.name}{kind}.csv.gz"
            _replace(path, _table(group, sweep.plan.epoch, trials, losses))
            written.append(path)
    return written


def _replace(path: Path, table: RunTable) -> None:
    """Writes a table so that whoever reads it meanwhile, or after a kill, finds a whole one."""
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        table.to_csv(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read(name: str, folder: Path = FOLDER) -> RunTable:
    """The table of a group, its test losses where the name ends in `TEST`.

    Raises:
        ValueError: There is none, or it is damaged.
    """
    return read_csv(folder / f"{name}.csv.gz")


def _table(
    group: Group,
    epoch: int,
    trials: Mapping[Planned, FrozenTrial],
    losses: Callable[[FrozenTrial], Mapping[int, float]],
) -> RunTable:
    """The curves of a group; `epoch` in samples is the unit of the paper's figures."""
    rows: list[dict[str, Any]] = [
        {
            "run": number,
            "lr": run.lr,
            "schedule": group.schedule,
            "horizon": run.horizon,
            "step": step,
            # What is beyond the sixth digit differs between machines.
            "loss": float(f"{loss:.6g}"),
            "optimizer": group.optimizer,
            "seed": run.seed,
            "n_train": run.n_train,
            "epoch": epoch,
        }
        for number, (run, trial) in enumerate(trials.items())
        for step, loss in sorted(losses(trial).items())
    ]
    return RunTable.from_columns({name: [row[name] for row in rows] for name in rows[0]})
