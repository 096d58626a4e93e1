"""Whole searches of set-ups that users have, on a problem whose optimum is known.

The best rate of a run of h steps is 2e-3 (h / 24)^-0.7; that of a cosine run the rate of equal
kappa. Each search must end with a rate whose loss is within 1 % of the least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.study import Study
from optuna.trial import Trial, TrialState, create_trial

from optuna_kappa import KappaPruner, KappaSampler, fail_interrupted, horizon
from optuna_kappa.study import plan_of

TARGET, BEST, SLOPE = 24, 2e-3, 0.7
LR = FloatDistribution(1e-5, 1e-1, log=True)
COSINE = 0.5  # mean of the schedule
TOLERANCE = 0.01  # of regret

Objective = Callable[[Trial], float]


def loss(lr: float, steps: int, mean: float = 1.0, noise: float = 0.0) -> float:
    optimum = BEST * (steps * mean / TARGET) ** -SLOPE
    off = math.log(lr / optimum)
    return float(steps**-0.25 * math.exp(math.sqrt(1 + off * off) - 1 + noise))


def least(mean: float = 1.0) -> float:
    return loss(BEST * mean**-SLOPE, TARGET, mean)


def noise_of(trial: Trial) -> float:
    return float(0.02 * np.random.default_rng(trial.number).standard_normal())


def suggest(trial: Trial) -> float:
    return trial.suggest_float("lr", LR.low, LR.high, log=True)


def report(trial: Trial, value: float, step: int) -> None:
    trial.report(value, step)
    if trial.should_prune():
        raise optuna.TrialPruned()


def new_study(seed: int = 0, direction: Any = "minimize", **sampler: Any) -> Study:
    kappa = KappaSampler(TARGET, seed=seed, **sampler)
    return optuna.create_study(direction=direction, sampler=kappa, pruner=KappaPruner())


def regret(study: Study, mean: float = 1.0) -> float:
    assert isinstance(study.sampler, KappaSampler)
    return loss(study.sampler.recommend(study), TARGET, mean) / least(mean) - 1


def coarse_cosine(every: int) -> Objective:
    """Evaluates every so many epochs on part of the data, and on all of it at the end."""

    def train(trial: Trial) -> float:
        lr, steps, noise = suggest(trial), horizon(trial), noise_of(trial)
        for step in range(every, steps + 1, every):
            report(trial, 1.2 * loss(lr, step, COSINE, noise), step)
        return loss(lr, steps, COSINE, noise)

    return train


def stops_early(trial: Trial) -> float:
    """Ends a run with a schedule at 0.7 of it, and returns what it would have come to."""
    lr, steps, noise = suggest(trial), horizon(trial), noise_of(trial)
    for step in range(1, steps + 1):
        report(trial, 1.3 * loss(lr, step, COSINE, noise), step)
        if 10 < steps and step > 0.7 * steps:
            break
    return loss(lr, steps, COSINE, noise)


def no_reports(trial: Trial) -> float:
    return loss(suggest(trial), horizon(trial), COSINE, noise_of(trial))


@pytest.mark.parametrize(
    "train",
    [coarse_cosine(5), coarse_cosine(10), stops_early, no_reports],
    ids=["every 5", "every 10", "stops early", "no reports"],
)
def test_what_scheduled_runs_return_counts(train: Objective) -> None:
    study = new_study(schedule="cosine")
    study.optimize(train, n_trials=18)
    assert regret(study, COSINE) < TOLERANCE


def all_epochs(
    counted_from: int, every: int = 1, untrained: float | None = None
) -> Callable[[Trial], float]:
    """Knows nothing of horizons: the pruner has to end the probes."""

    def train(trial: Trial) -> float:
        lr, noise = suggest(trial), noise_of(trial)
        if untrained is not None:
            report(trial, untrained * math.exp(0.01 * noise), 0)
        for epoch in range(1, TARGET + 1):
            if epoch % every == 0:
                report(trial, loss(lr, epoch, noise=noise), epoch - 1 + counted_from)
        return loss(lr, TARGET, noise=noise)

    return train


@pytest.mark.parametrize(
    ("train", "ends"),
    [
        (all_epochs(counted_from=0), [0, 7]),
        (all_epochs(counted_from=0, every=4), [3, 7]),
        (all_epochs(counted_from=1, untrained=2.3), [1, 8]),
        (all_epochs(counted_from=1), [1, 8]),
    ],
    ids=["from 0", "from 0, every 4", "untrained model evaluated", "from 1"],
)
def test_probes_end_at_the_right_report(train: Objective, ends: Sequence[int]) -> None:
    study = new_study()
    study.optimize(train, n_trials=17)
    last_of: dict[int, list[int]] = {}
    for trial in study.trials:
        plan = plan_of(trial)
        assert plan is not None
        if plan.is_probe:
            last_of.setdefault(plan.horizon, []).append(max(trial.intermediate_values))

    # As long as nothing tells where the count starts, probes may run one step too long.
    assert [steps[-1] for _, steps in sorted(last_of.items())] == ends
    assert regret(study) < TOLERANCE


@pytest.mark.parametrize("mean", [1.0, COSINE])
def test_trials_that_were_added_with_a_value_only(mean: float) -> None:
    study = new_study(schedule="constant" if mean == 1 else "cosine")
    for lr in np.geomspace(1e-4, 3e-2, 16):
        added = create_trial(
            params={"lr": float(lr)}, distributions={"lr": LR}, value=loss(lr, TARGET, mean)
        )
        study.add_trial(added)
    assert regret(study, mean) < TOLERANCE


def accuracy(loss: float) -> float:
    return math.exp(-loss)


@pytest.mark.parametrize(
    ("reported", "returned", "direction"),
    [
        (float, accuracy, "maximize"),
        (accuracy, float, "minimize"),
        (float, lambda loss: -loss, "maximize"),
        (float, lambda loss: 100 * loss, "minimize"),
    ],
    ids=["loss, accuracy", "accuracy, loss", "other sign", "other scale"],
)
def test_reports_that_contradict_the_values(
    reported: Callable[[float], float],
    returned: Callable[[float], float],
    direction: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def train(trial: Trial) -> float:
        lr = suggest(trial)
        for step in range(1, horizon(trial) + 1):
            report(trial, reported(loss(lr, step)), step)
        return returned(loss(lr, horizon(trial)))

    study = new_study(direction=direction)
    study.optimize(train, n_trials=24)
    assert regret(study) < TOLERANCE
    (said,) = [r.message for r in caplog.records if "The values that the objective" in r.message]
    assert "The values count" in said


def good(trial: Trial) -> float:
    lr, noise = suggest(trial), noise_of(trial)
    for step in range(1, horizon(trial) + 1):
        report(trial, loss(lr, step, noise=noise), step)
    return loss(lr, horizon(trial), noise=noise)


def raised(study: Study) -> None:
    def train(trial: Trial) -> float:
        suggest(trial)
        raise RuntimeError("out of memory")

    study.optimize(train, n_trials=10, catch=(RuntimeError,))


def left_running(study: Study) -> None:
    for _ in range(10):
        suggest(study.ask())
    fail_interrupted(study)


def pruned_without_a_report(study: Study) -> None:
    for _ in range(10):
        asked = study.ask()
        suggest(asked)
        study.tell(asked, state=TrialState.PRUNED)


def retried(study: Study) -> None:
    retry = optuna.storages.RetryFailedTrialCallback(max_retry=1)

    def half(trial: Trial) -> float:
        if trial.number % 2 == 0:
            suggest(trial)
            raise RuntimeError
        return good(trial)

    def again(study: Study, trial: optuna.trial.FrozenTrial) -> None:
        if trial.state == TrialState.FAIL:
            retry(study, trial)

    study.optimize(half, n_trials=12, catch=(RuntimeError,), callbacks=[again])


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("die", [raised, left_running, pruned_without_a_report, retried])
def test_trials_that_died_use_up_no_probe(die: Callable[[Study], None]) -> None:
    study = new_study()
    die(study)
    while sum(trial.state == TrialState.COMPLETE for trial in study.trials) < 7:
        study.optimize(good, n_trials=1)

    told: dict[int, int] = {}
    for trial in study.trials:
        plan = plan_of(trial)
        if plan is not None and plan.is_probe and trial.intermediate_values:
            told[plan.horizon] = told.get(plan.horizon, 0) + 1
    assert told == {1: 6, 8: 4}
    assert regret(study) < TOLERANCE


def test_rates_that_always_fail_are_tried_ever_more_seldom() -> None:
    def returns_nan(trial: Trial) -> float:
        return math.nan if suggest(trial) > 2e-2 else good(trial)

    study = new_study()
    study.optimize(returns_nan, n_trials=24)
    failed = [trial.number for trial in study.trials if trial.state == TrialState.FAIL]
    assert 1 <= len(failed) <= 6
    assert regret(study) < TOLERANCE
