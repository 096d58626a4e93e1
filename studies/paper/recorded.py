"""Recorded runs as tables: written from the studies of a sweep, read by the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from optuna.trial import FrozenTrial

from optuna_kappa import RunTable, read_csv
from studies.folders import writable
from studies.mnist.data import ALL
from studies.paper.plan import Group, Planned
from studies.paper.sweep import Sweep, test_losses
from studies.recorded import FOLDER, write

TEST = "-test"
"""End of the name of a table of test losses; the table without it has validation losses."""

Losses = Callable[[FrozenTrial], Mapping[int, float]]
"""From a recorded run to its loss at each step."""


def export(sweep: Sweep, folder: Path) -> list[Path]:
    """Write the runs of each group as two tables, one of validation and one of test losses.

    Only complete seeds are written, since half of a grid would look like a whole one. Runs on all
    images have no validation images, so they get a table of test losses only.

    Returns:
        The files written.

    Raises:
        ValueError: The folder cannot be written to.
    """
    writable(folder, "--to")
    paths = []
    for group in sweep.plan.groups:
        trials = _complete_seeds(sweep, group)
        if not trials:
            continue

        kinds: dict[str, Losses] = {TEST: test_losses}
        if all(run.n_train < ALL for run in trials):
            kinds[""] = lambda trial: trial.intermediate_values

        for kind, losses in kinds.items():
            path = folder / f"{group.name}{kind}.csv.gz"
            write(_table(group, sweep.plan.epoch, trials, losses), path)
            paths.append(path)

    return paths


def read(name: str, folder: Path = FOLDER) -> RunTable:
    """Read the table of a group, that of its test losses if the name ends in `TEST`.

    Raises:
        ValueError: There is no such table, or it is damaged.
    """
    return read_csv(folder / f"{name}.csv.gz")


def _complete_seeds(sweep: Sweep, group: Group) -> dict[Planned, FrozenTrial]:
    """Return the trials of the seeds that are complete, in the order of the plan."""
    done = sweep.done(group)
    trials: dict[Planned, FrozenTrial] = {}
    for seed in range(sweep.plan.seeds):
        runs = list(group.runs(seed))
        if all(run in done for run in runs):
            trials.update((run, done[run]) for run in runs)

    return trials


def _table(
    group: Group, epoch: int, trials: Mapping[Planned, FrozenTrial], losses: Losses
) -> RunTable:
    """Return the curves of a group; `epoch` in samples is the unit of the paper's figures."""
    columns: dict[str, list[object]] = {}
    for number, (run, trial) in enumerate(trials.items()):
        for step, loss in sorted(losses(trial).items()):
            row = {
                "run": number,
                "lr": run.lr,
                "schedule": group.schedule,
                "horizon": run.horizon,
                "step": step,
                # Digits beyond the sixth differ between machines.
                "loss": float(f"{loss:.6g}"),
                "optimizer": group.optimizer,
                "seed": run.seed,
                "n_train": run.n_train,
                "epoch": epoch,
            }
            for name, value in row.items():
                columns.setdefault(name, []).append(value)

    return RunTable.from_columns(columns)  # type: ignore[arg-type]
