from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa.pruning import History
from optuna_kappa.study.peers import Peers
from optuna_kappa.study.plans import PLAN

LR = FloatDistribution(1e-4, 1.0, log=True)
ONLY = {"one": CategoricalDistribution(["only"])}
KIND = 8, "constant"


def trial(
    number: int,
    plan: tuple[int, str] | None = None,
    more: Mapping[str, BaseDistribution] = MappingProxyType({}),
) -> FrozenTrial:
    """One that reports eight times, or as often as planned; every third of the others ended."""
    rng = np.random.default_rng(number)
    horizon = plan[0] if plan else 8
    n = horizon if plan or number % 3 else 4
    losses = (1 + rng.random()) / np.sqrt(np.arange(1, n + 1))
    lr = float(10 ** rng.uniform(-4, 0))
    planned = {"horizon": horizon, "kind": "law", "schedule": plan[1]} if plan else None
    found = create_trial(
        state=TrialState.COMPLETE if n == 8 else TrialState.PRUNED,
        value=float(losses[-1]),
        params={"lr": lr} | {name: d.to_external_repr(0.0) for name, d in more.items()},
        distributions={"lr": LR, **more},
        user_attrs={PLAN: planned} if planned else {},
        intermediate_values=dict(enumerate(losses.tolist(), start=1)),
    )
    found.number = number
    return found


def growing(number: int) -> dict[str, BaseDistribution]:
    """A parameter that half of the trials have, of a range of their own."""
    return {"x": FloatDistribution(0, number)} if number > 9 else {}


def running(number: int) -> FrozenTrial:
    found = create_trial(state=TrialState.RUNNING)
    found.number = number
    return found


def known(*seen: list[FrozenTrial]) -> Peers:
    finished = Peers("lr", StudyDirection.MINIMIZE)
    for trials in seen:
        finished.update(trials)
        for kind in (None, KIND):
            finished.history(kind)
    return finished


def same(one: History | None, other: History | None) -> bool:
    if one is None or other is None:
        return one is other
    names = "ln_lr", "others", "value", "scatter", "averaged"
    return one.reads_as(other) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in names
    )


PLANNED = {number: (2 + 6 * (number % 2), "constant") for number in range(20)}


@pytest.mark.parametrize(
    "trials",
    [
        [trial(i) for i in range(20)],
        [trial(i, PLANNED[i]) for i in range(20)],
        [trial(i, PLANNED[i] if i % 4 < 2 else None) for i in range(20)],
        [trial(i, more=ONLY) for i in range(20)],
        [trial(i, more=growing(i)) for i in range(20)],
    ],
    ids=["alike", "planned", "of two kinds", "a parameter of one value", "a range that grows"],
)
def test_what_is_learned_does_not_depend_on_when_it_was(trials: list[FrozenTrial]) -> None:
    order = np.random.default_rng(0).permutation(20)
    seen = [
        [t if order[t.number] <= n else running(t.number) for t in trials] for n in range(0, 20, 3)
    ]
    at_once, bit_by_bit = known(trials), known(*seen, trials)
    for kind in (None, KIND):
        assert same(at_once.history(kind), bit_by_bit.history(kind))
    histories = [at_once.history(kind) for kind in (None, KIND)]
    assert any(h is not None and len(h.runs) >= 10 for h in histories)


def test_a_history_stays_while_no_run_is_new() -> None:
    trials = [trial(i) for i in range(6)]
    finished = known(trials)
    before = finished.history(None)
    assert before is not None
    trials += [trial(6, KIND), running(7)]
    finished.update(trials)
    assert finished.history(None) is before
    trials[7] = trial(7)
    finished.update(trials)
    after = finished.history(None)
    assert after is not None and len(after.runs) == len(before.runs) + 1
    assert after.runs[:-1] == before.runs


def test_a_run_without_reports_has_a_value_and_no_scatter() -> None:
    trials = [trial(i) for i in range(4)]
    trials[2].intermediate_values = {}
    history = known(trials).history(None)
    assert history is not None and history.whole[2]
    assert np.isnan(history.value[2, :-1]).all() and np.isnan(history.scatter[2]).all()


def test_a_parameter_of_one_value_is_no_coordinate_and_no_news() -> None:
    trials = [trial(i, more=ONLY) for i in range(6)]
    finished = known(trials)
    before = finished.history(None)
    finished.update([*trials, trial(6, more=ONLY)])
    after = finished.history(None)
    assert before is not None and after is not None
    assert before.others.shape == (6, 0)
    assert all(a is b for a, b in zip(after.runs, before.runs, strict=False))
