"""The block of `tune` in words: what runs, what it has cost, the best, the law."""

from __future__ import annotations

import time

import optuna
import pytest
from optuna.trial import TrialState

from optuna_kappa import KappaSampler
from optuna_kappa.launch.cursor import width_of
from optuna_kappa.launch.limits import Limits, parse_certified
from optuna_kappa.launch.overview import Overview
from optuna_kappa.launch.progress import Progress
from optuna_kappa.study.example import example_study
from optuna_kappa.study.interrupted import mark_interrupted

BUDGET = Limits(budget=10.0)


@pytest.fixture
def study() -> optuna.Study:
    """A study with ten probes, three full runs and one that runs."""
    study = example_study()
    study.sampler = KappaSampler(24, seed=0)
    trial = study.ask()
    trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    for epoch in (1, 2, 3):
        trial.report(0.5 / epoch, step=epoch)
    return study


def overview(study: optuna.Study, limits: Limits = BUDGET) -> Overview:
    sampler = study.sampler
    assert isinstance(sampler, KappaSampler)
    return Overview(study, sampler, "lr", limits)


def test_what_is_shown(study: optuna.Study) -> None:
    title, running, spent, best, law = overview(study).lines([13], 79, 24)
    assert title.startswith(f"-- {study.study_name} --") and len(title) == 79
    assert running.startswith("trial 13: full run of 24 steps, lr 0.000")
    assert ", step 3: 0.1667, by the " in running
    assert spent == "4.71 of 10 full runs spent, 0 s so far"  # 4.58 and three of 24 steps
    first = study.best_trial
    lr = first.params["lr"]
    assert best == f"best: {study.best_value:.4g}, lr {lr:.3g}, trial {first.number}"
    assert isinstance(study.sampler, KappaSampler)
    recommended = study.sampler.recommend(study)
    assert law.startswith(f"law: holds, full runs at lr {recommended:.3g} (")
    assert ", lr ~ horizon^-0." in law


@pytest.mark.parametrize("width", [10, 20, 39, 79, 200])
def test_lines_fit(study: optuna.Study, width: int) -> None:
    wide = overview(study).lines([13], 500, 24)
    lines = overview(study).lines([13], width, 24)
    assert len(lines) == len(wide)
    assert width_of(lines[0]) == width
    for line, whole in zip(lines[1:], wide[1:], strict=True):
        assert whole.startswith(line) or line.endswith(" so far")
        assert width_of(line) <= max(width, 40)  # the first part of a line is not parted


def test_as_many_trials_as_there_is_room_for(study: optuna.Study) -> None:
    running = [13, *(study.ask().number for _ in range(5))]
    shown = overview(study)
    assert len(shown.lines(running, 79, 10)) == 6 + 4
    lines = shown.lines(running, 79, 8)
    assert len(lines) == 8 and lines[4] == "and 3 more trials"
    assert [line.split(":")[0] for line in lines[1:4]] == ["trial 13", "trial 14", "trial 15"]
    assert shown.lines(running, 79, 1)[2] == "and 5 more trials"


def test_names_do_nothing_to_the_terminal() -> None:
    sampler = KappaSampler(24, seed=0)
    study = optuna.create_study(study_name="a\x1b[2J\n学習率", sampler=sampler)
    title = Overview(study, sampler, "lr", BUDGET).lines([], 30, 24)[0]
    assert title.startswith("-- a\\x1b[2J\\n学習率 --") and width_of(title) == 30


def test_the_other_limits(study: optuna.Study) -> None:
    timeout = Limits(seconds=7200.0, trials=20, certified=parse_certified("0.9:0.02"))
    line = overview(study, timeout).lines([], 200, 24)[2]
    spent, left, so_far, trials, sure = line.split(", ")
    assert (spent, left, so_far) == ("4.71 full runs spent", "about 2 h 0 min left", "0 s so far")
    assert trials == "14 of 20 trials" and sure.endswith(" of 90 % sure")


def test_how_long_the_rest_takes(study: optuna.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    begun = overview(study)
    assert "left" not in begun.spent
    now += 60.0
    trial = study.ask()
    trial.report(1.0, step=12)  # half a full run in a minute
    assert begun.spent == "5.21 of 10 full runs spent, about 10 min left"


def test_what_came_of_a_trial(study: optuna.Study, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(study, overview(study), "lr")
    trial = study.trials[13]
    mark_interrupted(study, trial)
    assert study.trials[13].state == TrialState.FAIL
    progress.ended(13)
    err = capsys.readouterr().err
    assert err.startswith("trial 13: interrupted, 0.1667 after 3 steps at lr 0.000")
    assert err.endswith("; 4.71 of 10 full runs spent\n")
