from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import optuna_kappa  # noqa: E402
from optuna_kappa.schedules import constant, cosine  # noqa: E402
from studies.mnist.data import Dataset  # noqa: E402
from studies.mnist.objective import OTHERS, Objective  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def plan(monkeypatch: pytest.MonkeyPatch, horizon: int) -> None:
    """Lets a sampler have planned this horizon."""
    monkeypatch.setattr(optuna_kappa, "horizon", lambda trial, default=None: horizon)


def objective(dataset: Dataset, **changes: Any) -> Objective:
    settings = {"horizon": 2000, "schedule": constant(), "optimizer": "adam", "seed": 0}
    return Objective(dataset, **{**settings, "hidden": 16, **changes})


def run(
    target: Objective,
    *,
    n_trials: int = 1,
    pruner: optuna.pruners.BasePruner | None = None,
    storage: str | None = None,
) -> list[optuna.trial.FrozenTrial]:
    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=pruner or optuna.pruners.NopPruner(),
        storage=storage,
    )
    study.optimize(target, n_trials=n_trials)
    return study.trials


def test_complete_trial(digits: Dataset) -> None:
    (trial,) = run(objective(digits))
    assert trial.state == TrialState.COMPLETE
    assert list(trial.intermediate_values) == [125, 250, 500, 1000, 2000]
    assert trial.value == trial.intermediate_values[2000]
    assert set(trial.user_attrs) == {"samples", "seconds", "test_accuracy"}
    assert trial.user_attrs["samples"] == 2048
    assert 0 <= trial.user_attrs["test_accuracy"] <= 1
    assert trial.user_attrs["seconds"] > 0
    assert trial.distributions == {
        "lr": optuna.distributions.FloatDistribution(1e-5, 0.1, log=True)
    }


def test_same_seed_same_values(digits: Dataset) -> None:
    first, second = ([t.value for t in run(objective(digits), n_trials=2)] for _ in range(2))
    other = [t.value for t in run(objective(digits, seed=1), n_trials=2)]
    assert first == second
    assert first[0] != other[0] and first[1] != other[1]


def test_trials_have_seeds_of_their_own(digits: Dataset) -> None:
    target = objective(digits, lr_range=(1e-3, 1.000001e-3))
    first, second = run(target, n_trials=2)
    assert first.value is not None and second.value is not None
    assert abs(first.value - second.value) > 1e-4


def test_planned_horizon_is_kept(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    (full,) = run(objective(digits, horizon=500, schedule=cosine()))
    plan(monkeypatch, 500)
    (probe,) = run(objective(digits, schedule=cosine()))
    assert list(probe.intermediate_values) == [125, 250, 500]
    assert probe.user_attrs["samples"] == 512
    # The schedule is stretched to the planned horizon, so a probe is a full run of that length.
    assert probe.intermediate_values == full.intermediate_values


def test_pruned_trial_is_charged(digits: Dataset) -> None:
    (trial,) = run(objective(digits), pruner=optuna.pruners.ThresholdPruner(upper=0.0))
    assert trial.state == TrialState.PRUNED
    assert list(trial.intermediate_values) == [125]
    assert trial.user_attrs["samples"] == 128
    assert set(trial.user_attrs) == {"samples", "seconds"}


@pytest.mark.parametrize("stored", [False, True])
def test_diverged_trial(stored: bool, digits: Dataset, tmp_path: Path) -> None:
    target = objective(digits, optimizer="sgd", lr_range=(1e9, 1e10))
    storage = f"sqlite:///{tmp_path / 'kappa.db'}" if stored else None
    (trial,) = run(target, storage=storage)
    assert trial.state == TrialState.PRUNED
    (loss,) = trial.intermediate_values.values()
    assert math.isnan(loss)
    assert trial.user_attrs["diverged"] is True
    assert 0 < trial.user_attrs["samples"] < 2000
    assert "test_accuracy" not in trial.user_attrs


@pytest.mark.parametrize(
    ("name", "value"), [("horizon", 0), ("optimizer", "adamw"), ("seed", -1), ("batch_size", 0)]
)
def test_setting_out_of_range(name: str, value: object, digits: Dataset) -> None:
    with pytest.raises(ValueError, match=f"{name} must .* got {value!r}"):
        objective(digits, **{name: value})


def test_several_parameters(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(monkeypatch, 500)
    (trial,) = run(objective(digits, others=tuple(OTHERS)))
    assert {name: (d.low, d.high) for name, d in ranges(trial).items()} == OTHERS
    chosen = {name: value for name, value in trial.params.items() if name != "lr"}
    assert trial.user_attrs["samples"] % chosen["batch_size"] == 0
    # The same run with the same values as settings.
    lr = trial.params["lr"]
    (same,) = run(objective(digits, lr_range=(lr, lr * (1 + 1e-12)), **chosen))
    assert same.value == pytest.approx(trial.value, rel=1e-6)


def ranges(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    found = {name: d for name, d in trial.distributions.items() if name != "lr"}
    assert all(getattr(distribution, "log", False) for distribution in found.values())
    return found


def test_unknown_parameter(digits: Dataset) -> None:
    with pytest.raises(ValueError, match="others must be among .* got 'dropout'"):
        objective(digits, others=("hidden", "dropout"))


@pytest.mark.parametrize("lr_range", [(0.0, 1.0), (1.0, 0.1), (1.0, math.inf), (1.0, math.nan)])
def test_lr_range_out_of_range(lr_range: tuple[float, float], digits: Dataset) -> None:
    with pytest.raises(ValueError, match="lr_range must"):
        objective(digits, lr_range=lr_range)
