"""Several names of the learning rate, and trials that have none."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from searching import kinds

from optuna_kappa import KappaPruner, KappaSampler, horizon, run_table
from optuna_kappa.study.evidence import select_evidence
from optuna_kappa.study.lr_names import NAME_USED, check_lr
from optuna_kappa.study.plans import Plan, store_plan
from optuna_kappa.study.search_space import place_of, space_of
from optuna_kappa.study.trials import lr_of

TARGET = 24
NAMES = ("adam_lr", "sgd_lr")
RANGES = {"adam_lr": (1e-5, 1e-1), "sgd_lr": (1e-3, 10.0)}
OPTIMA = {"adam_lr": 1e-3, "sgd_lr": 3e-2}


def train(trial: Trial, optimizer: str) -> float:
    """One run; the optimum is that of the optimizer. "rprop" has no learning rate."""
    name = f"{optimizer}_lr"
    lr = 1.0
    if name in RANGES:
        lr = trial.suggest_float(name, *RANGES[name], log=True)
    for step in range(1, TARGET + 1):
        off = math.log(lr / OPTIMA.get(name, 1.0)) + 0.7 * math.log(step / TARGET)
        loss = step**-0.3 * math.exp(0.5 * (math.sqrt(1 + off**2) - 1))
        trial.report(loss, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return float(loss)


def search(n_trials: int, optimizers: list[str], lr: Any = NAMES, **pruner: Any) -> Study:
    def objective(trial: Trial) -> float:
        return train(trial, trial.suggest_categorical("optimizer", optimizers))

    made = optuna.create_study(
        sampler=KappaSampler(TARGET, lr=lr, seed=0), pruner=KappaPruner(lr=lr, **pruner)
    )
    made.optimize(objective, n_trials=n_trials)
    return made


@pytest.fixture(scope="module")
def study() -> Study:
    return search(22, ["adam", "sgd"])


@pytest.mark.parametrize("lr", [3, None, (), ["lr", 3], ("lr", "lr"), {"lr": 1}, b"lr"])
def test_what_is_no_name(lr: Any) -> None:
    message = "^lr must be a str or a tuple of different ones, got "
    for make in (
        lambda: KappaSampler(24, lr=lr),
        lambda: KappaPruner(lr=lr),
        lambda: check_lr(lr),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(ValueError, match=message):
        run_table([], lr=lr)


def test_each_trial_has_one_and_each_name_its_own_range(study: Study) -> None:
    for trial in study.trials:
        (name,) = [name for name in NAMES if name in trial.params]
        low, high = RANGES[name]
        assert low <= trial.params[name] <= high
        assert lr_of(trial, NAMES) == trial.params[name]
    assert kinds(study)[:10] == ["probe"] * 10


def test_the_law_knows_the_name(study: Study) -> None:
    runs = run_table(study, lr=NAMES)
    assert list(runs.context) == [NAME_USED, "optimizer"]
    expected = [study.trials[int(run)].params["optimizer"] + "_lr" for run in runs.run]
    assert runs.context[NAME_USED].tolist() == expected
    assert isinstance(study.sampler, KappaSampler)
    for name, optimum in OPTIMA.items():
        lr = study.sampler.recommend(study, {"optimizer": name.removesuffix("_lr")})
        assert abs(math.log(lr / optimum)) < 0.7
    assert study.sampler.recommend(study) == study.sampler.recommend(study, study.best_params)


def test_the_name_alone_tells_the_runs_apart() -> None:
    """The condition is no parameter of the trials."""
    made = optuna.create_study(
        sampler=KappaSampler(TARGET, lr=NAMES, seed=0), pruner=KappaPruner(lr=NAMES)
    )
    made.optimize(lambda trial: train(trial, ["adam", "sgd"][trial.number % 2]), n_trials=20)
    assert isinstance(made.sampler, KappaSampler)
    for name, optimum in OPTIMA.items():
        nearest = made.sampler.recommend(made, {name: optimum})
        assert abs(math.log(nearest / optimum)) < 0.9


def test_one_name_is_one_name_however_it_is_given() -> None:
    found = [
        [trial.params for trial in search(13, ["adam"], lr).trials]
        for lr in ("adam_lr", ["adam_lr"], ("adam_lr",))
    ]
    assert found[0] == found[1] == found[2]


def test_full_runs_of_two_names_do_not_stand_for_each_other() -> None:
    trials = []
    for i in range(300):
        name = NAMES[i % 2]
        space: dict[str, BaseDistribution] = {name: FloatDistribution(*RANGES[name], log=True)}
        trials.append(create_trial(params={name: 0.01}, distributions=space, value=0.5))
    kept = select_evidence(trials, NAMES)
    counts = [sum(name in trial.params for trial in kept) for name in NAMES]
    assert counts[0] == counts[1] > 8


def test_places_of_two_names_are_apart() -> None:
    def made(name: str) -> FrozenTrial:
        space: dict[str, BaseDistribution] = {name: FloatDistribution(*RANGES[name], log=True)}
        return create_trial(params={name: 0.01}, distributions=space, value=0.5)

    trials = [made(name) for name in NAMES]
    places = [place_of(trial, space_of(trials), NAMES) for trial in trials]
    assert places[0].ln_lr == places[1].ln_lr == math.log(0.01)
    assert math.dist(places[0].others, places[1].others) == pytest.approx(1.0)


def full_runs(study: Study, value: str) -> list[tuple[TrialState, int]]:
    trials = [trial for trial in study.trials if trial.params.get("optimizer") == value]
    return [(trial.state, horizon(trial)) for trial in trials]


@pytest.mark.parametrize("lr", [NAMES, "adam_lr"])
def test_a_trial_without_any_is_a_full_run_of_the_base_sampler(lr: Any) -> None:
    optimizers = ["adam", "rprop"] if isinstance(lr, str) else ["adam", "sgd", "rprop"]
    study = search(15, optimizers, lr, epsilon=1e-9)
    assert 2 <= len(full_runs(study, "rprop")) <= 7
    assert set(full_runs(study, "rprop")) == {(TrialState.COMPLETE, TARGET)}
    ours = {"probe", "law"}
    for trial, kind in zip(study.trials, kinds(study), strict=True):
        assert trial.params["optimizer"] != "rprop" or kind not in ours
    # They used up no probe.
    assert kinds(study).count("probe") >= 8


def test_once_it_is_known_to_have_none_it_may_ask_for_its_horizon() -> None:
    asked = []

    def objective(trial: Trial) -> float:
        optimizer = trial.suggest_categorical("optimizer", ["rprop", "adam"])
        if optimizer == "rprop":
            asked.append(horizon(trial))
        return train(trial, optimizer)

    made = optuna.create_study(
        sampler=KappaSampler(TARGET, lr="adam_lr", seed=0), pruner=KappaPruner(lr="adam_lr")
    )
    made.optimize(objective, n_trials=9)
    assert len(asked) >= 3
    assert set(asked[1:]) == {TARGET}


def test_one_that_trained_as_a_probe_stays_a_probe() -> None:
    made = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    trial = made.ask()
    trial.report(0.5, step=horizon(trial))
    made.tell(trial, 0.5)
    assert (kinds(made), horizon(made.trials[0])) == (["probe"], 1)


def test_a_pruner_that_knows_no_names_still_ends_probes() -> None:
    """The sampler knows the learning rate; the pruner was given no name."""
    made = optuna.create_study(
        sampler=KappaSampler(TARGET, lr="adam_lr", seed=0), pruner=KappaPruner()
    )
    made.optimize(lambda trial: train(trial, "adam"), n_trials=3)
    assert [trial.state for trial in made.trials] == [TrialState.PRUNED] * 3
    assert [len(trial.intermediate_values) for trial in made.trials] == [1] * 3


def test_without_the_sampler_every_probe_is_ended() -> None:
    """Another sampler may be wrapped around it, so nobody knows the names."""
    made = optuna.create_study(pruner=KappaPruner())
    trial = made.ask()
    store_plan(made, made.trials[0], Plan(1, "probe", "constant"))
    trial.report(0.5, step=1)
    assert made.pruner.prune(made, made.trials[0])


def test_a_choice_without_trials_is_unknown() -> None:
    space: dict[str, BaseDistribution] = {"optimizer": CategoricalDistribution(["adam", "rprop"])}
    made = optuna.create_study(sampler=KappaSampler(TARGET, lr=NAMES, seed=0))
    trial = made.ask(space)
    assert horizon(trial) == 1
