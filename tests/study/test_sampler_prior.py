"""A wrong prior costs little: sources whose optimum is wrong by a factor of 30, either way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import Trial
from searching import LR, TARGET, kinds, objective
from simulated import Simulated, grid

from optuna_kappa import KappaPruner, KappaSampler, RunTable, horizon

SEEDS = range(9)
AT_MOST = 60


def misleading(factor: float) -> RunTable:
    """Short runs whose learning rates are all `factor` times what they should be."""
    runs = Simulated(1.0).runs(grid(), horizon=16.0)
    return replace(runs, lr=runs.lr * factor)


def full_runs(sampler: BaseSampler, problem: Simulated, within: float = 1.05) -> int:
    """Full runs until the loss is within 5 % of the best, AT_MOST if it never is."""
    good = within * problem.loss(problem.optimum(TARGET), TARGET)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
    while len(study.trials) < AT_MOST:
        study.optimize(objective(problem), n_trials=1)
        last = study.trials[-1]
        if last.value is not None and horizon(last, TARGET) == TARGET and last.value <= good:
            break
    return sum(horizon(trial, TARGET) == TARGET for trial in study.trials)


def median(make: type[KappaSampler], factor: float, problem: Simulated) -> float:
    source = misleading(factor)
    return float(
        np.median([full_runs(make(TARGET, sources=[source], seed=s), problem) for s in SEEDS])
    )


@pytest.fixture(scope="module", params=[np.inf, 8.0], ids=["smooth", "diverging"])
def problem(request: pytest.FixtureRequest) -> Simulated:
    return Simulated(slope=1.0, diverges=request.param)


@pytest.fixture(scope="module")
def base(problem: Simulated) -> float:
    return float(np.median([full_runs(TPESampler(seed=s), problem) for s in SEEDS]))


@pytest.mark.parametrize("factor", [1 / 30, 1 / 5, 5.0, 30.0])
def test_misleading_sources(problem: Simulated, base: float, factor: float) -> None:
    assert base < 25  # or the bound below means nothing
    assert median(KappaSampler, factor, problem) <= base + 4


def test_good_sources_are_worth_it(problem: Simulated, base: float) -> None:
    assert median(KappaSampler, 1.0, problem) <= min(2.0, base / 3)


@pytest.mark.parametrize("slope", [-3.0, -1.0, 2.0, 4.0])
def test_probes_that_mislead(slope: float) -> None:
    """From the probes to the target the optimum moves as no law of the prior does."""
    problem = Simulated(slope)
    base = np.median([full_runs(TPESampler(seed=seed), problem) for seed in SEEDS])
    ours = np.median([full_runs(KappaSampler(TARGET, seed=seed), problem) for seed in SEEDS])
    assert ours <= base + 4


def test_where_every_law_trial_diverges_the_base_sampler_gets_every_second() -> None:
    problem = Simulated(slope=1.0, diverges=0.05)
    sampler = KappaSampler(TARGET, sources=[misleading(30.0)], seed=0)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
    study.optimize(objective(problem), n_trials=15)
    assert kinds(study).count("base") >= 3
    assert kinds(study)[:2] == ["law"] * 2


@pytest.mark.parametrize("seed", range(4))
def test_noise_on_a_plateau_is_not_a_valley(seed: int) -> None:
    """Above a rate training fails and losses hardly differ: nothing there bears a law out."""
    problem, noise = Simulated(slope=1.0), np.random.default_rng(seed)

    def train(trial: Trial) -> float:
        lr = trial.suggest_float("lr", LR.low, LR.high, log=True)
        failed = lr > 3 * problem.optimum(TARGET)
        loss = 9.0 + 0.01 * noise.random() if failed else problem.loss(lr, TARGET)
        trial.report(loss, TARGET)
        return loss

    sampler = KappaSampler(TARGET, sources=[misleading(30.0)], seed=seed)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
    study.optimize(train, n_trials=12)
    # Two by the law, then every second one, as long as all of them fail.
    failed = [trial.number for trial in study.trials if trial.values[0] > 8.9]
    until = next((n for n in range(12) if n not in failed), 12)
    assert kinds(study)[:until] == (["law"] * 2 + ["base", "law"] * 5)[:until]


def test_a_first_trial_that_is_the_best_bears_the_law_out() -> None:
    study = optuna.create_study(
        sampler=KappaSampler(TARGET, sources=[misleading(1.0)], seed=0), pruner=KappaPruner()
    )
    study.optimize(objective(Simulated(1.0)), n_trials=3)
    assert kinds(study) == ["law"] * 3
