"""KappaSampler in the loops that Optuna offers."""

from __future__ import annotations

import collections
import math
import pickle
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.samplers import RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from searching import LR, SIMPLE, TARGET, kinds, lrs, objective, search
from simulated import Simulated, grid

from optuna_kappa import KappaPruner, KappaSampler, RunTable, horizon
from optuna_kappa.search.ladder import N_PROBES, rungs
from optuna_kappa.study.plans import plan_of

BEST = SIMPLE.optimum(TARGET)


class Spy(RandomSampler):
    """A base sampler that keeps what it was asked, and the trials that it could see."""

    def __init__(self) -> None:
        super().__init__(seed=0)
        self.asked: list[tuple[int, str]] = []
        self.seen: list[list[int]] = []

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        seen = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        cached = study._get_trials(deepcopy=False, use_cache=True)
        assert [t.number for t in seen] == [t.number for t in cached if t.state.is_finished()]
        self.seen.append([t.number for t in seen])
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> Any:
        self.asked.append((trial.number, name))
        return super().sample_independent(study, trial, name, distribution)


def test_probes_come_first_then_the_law_at_the_target() -> None:
    study = search(n_trials=N_PROBES + 6)
    planned = [horizon(trial) for trial in study.trials]
    counts = collections.Counter(planned[:N_PROBES])
    assert sorted(counts.items()) == rungs(TARGET, N_PROBES)
    assert planned[:N_PROBES] == sorted(planned[:N_PROBES])
    assert planned[N_PROBES:] == [TARGET] * 6
    assert kinds(study)[: N_PROBES + 3] == ["probe"] * N_PROBES + ["law"] * 3
    # Three need not bracket the optimum: then every second one is the base sampler's, until.
    assert kinds(study)[N_PROBES:].count("law") >= 5
    # The first full run already is close, and the best of six within 1 % of the best loss.
    assert abs(math.log(lrs(study)[N_PROBES] / BEST)) < 0.7
    assert study.best_value < 1.01 * SIMPLE.loss(BEST, TARGET)


def test_the_first_probes_cover_the_range() -> None:
    low, high = math.log(LR.low), math.log(LR.high)
    tried = (np.log(lrs(search(n_trials=6))) - low) / (high - low)
    assert sorted((6 * tried).astype(int)) == list(range(6))


@pytest.mark.parametrize("n_probes", [0, 3])
def test_without_a_law_the_base_sampler_takes_over(n_probes: int) -> None:
    hopeless = Simulated(diverges=0.0)
    study = search(KappaSampler(TARGET, n_probes=n_probes, seed=0), 6, hopeless)
    assert kinds(study) == ["probe"] * n_probes + ["base"] * (6 - n_probes)


def test_two_jobs_probe_no_more_than_planned() -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    study.optimize(objective(), n_trials=24, n_jobs=2)
    counts = collections.Counter(plan_of(trial) for trial in study.trials)
    probes = {plan.horizon: n for plan, n in counts.items() if plan and plan.kind == "probe"}
    assert probes == dict(rungs(TARGET, N_PROBES))
    assert study.best_value < 1.05 * SIMPLE.loss(BEST, TARGET)


def test_ask_and_tell_in_batches() -> None:
    """Trials that are asked for at once spread out, whatever order they are told in."""
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    for _ in range(6):
        batch = [study.ask({"lr": LR}) for _ in range(4)]
        ours = [trial for trial in batch if kinds(study)[trial.number] != "base"]
        for planned in {horizon(trial) for trial in ours}:
            ln_lrs = [math.log(t.params["lr"]) for t in ours if horizon(t) == planned]
            assert np.diff(sorted(ln_lrs)).min(initial=1.0) > 0.02
        for trial in reversed(batch):
            loss = SIMPLE.loss(trial.params["lr"], horizon(trial))
            trial.report(loss, horizon(trial))
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
            else:
                study.tell(trial, loss)
    assert kinds(study).count("probe") == N_PROBES
    assert study.best_value < 1.05 * SIMPLE.loss(BEST, TARGET)


def test_enqueued_trials_run_at_full_horizon_with_their_lr() -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    study.enqueue_trial({"lr": 3e-4})
    study.optimize(objective(), n_trials=3)
    study.enqueue_trial({"lr": 5e-3})
    study.enqueue_trial({"other": 1})  # leaves the lr to us
    study.optimize(objective(), n_trials=2)
    assert kinds(study) == ["enqueued", "probe", "probe", "enqueued", "probe"]
    assert [lrs(study)[i] for i in (0, 3)] == [3e-4, 5e-3]
    assert [horizon(study.trials[i]) for i in (0, 3)] == [TARGET, TARGET]
    assert study.trials[0].state == TrialState.COMPLETE


def test_transfer_starts_at_the_proposal_of_its_sources() -> None:
    small = search(KappaSampler(16, seed=1), n_trials=20)
    table = SIMPLE.runs(grid(), horizon=16.0)
    choices: list[list[Study | RunTable]] = [[small], [table], [small, table]]
    for sources in choices:
        sampler = KappaSampler(TARGET, sources=sources, seed=0)
        study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
        proposed = sampler.law(study).propose(TARGET).lr
        study.optimize(objective(), n_trials=6)
        assert kinds(study) == ["law"] * 6
        assert lrs(study)[0] == pytest.approx(proposed, rel=0.15)
        assert study.best_value < 1.02 * SIMPLE.loss(BEST, TARGET)


def test_base_sampler_may_stop_the_study_but_not_for_probes() -> None:
    grid_sampler = optuna.samplers.GridSampler({"wd": [0.0, 0.1]}, seed=0)
    sampler = KappaSampler(TARGET, base_sampler=grid_sampler, seed=0)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())

    def with_decay(trial: optuna.Trial) -> float:
        trial.suggest_categorical("wd", [0.0, 0.1])
        return objective()(trial)

    study.optimize(with_decay, n_trials=20)
    assert kinds(study)[:N_PROBES] == ["probe"] * N_PROBES
    assert any(trial.state == TrialState.COMPLETE for trial in study.trials)
    assert len(study.trials) < 20


def test_a_scheduled_target_is_planned_with_its_schedule() -> None:
    sampler = KappaSampler(TARGET, "cosine", sources=[SIMPLE.runs(grid())], seed=0)
    study = search(sampler, n_trials=1)
    plan = plan_of(study.trials[0])
    assert plan is not None and plan.schedule == "cosine"
    assert lrs(study)[0] == pytest.approx(BEST / 0.5, rel=0.3)


def test_other_parameters_are_the_base_samplers() -> None:
    spy = Spy()
    sampler = KappaSampler(TARGET, base_sampler=spy, n_probes=3, seed=0)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())

    def two(trial: Trial) -> float:
        trial.suggest_int("batch", 1, 64)
        return objective()(trial)

    study.optimize(two, n_trials=8)
    assert [number for number, name in spy.asked if name == "batch"] == list(range(8))
    ours = [i for i, kind in enumerate(kinds(study)) if kind in ("probe", "law")]
    assert [number for number, name in spy.asked if name == "lr"] == sorted({*range(8)} - {*ours})


def test_the_base_sampler_sees_probes_only_where_the_lr_is_ours() -> None:
    """A probe's loss says nothing of which lr is best at the target, but of other parameters."""
    spy = Spy()
    sampler = KappaSampler(TARGET, base_sampler=spy, seed=0)
    study = search(sampler, N_PROBES + 6, problem=Simulated(4.0))
    assert "base" in kinds(study)
    for number, kind in enumerate(kinds(study)):
        first = N_PROBES if kind == "base" else 0
        assert spy.seen[number] == list(range(first, number))
    # The study itself is as it was.
    assert len(study.get_trials()) == N_PROBES + 6


def test_joint_base_samplers_leave_the_lr_to_us() -> None:
    base = TPESampler(multivariate=True, n_startup_trials=2, seed=0)
    study = optuna.create_study(
        sampler=KappaSampler(TARGET, base_sampler=base, n_probes=0, seed=0)
    )

    def two(trial: Trial) -> float:
        trial.suggest_float("decay", 0, 1)
        return objective()(trial)

    study.optimize(two, n_trials=12)
    assert {"base", "law"} <= set(kinds(study))
    proposal = lrs(study)[kinds(study).index("law")]
    assert LR.low < proposal < LR.high


def test_diverged_trials_are_data_however_they_end() -> None:
    """Whether should_prune is asked, NaN is returned or raised: no lr is tried for ever."""
    harsh = Simulated(1.0, diverges=1.5)

    def returned(trial: Trial) -> float:
        lr = trial.suggest_float("lr", LR.low, 10.0, log=True)
        loss = harsh.loss(lr, horizon(trial))
        if math.isnan(loss):
            return loss
        trial.report(loss, horizon(trial))
        if trial.should_prune():
            raise optuna.TrialPruned()
        return loss

    def reported(trial: Trial) -> float:
        trial.report(harsh.loss(trial.suggest_float("lr", LR.low, 10.0, log=True), 1.0), 1)
        return returned(trial) if horizon(trial) > 1 else math.nan

    for train in (returned, reported):
        study = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
        study.optimize(train, n_trials=N_PROBES + 8)
        told = [
            kind
            for trial, kind in zip(study.trials, kinds(study), strict=True)
            if kind == "probe" and (trial.state != TrialState.FAIL or trial.intermediate_values)
        ]
        assert len(told) == N_PROBES  # a trial that told nothing uses up no probe
        assert [trial.state for trial in study.trials].count(TrialState.FAIL) <= N_PROBES
        assert TrialState.FAIL in {trial.state for trial in study.trials}
        assert max(collections.Counter(lrs(study)).values()) <= 2


def test_dynamic_ranges() -> None:
    ranges = [(1e-6, 1e-1), (1e-4, 1e-3), (0.5, 2.0), (1e-6, 1e-5), (1e-3, 1e-3)]
    sampler = KappaSampler(TARGET, n_probes=6, seed=0)
    study = optuna.create_study(sampler=sampler, pruner=KappaPruner())

    def train(trial: Trial) -> float:
        low, high = ranges[trial.number % len(ranges)]
        lr = trial.suggest_float("lr", low, high, log=True)
        assert low <= lr <= high
        return SIMPLE.loss(lr, horizon(trial)) if lr < 0.01 else 9.0

    study.optimize(train, n_trials=25)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    assert "law" in kinds(study)


def test_steps_in_the_range() -> None:
    study = optuna.create_study(sampler=KappaSampler(TARGET, n_probes=6, seed=0))

    def train(trial: Trial) -> float:
        lr = trial.suggest_float("lr", 0.0005, 0.0105, step=0.0005)
        assert type(lr) is float
        return SIMPLE.loss(lr, horizon(trial))

    study.optimize(train, n_trials=14)
    multiples = np.array(lrs(study)) / 0.0005
    np.testing.assert_allclose(multiples, np.round(multiples), atol=1e-9)
    assert {"probe", "law"} <= set(kinds(study))
    assert abs(math.log(study.best_params["lr"] / BEST)) < 0.4


@pytest.mark.parametrize("n_probes", [0, N_PROBES])
def test_maximising_mirrors_minimising(n_probes: int) -> None:
    found = []
    for direction, sign in (("minimize", 1.0), ("maximize", -1.0)):
        study = optuna.create_study(
            direction=direction,  # type: ignore[arg-type]
            sampler=KappaSampler(TARGET, n_probes=n_probes, seed=0),
            pruner=KappaPruner(),
        )
        study.optimize(objective(sign=sign), n_trials=22)
        found.append((kinds(study), lrs(study)))
    assert found[0] == found[1]


def test_a_sampler_can_be_pickled_as_optunas_can() -> None:
    sampler = KappaSampler(TARGET, seed=0)
    study = search(sampler, n_trials=17)
    again = pickle.loads(pickle.dumps(sampler))
    assert again.law(study) == sampler.law(study)


def test_reseed_reaches_the_base_sampler() -> None:
    class Counting(RandomSampler):
        reseeded = 0

        def reseed_rng(self) -> None:
            self.reseeded += 1

    base = Counting()
    KappaSampler(TARGET, base_sampler=base).reseed_rng()
    KappaSampler(TARGET).reseed_rng()
    assert base.reseeded == 1
