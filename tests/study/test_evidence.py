from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa.schedules import as_schedule
from optuna_kappa.study.evidence import diverged_at, select_evidence
from optuna_kappa.study.plans import PLAN
from optuna_kappa.study.study_law import Problem, StudyLaw

HORIZON, BEST = 24, 2e-3
LOW, HIGH = math.log(1e-5), math.log(1e-1)
LR = FloatDistribution(1e-5, 1e-1, log=True)


def loss(lr: float) -> float:
    off = math.log(lr / BEST)
    return math.exp(math.sqrt(1 + off * off) - 1)


def full_run(
    number: int,
    lr: float,
    noise: float = 0.0,
    state: TrialState = TrialState.COMPLETE,
    optimizer: str | None = None,
) -> FrozenTrial:
    value = loss(lr) * math.exp(noise)
    diverged = state == TrialState.FAIL
    step = HORIZON if state == TrialState.COMPLETE else 2
    distributions: dict[str, BaseDistribution] = {"lr": LR}
    params: dict[str, object] = {"lr": lr}
    if optimizer is not None:
        params["optimizer"] = optimizer
        distributions["optimizer"] = CategoricalDistribution(("adam", "sgd"))

    trial = create_trial(
        state=state,
        value=None if diverged else value,
        params=params,
        distributions=distributions,
        intermediate_values={step: math.nan if diverged else value},
        user_attrs={PLAN: {"horizon": HORIZON, "kind": "base", "schedule": "constant"}},
    )
    trial.number = number
    return trial


def search(n: int, seed: int, n_spread: int = 20, noise: float = 0.02) -> list[FrozenTrial]:
    """Full runs, spread over the range at first, then within 5 % of the best rate."""
    rng = np.random.default_rng(seed)
    trials = []
    for number in range(n):
        crowded = number >= n_spread
        ln_lr = (
            math.log(BEST) + 0.05 * rng.standard_normal() if crowded else rng.uniform(LOW, HIGH)
        )
        trials.append(full_run(number, math.exp(ln_lr), noise * rng.standard_normal()))
    return trials


def recommended(trials: Sequence[FrozenTrial]) -> float:
    schedule = as_schedule("constant")
    problem = Problem(HORIZON, schedule, "lr", [], StudyDirection.MINIMIZE)
    ln_lr = StudyLaw(problem, select_evidence(trials)).recommend({}, LOW, HIGH)
    assert ln_lr is not None
    return math.exp(ln_lr)


@pytest.mark.parametrize("n", [150, 1000, 10_000])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_best_rate_stays_found_in_a_long_search(n: int, seed: int) -> None:
    trials = search(n, seed)
    kept = select_evidence(trials)
    assert len(kept) < 200
    assert loss(recommended(trials)) < 1.01 * loss(BEST)


def test_all_that_lie_apart_are_kept() -> None:
    trials = search(1000, seed=3)
    apart = {t.number for t in trials if abs(math.log(t.params["lr"] / BEST)) > 0.5}
    kept = {trial.number for trial in select_evidence(trials)}
    assert apart and apart <= kept


def test_few_full_runs_are_all_kept() -> None:
    trials = search(100, seed=0)
    assert select_evidence(trials) == trials


def test_a_later_trial_changes_little() -> None:
    trials = search(2000, seed=0)
    before = {trial.number for trial in select_evidence(trials[:1000])}
    n_changes = 0
    for n in range(1001, 1101):
        kept = {trial.number for trial in select_evidence(trials[:n])}
        n_changes += kept - {n - 1} != before
        before = kept
    assert n_changes <= 1


def test_the_unit_of_the_rate_does_not_matter() -> None:
    trials = search(500, seed=0)
    kept = [trial.number for trial in select_evidence(trials)]
    for trial in trials:
        trial.params["lr"] *= 1e-3
    assert [trial.number for trial in select_evidence(trials)] == kept


def test_where_rates_diverge_is_kept() -> None:
    trials = search(300, seed=0)
    rng = np.random.default_rng(0)
    for number in range(300, 600):
        lr = math.exp(rng.uniform(math.log(2e-2), HIGH))
        trials.append(full_run(number, lr, state=TrialState.FAIL))
    lowest = min(t.params["lr"] for t in trials if t.state == TrialState.FAIL)
    kept = select_evidence(trials)
    assert lowest in [t.params["lr"] for t in kept if t.state == TrialState.FAIL]
    assert loss(recommended(trials)) < 1.01 * loss(BEST)


@pytest.mark.parametrize("first", [1, 0])
def test_a_run_diverges_at_the_same_step_however_steps_are_counted(first: int) -> None:
    """A run diverges in its second epoch: runs of one epoch may still try its rate."""
    made = []
    for number, lr in enumerate([1e-3, 2e-3, 4e-3, 0.05]):
        diverged = lr == 0.05
        reports = {first + epoch: loss(lr) for epoch in range(2 if diverged else HORIZON)}
        if diverged:
            reports[first + 1] = math.nan
        attrs = {PLAN: {"horizon": HORIZON, "kind": "base", "schedule": "constant"}}
        trial = create_trial(
            state=TrialState.PRUNED if diverged else TrialState.COMPLETE,
            value=None if diverged else loss(lr),
            params={"lr": lr},
            distributions={"lr": LR},
            intermediate_values=reports,
            user_attrs=attrs,
        )
        trial.number = number
        made.append(trial)

    problem = Problem(HORIZON, as_schedule("constant"), "lr", [], StudyDirection.MINIMIZE)
    study_law = StudyLaw(problem, made)
    walls = [math.exp(study_law.wall(horizon)) for horizon in (1, 2)]
    assert walls == pytest.approx([math.inf, 0.05])
    assert diverged_at(made[-1], shift=1 - first) == 2


def test_a_rare_category_and_pruned_runs_are_not_crowded_out() -> None:
    rare = [full_run(n, 1e-3 * 1.2**n, optimizer="sgd") for n in range(10)]
    pruned = [full_run(10 + n, 1e-3, 0.1 * n, TrialState.PRUNED, "adam") for n in range(500)]
    common = [full_run(510 + n, 1e-3, 0.01 * n, optimizer="adam") for n in range(500)]
    kept = {trial.number for trial in select_evidence([*rare, *pruned, *common])}
    assert {trial.number for trial in rare} <= kept
    assert 8 <= len(kept & {trial.number for trial in common}) < 100


def test_trials_without_a_rate_are_no_error() -> None:
    trials = search(150, seed=0)
    for trial in trials[:3]:
        trial.params.clear()
        trial.distributions.clear()
    assert 0 < len(select_evidence(trials)) < 150
