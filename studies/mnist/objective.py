"""The Optuna objective: tune the learning rate of a run at the horizon that a sampler plans.

Other parameters of the run can be tuned together with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import optuna

import optuna_kappa
from optuna_kappa.schedules import AnySchedule
from studies.mnist.data import Dataset
from studies.mnist.training import OptimizerName, Run, RunConfig, checkpoints

OTHERS: Mapping[str, tuple[float, float] | tuple[int, int]] = MappingProxyType(
    {"weight_decay": (1e-6, 1e-2), "hidden": (64, 512), "batch_size": (16, 256)}
)
"""Parameters that can be searched besides lr, with their ranges, all on a log scale.

The number of hidden units goes from a quarter of the default to twice the default, the batch size
from a quarter to four times the default. Batch sizes are whole numbers rather than a choice of
powers of two, so that samplers know their order.
"""

OnReport = Callable[[optuna.Trial, int], None]


@dataclass(frozen=True, eq=False)
class Objective:
    """Final validation loss of a run as a function of what is tuned, for `study.optimize`.

    The loss is reported at each checkpoint, with the step in samples. A run that diverges reports
    NaN and ends as pruned. If it returned NaN instead, Optuna would record a failed trial and
    forget its cost; if it returned infinity, samplers and plots would treat that as a value.

    Each trial has these user attributes: "samples" trained on (int), "seconds" of wall-clock
    time, "diverged" (only if the run diverged) and "test_accuracy" (only if it was completed).

    Attributes:
        dataset: Data to train on.
        horizon: Samples of a full run, unless the study's sampler plans another horizon.
        schedule: Shape of the learning rate over the planned horizon.
        optimizer: "adam" or "sgd".
        seed: Together with the trial's number, it determines the run.
        lr_range: Lowest and highest base learning rate, searched on a log scale.
        batch_size: Samples in a step.
        hidden: Hidden units.
        weight_decay: L2 penalty added to the gradient.
        device: Where to train.
        others: Which of `OTHERS` each trial is asked for. They replace the settings of the same
            names.
        on_report: Called with the trial and the step after each report; it may raise an error to
            end the trial.

    Raises:
        ValueError: If `lr_range` is not two ascending positive numbers, a setting of the run is
            out of its range, or one of `others` cannot be searched.
    """

    dataset: Dataset
    horizon: int
    schedule: AnySchedule
    optimizer: OptimizerName
    seed: int
    lr_range: tuple[float, float] = (1e-5, 1e-1)
    batch_size: int = 64
    hidden: int = 256
    weight_decay: float = 0.0
    device: str = "cpu"
    others: tuple[str, ...] = ()
    on_report: OnReport | None = None

    def __post_init__(self) -> None:
        low, high = self.lr_range
        if not 0 < low < high < float("inf"):
            raise ValueError(
                f"lr_range must be two ascending positive numbers, got {self.lr_range!r}: the "
                "default is (1e-5, 1e-1)."
            )
        for name in self.others:
            if name not in OTHERS:
                raise ValueError(f"others must be among {', '.join(OTHERS)}, got {name!r}.")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed!r}: give another.")

        # Wrong settings of a run raise now, not in the first trial.
        self._config(lr=low, horizon=self.horizon, number=0)

    def __call__(self, trial: optuna.Trial) -> float:
        """Run one trial.

        Returns:
            The validation cross-entropy at the end of the horizon, in nats.

        Raises:
            optuna.TrialPruned: If the pruner ends the trial at a checkpoint, or the run diverges.
        """
        started = time.perf_counter()
        run = self._plan(trial)
        try:
            loss = _follow(run, trial, self.on_report)
            trial.set_user_attr("test_accuracy", run.test()[1])
            return loss
        finally:
            # A pruned run has a cost too.
            trial.set_user_attr("samples", run.samples)
            trial.set_user_attr("seconds", time.perf_counter() - started)
            if run.diverged:
                trial.set_user_attr("diverged", True)

    def _plan(self, trial: optuna.Trial) -> Run:
        """Ask the trial for its parameters and horizon, and prepare the run."""
        lr = trial.suggest_float("lr", *self.lr_range, log=True)
        chosen = {name: _suggest(trial, name) for name in self.others}
        horizon = optuna_kappa.horizon(trial, default=self.horizon)

        config = self._config(lr=lr, horizon=horizon, number=trial.number)
        config = replace(config, **chosen)
        steps = checkpoints(horizon, self.dataset.n_train)
        return Run(config, self.dataset, steps, self.device)

    def _config(self, *, lr: float, horizon: int, number: int) -> RunConfig:
        """Return the configuration of the trial with this number."""
        sequence = np.random.SeedSequence([self.seed, number])
        run_seed = sequence.generate_state(1, np.uint64)[0]
        return RunConfig(
            lr=lr,
            horizon=horizon,
            schedule=self.schedule,
            optimizer=self.optimizer,
            seed=int(run_seed),
            batch_size=self.batch_size,
            hidden=self.hidden,
            weight_decay=self.weight_decay,
        )


def _suggest(trial: optuna.Trial, name: str) -> Any:
    """Ask the trial for one of `OTHERS`; it is an int if its range is of ints."""
    low, high = OTHERS[name]
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, log=True)
    return trial.suggest_float(name, low, high, log=True)


def _follow(run: Run, trial: optuna.Trial, on_report: OnReport | None) -> float:
    """Train a run and report its losses; return the last one, at the horizon.

    Raises:
        optuna.TrialPruned: If the pruner ends the trial, or the run diverges.
    """
    loss = float("nan")
    for evaluation in run.evaluations():
        loss = evaluation.loss
        trial.report(loss, step=evaluation.step)
        if on_report is not None:
            on_report(trial, evaluation.step)
        if run.diverged:
            raise optuna.TrialPruned(f"The loss was not finite by sample {run.samples}.")
        if trial.should_prune():
            raise optuna.TrialPruned

    return loss
