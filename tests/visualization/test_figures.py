from __future__ import annotations

import logging
import math
import random
from typing import Literal

import optuna
import pytest
from figure_studies import (
    EVIL,
    FAIL,
    NAN,
    PRUNED,
    RUNNING,
    of_every_outcome,
    planned,
    probe,
    study_of,
)
from optuna.study import Study
from optuna.trial import FrozenTrial
from searching import TARGET, objective, search

from optuna_kappa import KappaSampler
from optuna_kappa.runs import example_runs
from optuna_kappa.visualization import figures_of

ALWAYS = [
    "proposal",
    "law",
    "kappa",
    "lr_curves",
    "plan",
    "budget",
    "cumulative_learning",
]


def ids(study: Study, sampler: KappaSampler | None = None) -> list[str]:
    return [figure.id for figure in figures_of(study, sampler)]


def test_ids_of_a_search() -> None:
    assert ids(search(n_trials=13)) == [*ALWAYS, "pruning"]


def test_schedule_transfer_needs_a_second_schedule() -> None:
    sources = [example_runs(horizons=[1, 4, 16])]
    sampler = KappaSampler(TARGET, schedule="cosine", sources=sources, seed=0)
    study = search(sampler, n_trials=8)
    expected = [*ALWAYS[:4], "schedule_transfer", *ALWAYS[4:], "pruning"]
    assert ids(study) == expected
    # The sources are the sampler's; no trial has them.
    assert "schedule_transfer" not in ids(study_of(*study.trials))


def test_pruning_needs_something_pruned() -> None:
    probes_alone = [probe(1, 0.1, {1: 1.0}), planned(8, 0.1, {8: 1.0})]
    assert ids(study_of(*probes_alone)) == ALWAYS
    assert ids(study_of(*probes_alone, planned(8, 0.1, {4: 2.0}, PRUNED))) == [*ALWAYS, "pruning"]


def test_titles_and_figures_are_those_of_each_other() -> None:
    for figure in figures_of(search(n_trials=13)):
        assert figure.title
        assert figure.figure.data
        assert figure.figure.to_dict()["layout"]["title"]["text"]


def test_no_trials_at_all() -> None:
    notes = {}
    for figure in figures_of(study_of()):
        assert not figure.figure.data
        notes[figure.id] = figure.figure.layout.annotations[0].text
    assert list(notes) == ALWAYS
    assert all(notes.values())


SEVERAL_NAMES = optuna.create_study(sampler=KappaSampler(24, lr=("adam_lr", "sgd_lr"), seed=0))
STUDIES: dict[str, list[FrozenTrial]] = {
    "one full run": [planned(8, 0.1, {8: 1.0})],
    "one probe": [probe(1, 0.1, {1: 1.0})],
    "one running": [planned(8, 0.1, {}, RUNNING)],
    "one failed": [planned(8, 0.1, {2: 1.0}, FAIL)],
    "one diverged": [planned(8, 0.1, {1: NAN}, PRUNED)],
    "no learning rate": [planned(8, None, {8: 1.0})],
    "all the same": [planned(8, 0.1, {8: 1.0})] * 5,
    "zero loss": [planned(8, lr, {4: 0.5, 8: 0.0}) for lr in (0.1, 0.2, 0.3)],
    "huge loss": [planned(8, lr, {8: 1e99}) for lr in (0.1, 0.2, 0.3)],
    "infinite": [planned(8, lr, {8: math.inf}) for lr in (0.1, 0.2, 0.3)],
    "own schedule": [planned(8, lr, {8: lr}, schedule=EVIL) for lr in (0.1, 0.2, 0.3, 0.4)],
    "long": [planned(2**31 - 1, lr, {2**31 - 1: lr}) for lr in (0.1, 0.2, 0.3)],
}


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("name", STUDIES)
def test_studies_of_any_kind(name: str, direction: Literal["minimize", "maximize"]) -> None:
    for figure in figures_of(study_of(*STUDIES[name], direction=direction, name=name)):
        figure.figure.to_dict()
        assert "<script" not in figure.figure.to_json()


def test_every_outcome() -> None:
    assert ids(of_every_outcome()) == [*ALWAYS, "pruning"]


def test_several_names_of_the_learning_rate() -> None:
    def train(trial: optuna.Trial) -> float:
        which = trial.suggest_categorical("optimizer", ["adam", "sgd"])
        lr = trial.suggest_float(f"{which}_lr", 1e-4, 1.0, log=True)
        loss = 1 + (math.log(lr) + (5 if which == "adam" else 1)) ** 2
        for step in range(1, 25):
            trial.report(loss / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss / 24

    SEVERAL_NAMES.optimize(train, n_trials=14)
    assert ids(SEVERAL_NAMES)[:7] == ALWAYS


def test_names_are_escaped() -> None:
    def train(trial: optuna.Trial) -> float:
        trial.suggest_categorical(EVIL, [EVIL, "b"])
        trial.set_user_attr(EVIL, EVIL)
        return float(objective()(trial))

    study = search(n_trials=0, study_name=EVIL)
    study.optimize(train, n_trials=13)
    for figure in figures_of(study):
        assert "<script" not in str(figure.figure.to_dict()), figure.id


def large_study() -> Study:
    """1,000 trials with 50 reports each."""
    drawn = random.Random(0)
    trials = []
    for number in range(1000):
        lr = 10 ** drawn.uniform(-5, 0)
        loss = 1 + abs(math.log10(lr) + 2) + drawn.random()
        reports = {step: loss * (1 + 1 / step) for step in range(1, 51)}
        if number % 3:
            reports = {step: loss for step, loss in reports.items() if step < 45}
            why = {"step": 44, "probability": 0.012345678, "reason": "behind " * 20}
            trials.append(planned(50, lr, reports, PRUNED, attributes={"kappa:pruned": why}))
        else:
            trials.append(planned(50, lr, reports))
    return study_of(*trials)


def test_all_figures_of_a_large_study_are_small() -> None:
    sizes = {figure.id: len(figure.figure.to_json()) for figure in figures_of(large_study())}
    assert sum(sizes.values()) < 200_000, sizes


def test_not_every_figure_says_what_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    study = study_of(*of_every_outcome().trials)
    study.add_trial(planned(8, 0.1, {8: 1.0}, attributes={"kappa:plan": "garbage"}))
    figures_of(study)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert 1 <= len(warnings) <= 2
