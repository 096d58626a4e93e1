"""Parameters that are not numbers: each value is tried, then the best, then the base sampler's."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.samplers import TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState
from searching import LR, kinds

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.schedules import as_schedule
from optuna_kappa.study import base_sampler
from optuna_kappa.study.alternatives import N_BEST, N_EQUALLY, choose, is_alternative
from optuna_kappa.study.plans import Plan, plan_of, store_plan
from optuna_kappa.study.study_law import Problem, StudyLaw

TARGET = 24
N_PROBES = 10
KINDS = ["adam", "rms", "sgd"]
OPTIMIZER = CategoricalDistribution(KINDS)
OPTIMA = {"adam": 1e-3, "sgd": 3e-2}
LAW = StudyLaw(Problem(TARGET, as_schedule("constant"), "lr", [], StudyDirection.MINIMIZE), [])


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (["adam", "sgd"], True),
        ([True, False], True),
        ([16, "auto"], True),
        ([16, 64, 256], False),
        (["16", "64"], False),
        (["adam"], False),
    ],
)
def test_what_is_no_number(choices: list[Any], expected: bool) -> None:
    assert is_alternative(CategoricalDistribution(choices)) == expected


def under_way(kind: str, number: int) -> FrozenTrial:
    """A trial of this number and kind that has no parameters yet."""
    study = optuna.create_study()
    trial = [study.ask() for _ in range(number + 1)][-1]
    frozen = study.trials[trial.number]
    store_plan(study, frozen, Plan(TARGET if kind != "probe" else 1, kind, "constant"))  # type: ignore[arg-type]
    return frozen


def finished(kind: str, value: str, n: int, state: TrialState = TrialState.COMPLETE) -> Any:
    """Some finished trials of a kind with a value, numbered from 0."""
    plan = Plan(TARGET if kind != "probe" else 1, kind, "constant")  # type: ignore[arg-type]
    made = []
    for _ in range(n):
        trial = optuna.trial.create_trial(
            state=state,
            value=0.5 if state == TrialState.COMPLETE else None,
            params={"optimizer": value, "lr": 1e-3},
            distributions={"optimizer": OPTIMIZER, "lr": LR},
            user_attrs={"kappa:plan": vars(plan)},
        )
        made.append(trial)
    return made


def chosen(kind: str, others: list[FrozenTrial], number: int = 40, law: StudyLaw = LAW) -> Any:
    for other_number, other in enumerate(others):
        other.number = other_number
    trial = under_way(kind, number)
    return choose(trial, "optimizer", OPTIMIZER, others, lambda: law, seed=0)


@pytest.mark.parametrize("kind", ["probe", "law"])
def test_the_least_tried_value(kind: str) -> None:
    assert chosen(kind, finished(kind, "adam", 2) + finished(kind, "sgd", 1)) == "rms"
    others = finished(kind, "rms", 2) + finished(kind, "sgd", 2) + finished(kind, "adam", 1)
    assert chosen(kind, others) == "adam"
    # What told nothing has not been tried, and trials of other kinds count for themselves.
    dead = finished(kind, "adam", 3, TrialState.FAIL)
    assert chosen(kind, others + dead) == "adam"
    assert chosen(kind, others + finished("base", "adam", 5)) == "adam"


def test_ties_are_drawn_by_seed_and_number() -> None:
    drawn = [chosen("probe", [], number) for number in range(12)]
    assert drawn == [chosen("probe", [], number) for number in range(12)]
    assert set(drawn) == set(KINDS)


def test_the_base_sampler_chooses_in_its_own_trials_and_at_the_end() -> None:
    assert chosen("base", []) is NotImplemented
    full_runs = finished("law", "adam", N_EQUALLY)
    assert chosen("law", full_runs) is NotImplemented  # nothing is known of any level
    assert chosen("law", full_runs + finished("law", "sgd", N_BEST)) is NotImplemented


def full_run(optimizer: str, ln_lr: float, loss: float) -> FrozenTrial:
    """A finished full run by the law."""
    return optuna.trial.create_trial(
        value=loss,
        params={"optimizer": optimizer, "lr": math.exp(ln_lr)},
        distributions={"optimizer": OPTIMIZER, "lr": LR},
        user_attrs={"kappa:plan": vars(Plan(TARGET, "law", "constant"))},
    )


def after(full_runs: list[FrozenTrial], n: int = N_EQUALLY) -> Any:
    """What is chosen after some full runs by the law, the first one repeated until there are n."""
    full_runs = full_runs[:1] * (n - len(full_runs)) + full_runs
    for number, trial in enumerate(full_runs):
        trial.number = number
    return chosen("law", full_runs, law=StudyLaw(LAW.problem, full_runs))


def test_the_best_value_follows() -> None:
    valley = [(-8.0, 1.3), (-7.0, 1.0), (-6.0, 1.4)]
    levels = {"adam": 0.1, "rms": 0.0, "sgd": 0.2}
    full_runs = [full_run(kind, x, y + levels[kind]) for kind in KINDS for x, y in valley]
    for n in (N_EQUALLY, N_EQUALLY + N_BEST - 1):
        assert after(full_runs, n) == "rms"
    assert after(full_runs, N_EQUALLY + N_BEST) is NotImplemented


def test_a_value_whose_best_run_is_its_outermost_one_goes_first() -> None:
    valley = [(-8.0, 1.3), (-7.0, 1.0), (-6.0, 1.4)]
    slope = [(-10.0, 2.4), (-9.0, 1.9), (-8.0, 1.6)]
    full_runs = [full_run(kind, x, y) for kind in ("adam", "rms") for x, y in valley]
    full_runs += [full_run("sgd", x, y) for x, y in slope]
    assert after(full_runs) == "sgd"
    # Runs of another sampler have no plan; nobody knows what they would have come to.
    foreign = optuna.trial.create_trial(
        state=TrialState.PRUNED,
        params={"optimizer": "sgd", "lr": 0.05},
        distributions={"optimizer": OPTIMIZER, "lr": LR},
        intermediate_values={3: math.nan},
    )
    assert after([*full_runs, foreign], N_EQUALLY + 1) == "sgd"


def searched(n_trials: int, sampler: KappaSampler | None = None) -> Study:
    """A search with two optimizers; the optima are a factor of 30 apart, and SGD is better."""

    def train(trial: Trial) -> float:
        optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd"])
        lr = trial.suggest_float("lr", LR.low, 1.0, log=True)
        for step in range(1, TARGET + 1):
            off = math.log(lr / OPTIMA[optimizer] * (step / TARGET) ** 0.7)
            level = 0.0 if optimizer == "sgd" else 0.1
            loss = step**-0.3 * math.exp(level + 0.5 * (math.sqrt(1 + off**2) - 1))
            trial.report(loss if lr < 8 * OPTIMA[optimizer] else math.nan, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return float(loss)

    study = optuna.create_study(
        sampler=sampler or KappaSampler(TARGET, seed=3), pruner=KappaPruner()
    )
    study.optimize(train, n_trials=n_trials)
    return study


@pytest.fixture(scope="module")
def study() -> Study:
    return searched(N_PROBES + N_EQUALLY + 4)


def test_both_are_tried_equally_often_then_the_better_one(study: Study) -> None:
    by_plan: dict[Plan | None, list[str]] = {}
    for trial in study.trials:
        by_plan.setdefault(plan_of(trial), []).append(trial.params["optimizer"])
    for plan, values in by_plan.items():
        if plan is not None and plan.kind != "base":
            assert max(Counter(values[:N_EQUALLY]).values()) <= math.ceil(min(len(values), 10) / 2)
    by_law = by_plan[Plan(TARGET, "law", "constant")]
    assert set(by_law[N_EQUALLY:]) <= {"sgd"}
    assert study.best_params["optimizer"] == "sgd"


def test_the_optimum_of_each_is_found(study: Study) -> None:
    assert isinstance(study.sampler, KappaSampler)
    for optimizer, optimum in OPTIMA.items():
        lr = study.sampler.recommend(study, {"optimizer": optimizer})
        assert abs(math.log(lr / optimum)) < 0.7


def test_a_restart_goes_on_the_same_way(study: Study) -> None:
    for n in (4, N_PROBES + 3):
        again = optuna.create_study(sampler=KappaSampler(TARGET, seed=3), pruner=KappaPruner())
        again.add_trials(study.trials[:n])
        trial = again.ask()
        expected = study.trials[n].params
        assert trial.suggest_categorical("optimizer", ["adam", "sgd"]) == expected["optimizer"]
        assert trial.suggest_float("lr", LR.low, 1.0, log=True) == expected["lr"]


def test_a_sampler_that_the_user_gave_chooses_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def note(sampler: Any, study: Study, trial: FrozenTrial, name: str, *args: Any) -> Any:
        asked.append(name)
        return "adam"

    monkeypatch.setattr(TPESampler, "sample_independent", note)
    sampler = KappaSampler(TARGET, base_sampler=TPESampler(seed=0), seed=0)
    given = searched(4, sampler)
    assert asked == ["optimizer"] * 4
    assert {trial.params["optimizer"] for trial in given.trials} == {"adam"}


def test_without_such_parameters_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def lrs() -> list[float]:
        def train(trial: Trial) -> float:
            batch = trial.suggest_categorical("batch", [16, 64])
            lr = trial.suggest_float("lr", LR.low, LR.high, log=True)
            loss = math.cosh(math.log(lr / 1e-3)) + batch / 1000
            for step in range(1, TARGET + 1):
                trial.report(loss, step)
                if trial.should_prune():
                    raise optuna.TrialPruned()
            return loss

        made = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
        made.optimize(train, n_trials=N_PROBES + 4)
        assert "law" in kinds(made)
        return [trial.params["lr"] for trial in made.trials]

    with_choices = lrs()
    monkeypatch.setattr(base_sampler.BaseSamplerAdapter, "_chosen", lambda *args: NotImplemented)
    monkeypatch.setattr("optuna_kappa.study.proposal.bracketing_step", lambda *args: None)
    assert lrs() == with_choices
