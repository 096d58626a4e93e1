"""How fast a machine trains, measured in about a second."""

from __future__ import annotations

import time

from optuna_kappa.schedules import as_schedule
from studies.mnist.data import Dataset
from studies.mnist.training import OptimizerName, Run, RunConfig

_SECONDS = 1.0  # long enough to see what else the machine does
_WARM_UP = 10  # steps that are slower, since memory is taken
_BATCH = 64
_EVALUATIONS = 1.3  # in an epoch: one after it, and three more in the first of a run


def measure(dataset: Dataset, optimizer: OptimizerName) -> float:
    """Seconds that an epoch takes, evaluations included, in one thread."""
    epoch = dataset.n_train
    config = RunConfig(1e-3, 100 * epoch, as_schedule("constant"), optimizer, 0, _BATCH)
    run = Run(config, dataset, ())
    run.advance(_WARM_UP * _BATCH)
    run.test()

    started = time.perf_counter()
    first = run.samples
    while time.perf_counter() - started < _SECONDS:
        run.advance(run.samples + _BATCH)
    training = (time.perf_counter() - started) / (run.samples - first)

    started = time.perf_counter()
    run.test()
    evaluation = time.perf_counter() - started
    return epoch * training + _EVALUATIONS * evaluation
