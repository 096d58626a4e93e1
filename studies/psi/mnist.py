"""Psi on MNIST: fitted to probes that cost one full run together, then trained.

The probes are recorded runs of one seed: four constant rates and two cosines for an eighth of the
horizon each, one cosine for a quarter. Psi is then trained with another seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from optuna_kappa.psi import Psi, curves_of, fit
from optuna_kappa.runs import RunTable, read_csv
from studies.mnist.data import Dataset
from studies.mnist.training import OptimizerName, Run, RunConfig

EPOCH = 30_000  # training images
HORIZON = 4 * EPOCH
_RECORDED = Path(__file__).parents[1] / "recorded"
_N_EVALUATIONS = 32  # of a run
_FIRST_SEED = 100  # of the runs that are trained; recorded ones have seeds from 0


@dataclass(frozen=True)
class Probes:
    """Rates of the probes, spread over those that train.

    Args:
        constant: Of the constant runs.
        cosine: Of the short cosine runs.
        longer: Of the longer cosine run.
    """

    constant: tuple[float, ...]
    cosine: tuple[float, ...]
    longer: float


# A factor of 4 apart, from a library's usual rates to those that hardly train.
PROBES: dict[OptimizerName, Probes] = {
    "adam": Probes((2.4e-4, 9.5e-4, 3.8e-3, 1.5e-2), (1.9e-3, 7.5e-3), 3.8e-3),
    "sgd": Probes((0.016, 0.063, 0.25, 1.0), (0.063, 0.25), 0.126),
}


def probe_runs(optimizer: OptimizerName, seed: int) -> RunTable:
    """The recorded runs that stand for the probes, cut to their horizons.

    Args:
        optimizer: Which recorded runs.
        seed: Their seed, 0 to 4.
    """
    constant = read_csv(_RECORDED / f"{optimizer}-constant.csv.gz")
    cosine = read_csv(_RECORDED / f"{optimizer}-cosine.csv.gz")
    probes = PROBES[optimizer]

    parts = [_probe(constant, lr, HORIZON / 8, seed) for lr in probes.constant]
    parts += [_probe(cosine, lr, HORIZON / 8, seed) for lr in probes.cosine]
    parts.append(_probe(cosine, probes.longer, HORIZON / 4, seed))
    return RunTable.concatenate(parts)


def _probe(table: RunTable, lr: float, horizon: float, seed: int) -> RunTable:
    """One run of the nearest recorded rate. The beginning of a constant run is a shorter run."""
    nearest = table.lr[np.argmin(np.abs(np.log(table.lr / lr)))]
    rows = (table.lr == nearest) & (table.context["seed"] == str(seed)) & (table.step <= horizon)
    if table.schedule[0] != "constant":
        rows &= table.horizon == horizon

    n = int(rows.sum())
    return RunTable(
        run=np.full(n, f"{table.schedule[0]} {nearest:g} {horizon:g}"),
        lr=table.lr[rows],
        schedule=table.schedule[rows],
        horizon=np.full(n, horizon),
        step=table.step[rows],
        loss=table.loss[rows],
    )


def psi_of(optimizer: OptimizerName, seed: int) -> Psi:
    """Psi from the probes of one seed."""
    curves, _ = curves_of(probe_runs(optimizer, seed))
    return Psi.from_law(fit(curves), HORIZON)


def best_recorded(optimizer: OptimizerName) -> dict[str, float]:
    """Lowest mean loss of the recorded seeds at the horizon, over all rates, by schedule."""
    best = {}
    for name in ("constant", "cosine"):
        table = read_csv(_RECORDED / f"{optimizer}-{name}.csv.gz")
        rows = table.step == HORIZON
        if name == "cosine":
            rows &= table.horizon == HORIZON
        losses = [float(table.loss[rows & (table.lr == lr)].mean()) for lr in set(table.lr[rows])]
        best[name] = float(np.nanmin(losses))
    return best


def train(psi: Psi, optimizer: OptimizerName, seed: int, dataset: Dataset, closed: bool) -> float:
    """Validation loss at the end of a run by Psi.

    Args:
        psi: The rates.
        optimizer: The optimizer.
        seed: Seed of the probes; the run has another one.
        dataset: MNIST.
        closed: Whether the rates follow the validation loss at each checkpoint.
    """
    config = RunConfig(
        lr=psi.peak_lr(),
        horizon=HORIZON,
        schedule=psi.open_loop(),
        optimizer=optimizer,
        seed=_FIRST_SEED + seed,
    )
    steps = [HORIZON * k // _N_EVALUATIONS for k in range(1, _N_EVALUATIONS + 1)]
    run = Followed(config, dataset, steps, psi) if closed else Run(config, dataset, steps)
    return [evaluation.loss for evaluation in run.evaluations()][-1]


class Followed(Run):
    """A run whose rates follow its losses."""

    def __init__(
        self, config: RunConfig, dataset: Dataset, checkpoints: Sequence[int], psi: Psi
    ) -> None:
        super().__init__(config, dataset, checkpoints)
        self._scheduler = psi.scheduler(self._optimizer, config.n_steps)
        self._told = {math.ceil(step / config.batch_size) for step in checkpoints}

    def _train_step(self) -> None:
        self._rates[self._step] = self._scheduler.get_last_lr()[0]
        super()._train_step()

        loss = None
        if self._step in self._told and not self.diverged:
            loss, _ = self._evaluate(self._data.valid_x, self._data.valid_y)
        self._scheduler.step(loss)
