"""What sets the rates: schedules, rules, an optimizer without a schedule, and Psi."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from optuna_kappa.psi import Psi, curves_of, fit
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import Schedule, constant, cosine, linear, step, wsd
from studies.budgets.problem import BATCH, HORIZON, dataset
from studies.budgets.rules import GreedyLR
from studies.budgets.training import nothing
from studies.mnist.data import Dataset
from studies.mnist.model import N_CLASSES
from studies.mnist.training import OptimizerName
from studies.psi.cells import CARRIED, CLOSED, OPEN, PEAKS, SHORT, USUAL, Cell, Trained
from studies.psi.training import Lead, follow

N_LOOKS = 20
"""Looks at the validation loss in a full run."""

SCHEDULES: Mapping[str, Schedule] = {
    "constant": constant(),
    "cosine": cosine(),
    "linear": linear(),
    "halving": step(n=8),
    "wsd": wsd(warmup=0),
}
"""Schedules by name, none with a warm-up, which would cost all of them the same."""

Leader = Callable[[nn.Module], Lead]
"""Makes what sets the rates of a new model."""

_OTHER_SEEDS = 1000  # from the seed of a repeat to that of its probes and tuning runs
_PROBE_LOOKS = 64  # in a full run; a probe has its share of them
_PLATEAU_FACTOR = 0.5
_HIDDEN = {USUAL: 256, "narrow": 32, "noisy": 256}
_NOISY = 0.2  # part of the labels that are drawn at random
_NOISE_SEED = 0
_PATIENCE = 2  # looks; torch's default of 10 epochs is longer than the run


def n_steps(horizon: float) -> int:
    """Steps in a run of so many samples."""
    return math.ceil(horizon / BATCH)


def probe_plans(optimizer: OptimizerName) -> list[tuple[Schedule, float, float]]:
    """Schedule, rate and horizon of each probe of a Psi; they cost one full run together."""
    peaks = PEAKS[optimizer]
    plans = [(SCHEDULES["constant"], peaks[place], HORIZON / 8) for place in (0, 4, 6, 10)]
    plans += [(SCHEDULES["wsd"], peaks[place], HORIZON / 4) for place in (4, 6)]
    return plans


N_PROBES = len(probe_plans("adam"))
"""Probes of a Psi."""


def train(cell: Cell, probes: Sequence[Trained] = ()) -> Trained:
    """Make a training.

    Args:
        cell: Which one.
        probes: The probes of its seed, if it is a run by Psi.
    """
    if cell.part == "probe":
        return _probe(cell)

    horizon = HORIZON / SHORT if cell.part == "short" else HORIZON
    steps = n_steps(horizon)
    formula: tuple[float, ...] = ()
    if cell.method in (OPEN, CLOSED, CARRIED):
        try:
            psi = psi_of(cell.optimizer, probes)
        except ValueError:  # the probes tell nothing; counts as a run that diverged
            nothing_seen = (math.nan,) * N_LOOKS
            return Trained(cell, math.nan, math.nan, 0.0, nothing_seen, nothing_seen)
        lr = psi.peak_lr()
        form = psi.formula
        formula = (form.a, form.b, form.c, form.lowest, form.determination)
        lead = _by_psi(cell.optimizer, psi, steps, closed=cell.method == CLOSED)
    else:
        lr = PEAKS[cell.optimizer][cell.place]
        lead = _tuned(cell.optimizer, cell.method, lr, steps)

    if cell.part == "short":
        n_looks = N_LOOKS if cell.method == "plateau" else 1
        run = follow(dataset(), cell.seed + _OTHER_SEEDS, lead, steps, n_looks, judge=False)
        return Trained(cell, lr, math.nan, math.nan, run.losses[-1:])

    run = follow(_data(cell.task), cell.seed, lead, steps, N_LOOKS, hidden=_HIDDEN[cell.task])
    return Trained(cell, lr, run.test, run.accuracy, run.losses, run.rates, formula)


def psi_of(optimizer: OptimizerName, probes: Sequence[Trained]) -> Psi:
    """Psi from the probes of one seed, as a user makes it from a table of runs."""
    tables = []
    for probe in probes:
        schedule, lr, horizon = probe_plans(optimizer)[probe.cell.place]
        steps = n_steps(horizon)
        n = len(probe.losses)
        looks = np.ceil(np.arange(1, n + 1) * steps / n)
        tables.append(
            RunTable(
                run=np.full(n, f"probe {probe.cell.place}"),
                lr=np.full(n, lr),
                schedule=np.full(n, schedule.name),
                horizon=np.full(n, float(steps * BATCH)),
                step=looks * BATCH,
                loss=np.array(probe.losses),
            )
        )
    curves, _ = curves_of(RunTable.concatenate(tables))
    return Psi.from_law(fit(curves), HORIZON)


def _probe(cell: Cell) -> Trained:
    schedule, lr, horizon = probe_plans(cell.optimizer)[cell.place]
    steps = n_steps(horizon)
    n_looks = round(_PROBE_LOOKS * horizon / HORIZON)
    lead = _scheduled(cell.optimizer, schedule, lr, steps)
    run = follow(
        _data(cell.task),
        cell.seed + _OTHER_SEEDS,
        lead,
        steps,
        n_looks,
        judge=False,
        hidden=_HIDDEN[cell.task],
    )
    return Trained(cell, lr, math.nan, math.nan, run.losses)


@lru_cache(maxsize=2)
def _data(task: str) -> Dataset:
    """The images of a task."""
    data = dataset()
    if task != "noisy":
        return data
    random = np.random.default_rng(_NOISE_SEED)
    labels = data.train_y.clone()
    drawn = np.flatnonzero(random.random(len(labels)) < _NOISY)
    labels[drawn] = torch.from_numpy(random.integers(N_CLASSES, size=len(drawn)))
    return replace(data, train_y=labels)


def _tuned(optimizer: OptimizerName, method: str, lr: float, steps: int) -> Leader:
    """A method at a peak rate."""
    if method in SCHEDULES:
        return _scheduled(optimizer, SCHEDULES[method], lr, steps)
    return {"plateau": _plateau, "greedy": _greedy, "schedule-free": _schedule_free}[method](
        optimizer, lr
    )


def _scheduled(optimizer: OptimizerName, schedule: Schedule, lr: float, steps: int) -> Leader:
    factors: list[float] = schedule.factors(steps).tolist()
    return lambda model: Lead(_optimizer(optimizer, lr, model), factors)


def _by_psi(optimizer: OptimizerName, psi: Psi, steps: int, closed: bool) -> Leader:
    """Follow a Psi, with the losses of the looks or without any."""

    def lead(model: nn.Module) -> Lead:
        made = _optimizer(optimizer, psi.peak_lr(), model)
        scheduler = psi.scheduler(made, steps)
        looked: list[float] = []

        def after_step(_: float) -> None:
            # A look is known one step later; its loss is that of the step before.
            scheduler.step(looked.pop() if looked else None)

        return Lead(made, after_step=after_step, at_look=looked.append if closed else nothing)

    return lead


def _plateau(optimizer: OptimizerName, lr: float) -> Leader:
    def lead(model: nn.Module) -> Lead:
        made = _optimizer(optimizer, lr, model)
        rule = ReduceLROnPlateau(made, factor=_PLATEAU_FACTOR, patience=_PATIENCE)
        return Lead(made, at_look=rule.step)

    return lead


def _greedy(optimizer: OptimizerName, lr: float) -> Leader:
    def lead(model: nn.Module) -> Lead:
        made = _optimizer(optimizer, lr, model)
        return Lead(made, after_step=GreedyLR(made).step)

    return lead


def _schedule_free(optimizer: OptimizerName, lr: float) -> Leader:
    def lead(model: nn.Module) -> Lead:
        from schedulefree import AdamWScheduleFree, SGDScheduleFree

        kind = AdamWScheduleFree if optimizer == "adam" else SGDScheduleFree
        made = kind(model.parameters(), lr=lr)
        made.train()
        # The model that counts is the average of the weights.
        return Lead(made, before_look=made.eval, after_look=made.train)

    return lead


def _optimizer(optimizer: OptimizerName, lr: float, model: nn.Module) -> Optimizer:
    kind = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    return kind(model.parameters(), lr=lr, fused=True)
