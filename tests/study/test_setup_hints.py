from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from searching import SIMPLE

from optuna_kappa import Certified, KappaPruner, KappaSampler
from optuna_kappa.study.interrupted import INTERRUPTED
from optuna_kappa.study.opening import open_any
from optuna_kappa.study.plans import PLAN, kind_of, plan_of
from optuna_kappa.study.setup_hints import hint, study_hints
from optuna_kappa.study.storage import open_storage
from optuna_kappa.study.summary import recommendation

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
LR = FloatDistribution(1e-5, 1e-1, log=True)


def trial(
    steps: Sequence[int] | Mapping[int, float],
    horizon: int = 24,
    state: TrialState = COMPLETE,
    kind: str = "base",
    value: float = 0.5,
) -> FrozenTrial:
    by_step = steps if isinstance(steps, Mapping) else dict.fromkeys(steps, value)
    return create_trial(
        state=state,
        value=value if state == COMPLETE else None,
        params={"lr": 1e-3},
        distributions={"lr": LR},
        intermediate_values=dict(by_step),
        user_attrs={PLAN: {"horizon": horizon, "kind": kind, "schedule": "constant"}},
    )


def topic(one: FrozenTrial, pruner: optuna.pruners.BasePruner | None = None) -> str:
    advice = hint(one, plan_of(one), one.state, pruner or KappaPruner(), "lr")
    return advice.topic if advice else ""


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (trial([1, 24]), ""),
        (trial([1, 14]), ""),  # stopped early
        (trial([5, 10, 15, 20]), ""),
        (trial([469, 938]), "unit"),
        (trial([20], horizon=1, state=PRUNED, kind="probe"), "unit"),
        (trial([10, 20], horizon=11, state=PRUNED, kind="probe"), ""),  # evaluated every 10
        (trial([5], horizon=8, kind="probe"), ""),  # evaluated every 5, and returned its loss at 8
        (trial([8], horizon=8, kind="probe"), "probe complete"),
        (trial([], state=FAIL), "told nothing"),
        (trial([], state=PRUNED), "told nothing"),
        (trial([1], state=FAIL), ""),
    ],
)
def test_what_one_trial_shows(one: FrozenTrial, expected: str) -> None:
    assert topic(one) == expected


def test_an_interrupted_trial_is_no_riddle() -> None:
    one = trial([], state=FAIL)
    one.user_attrs[INTERRUPTED] = True
    assert topic(one) == ""


def topics(trials: Sequence[FrozenTrial]) -> list[str]:
    return [advice.topic for advice in study_hints(trials, trials, StudyDirection.MINIMIZE)]


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        ([trial([1, 2, 24])] * 5, []),
        ([trial(range(1, 25), 2400)] * 3, ["unit"]),
        ([trial(range(1, 25), 2400)] * 2, ["unit"]),
        ([trial(range(1, 25), 2400)], []),  # may have stopped early
        ([trial(range(1, 12))] * 5 + [trial(range(1, 25))], []),
        ([trial(range(24))], ["step 0"]),
        ([trial({0: 1.0, 1: 1.0}, state=PRUNED)] * 3, ["step 0"]),
        ([trial(range(25))] * 3, []),
        ([trial({24: 2.0 + n}, value=-2.0 - n) for n in range(4)], ["contradiction"]),
        ([trial({24: 1e3}, value=1.0)], ["contradiction"]),
        ([trial({24: math.nan}, value=1.0)], []),
    ],
)
def test_what_a_study_shows(trials: Sequence[FrozenTrial], expected: Sequence[str]) -> None:
    assert topics(trials) == expected


PROBES = [trial(range(1, 9), 8, PRUNED, "probe")] * 6
SHORT = trial(range(1, 25), 256, kind="law")


@pytest.mark.parametrize(
    ("full_runs", "is_told"),
    [
        ([SHORT] * 2, True),
        ([SHORT, trial(range(1, 100), 256)], True),
        ([SHORT], False),  # may have stopped early
        ([SHORT, SHORT, trial(range(1, 257), 256)], False),
        ([SHORT, SHORT, trial(range(1, 200), 256, PRUNED)], False),  # was to go on
        ([SHORT, SHORT, trial(range(1, 30), 256, PRUNED)], True),
        ([SHORT, trial(range(1, 25), 256, PRUNED)], False),
        ([trial(range(1, 25), 256, PRUNED)] * 3, False),
        ([trial(range(1, 25), 256, FAIL)] * 3, False),
        ([trial([100, 200], 256)] * 2, False),  # reports seldom
        ([trial([100], 256)] * 2, False),
        ([trial([1, 2, 4, 8, 16, 32, 64, 128], 256)] * 2, False),
        ([trial([1, 2, 4, 8, 16], 256)] * 2, True),
        ([trial({1: 1.0, 2: math.inf}, 256)] * 2, False),  # diverged
        ([trial({1: 1.0, 2: 1e3}, 256, value=math.inf)] * 2, False),
        ([trial([], 256)] * 2, False),  # only returns
        ([trial(range(1, 25), 24)] * 3 + [trial(range(1, 25), 96)] * 2, True),
        ([SHORT] * 2 + [trial(range(1, 25), 24)] * 3, False),  # given a shorter horizon
    ],
)
def test_full_runs_that_stop_short(full_runs: Sequence[FrozenTrial], is_told: bool) -> None:
    # Probes come to their own ends, and show nothing.
    assert topics([*PROBES, *full_runs]) == ["unit"] * is_told


def searched(planned: int, storage: str) -> optuna.Study:
    """A study of an objective that trains for 24 steps, whatever is planned."""
    sampler = KappaSampler(planned, seed=0)
    study = optuna.create_study(
        study_name="mine", storage=open_storage(storage), sampler=sampler, pruner=KappaPruner()
    )

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        for step in range(1, 25):
            trial.report(SIMPLE.loss(lr, step), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return SIMPLE.loss(lr, 24)

    study.optimize(objective, n_trials=14)
    return study


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_full_runs_that_stop_short_are_told_from_any_storage(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"{kind}:///{tmp_path}/mine"
    study = searched(256, url)
    first = next(one for one in study.trials if kind_of(one) not in ("probe", None))
    start = f"Trial {first.number} was to train for 256 steps, but it reported its last step at 24"
    assert sum(message.startswith(start) for message in caplog.messages) == 1
    assert any("give horizon=24 (tune --horizon 24)." in message for message in caplog.messages)

    caplog.clear()
    sampler = KappaSampler(256, seed=0)
    again = optuna.load_study(study_name="mine", storage=open_any(url), sampler=sampler)
    assert recommendation(again, sampler).certainty is None
    assert Certified(0.6, 0.5).reached(again) is None
    assert [message.startswith(start) for message in caplog.messages] == [True]


def test_full_runs_that_arrive_are_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    study = searched(24, f"sqlite:///{tmp_path}/mine")
    assert isinstance(study.sampler, KappaSampler)
    assert recommendation(study, study.sampler).certainty is not None
    assert Certified(0.6, 0.5).reached(study) is not None
    assert not any("was to train" in message for message in caplog.messages)
