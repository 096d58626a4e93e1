"""Studies that are not as tidy as a replay."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import optuna
import pytest
from curves import HORIZON, curve
from optuna.distributions import FloatDistribution
from optuna.samplers import RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import Trial, TrialState, create_trial

from optuna_kappa import KappaPruner

LR = FloatDistribution(1e-5, 1.0, log=True)


def add(study: Study, lr: float, reports: Mapping[int, float], value: float) -> None:
    study.add_trial(
        create_trial(
            params={"lr": lr},
            distributions={"lr": LR},
            intermediate_values=dict(reports),
            value=value,
        )
    )


def known(n: int = 16, sign: float = 1.0) -> Study:
    """A study of whole runs, from far too low rates to far too high ones."""
    direction = StudyDirection.MINIMIZE if sign > 0 else StudyDirection.MAXIMIZE
    study = optuna.create_study(pruner=KappaPruner(), direction=direction)
    for i in range(n):
        lr = 10 ** (-5 + 4 * i / (n - 1))
        losses = sign * curve(lr, i)
        add(study, lr, {s + 1: float(v) for s, v in enumerate(losses)}, float(losses[-1]))
    return study


def ask(study: Study, lr: float) -> Trial:
    study.enqueue_trial({"lr": lr})
    return study.ask({"lr": LR})


def pruned_at(
    trial: Trial, loss: Callable[[int], float], every: int = 1, first: int = 1
) -> int | None:
    """The step at which a trial is pruned that reports every so many steps."""
    for step in range(first, HORIZON + 1, every):
        trial.report(loss(step), step)
        if trial.should_prune():
            return step
    return None


def test_a_parameter_may_appear_later() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=1), pruner=KappaPruner())

    def objective(trial: Trial) -> float:
        lr = trial.suggest_float("lr", 1e-5, 1.0, log=True)
        if trial.suggest_categorical("optimizer", ["adam", "sgd"]) == "sgd":
            trial.suggest_float("momentum", 0.0, 1.0)
        for step in range(1, 11):
            trial.report(1 + 1 / step + lr, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return 1.1 + lr

    study.optimize(objective, n_trials=20)
    assert study.trials[-1].state.is_finished()


@pytest.mark.parametrize("every", [16, 17, 45, 95])
def test_a_report_between_phases_counts(every: int) -> None:
    good, bad = (ask(known(), 5e-2) for _ in range(2))
    assert pruned_at(good, lambda step: 1e-3, every, first=every) is None
    assert pruned_at(bad, lambda step: 5.0, every, first=every) is not None


def test_nothing_is_pruned_at_its_end() -> None:
    study = optuna.create_study(pruner=KappaPruner())
    for loss in (1.0, 2.0, 1.5):
        add(study, 1e-2, {10: loss}, loss)
    trial = ask(study, 1e-2)
    trial.report(5.0, 10)
    assert not trial.should_prune()


def test_noise_far_below_where_others_began_is_no_divergence() -> None:
    study = optuna.create_study(pruner=KappaPruner(epsilon=0.0))
    add(study, 1e-2, dict.fromkeys(range(1, 10), 0.03) | {10: 0.0299}, 0.0299)
    losses = [0.010, 0.0101, 0.0102, 0.0125]
    trial = ask(study, 1e-2)
    for step, loss in enumerate(losses, 1):
        trial.report(loss, step)
        assert not trial.should_prune()
    trial.report(0.5, 5)
    assert trial.should_prune()


def test_a_loss_of_zero_is_a_good_one() -> None:
    assert pruned_at(ask(known(), 5e-2), lambda step: 0.0) is None
    assert pruned_at(ask(known(), 5e-2), lambda step: -1.0) is None


@pytest.mark.parametrize("every", [1, 4, 15, 33])
def test_a_trial_may_ask_seldom(every: int) -> None:
    trial, found = ask(known(), 0.09), []
    for step in range(1, HORIZON + 1):
        trial.report(float(curve(0.09)[step - 1]), step)
        if step % every == 0 and trial.should_prune():
            found.append(step)
            break
    assert found and found[0] <= max(10, 2 * every)


def test_one_longer_trial_does_not_change_what_a_run_is() -> None:
    study = known()
    add(study, 1e-3, {50: 0.2, 100: 0.15, 200: 0.15, 300: 0.15, 100_000: 0.14}, 0.14)
    step = pruned_at(ask(study, 0.09), lambda step: float(curve(0.09)[step - 1]))
    assert step is not None and step <= 10


@pytest.mark.parametrize("lr", [1e-5, 6e-4, 0.05])
def test_maximising_decides_alike(lr: float) -> None:
    losses = curve(lr).tolist()
    low = pruned_at(ask(known(), lr), lambda step: losses[step - 1])
    high = pruned_at(ask(known(sign=-1.0), lr), lambda step: -losses[step - 1])
    assert low == high


@pytest.mark.parametrize("loss", [1e300, 1e-300, 1e17])
def test_losses_near_the_largest_and_smallest_numbers(loss: float) -> None:
    study = known()
    pruned_at(ask(study, 1e-2), lambda step: loss * (1 + 0.1 / step))
    below = optuna.create_study(pruner=KappaPruner(), direction="maximize")
    for i in range(4):
        add(below, 1e-3, {1: -loss} | {s: 0.5 + i / 10 for s in range(2, 11)}, 0.5 + i / 10)
    trial = ask(below, 1e-3)
    for step in range(1, 10):
        trial.report(0.6 if step > 1 else -loss, step)
        trial.should_prune()


def test_a_finished_trial_may_be_asked_about() -> None:
    study = known()
    trial = ask(study, 0.09)
    assert pruned_at(trial, lambda step: 9.0) is not None
    study.tell(trial, state=TrialState.PRUNED)
    assert study.pruner.prune(study, study.trials[-1])


def test_a_value_that_was_not_reported_counts() -> None:
    """The objective reports a training loss, and returns another figure."""
    study = optuna.create_study(pruner=KappaPruner(), direction="maximize")
    for i in range(12):
        lr = 10 ** (-5 + 4 * i / 11)
        losses = curve(lr, i)
        reports = {s + 1: float(-v) for s, v in enumerate(losses)}
        add(study, lr, reports, 100 - float(losses[-1]))
    best = ask(study, 6e-4)
    assert pruned_at(best, lambda step: -float(curve(6e-4)[step - 1])) is None
    assert math.isfinite(study.best_value)
