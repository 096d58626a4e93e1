"""Tables of the paper's runs with a known optimum, as `studies.paper export` would write them.

ln loss is a parabola in ln lr about ln of the optimum, with noise at each step of each run. The
optimum is

    4e-3 * (horizon / 30,000)^-slope       times 20 for SGD

under all schedules but halving, where it does not move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optuna_kappa import RunTable
from studies.paper.curves import TABLES

EPOCH = 30_000
SCHEDULES = {
    "constant": "constant",
    "halving": f"halving(period={EPOCH})",
    "cyclic": f"cyclic(period={EPOCH})",
    "cosine": "cosine",
}
_SGD = 20.0
_AT_ONE = 4e-3
_EPOCHS = {"constant": 40, "halving": 22, "cyclic": 22}
_COSINE = (1, 2, 4, 8, 16, 32)
_SPLITS = ((1, (1, 2, 4, 16)), (8, (5, 12, 16)))


def optimum(
    horizon: NDArray[np.int64], optimizer: str, schedule: str, slope: float
) -> NDArray[np.float64]:
    """The best learning rate at each horizon."""
    epochs = np.ones(len(horizon)) if schedule == "halving" else horizon / EPOCH
    best = _AT_ONE * epochs**-slope * (_SGD if optimizer == "sgd" else 1.0)
    return np.asarray(best)


def write(folder: Path, seeds: Sequence[int] = (0, 1, 2), **options: Any) -> None:
    """Writes all tables that the report reads; options as for `table`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        table(name, seeds, **options).to_csv(folder / f"{name}.csv.gz")


def table(
    name: str,
    seeds: Iterable[int] = (0, 1, 2),
    slope: float = 1.0,
    noise: float = 0.02,
    n_lrs: int = 13,
) -> RunTable:
    """The table of a group of runs.

    Args:
        name: Its name.
        seeds: Seeds.
        slope: -d ln optimum / d ln horizon.
        noise: Standard deviation of ln loss, of a seed at each learning rate and step.
        n_lrs: Learning rates, over three decades.
    """
    optimizer, group = name.removesuffix("-test").split("-")
    schedule = group if group in SCHEDULES else "constant"
    scale = _SGD if optimizer == "sgd" else 1.0
    lrs = [float(f"{lr:.4g}") for lr in np.geomspace(3e-5, 3e-2, n_lrs) * scale]
    columns: dict[str, list[object]] = {}
    runs = product(seeds, _sizes(group), lrs)
    for run, (seed, (n_train, horizon), lr) in enumerate(runs):
        steps = _steps(horizon)
        best = np.log(optimum(steps, optimizer, schedule, slope))
        own = noise * np.random.default_rng([seed, run]).standard_normal(len(steps))
        same = {"run": run, "lr": lr, "schedule": SCHEDULES[schedule], "horizon": horizon}
        same |= {"optimizer": optimizer, "seed": seed, "n_train": n_train, "epoch": EPOCH}
        for key, value in same.items():
            columns.setdefault(key, []).extend([value] * len(steps))
        y = np.log(0.1) + 0.15 * (np.log(lr) - best) ** 2 + own
        columns.setdefault("step", []).extend(steps.tolist())
        columns.setdefault("loss", []).extend(np.exp(y).tolist())
    return RunTable.from_columns(columns)  # type: ignore[arg-type]


def _sizes(group: str) -> list[tuple[int, int]]:
    if group == "full":
        return [(2 * EPOCH, 20 * EPOCH)]
    if group == "data":
        return [(total * EPOCH // n, total * EPOCH) for total, ns in _SPLITS for n in ns]
    if group == "cosine":
        return [(EPOCH, n * EPOCH) for n in _COSINE]
    return [(EPOCH, _EPOCHS[group] * EPOCH)]


def _steps(horizon: int) -> NDArray[np.int64]:
    early = [EPOCH // 2**k for k in (5, 4, 3, 2, 1)]
    return np.array([s for s in early if s < horizon] + list(range(EPOCH, horizon + 1, EPOCH)))
