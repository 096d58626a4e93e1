"""Hypothesis strategies of studies that hold what no search of this package would store.

Attributes of earlier and later versions or garbage, parameters of other studies, ranges that
change, values and steps at the ends of what Optuna takes, and trials in any state.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import Any

import hostile
import optuna
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import KappaPruner, KappaSampler

LR = FloatDistribution(1e-5, 1.0, log=True)
START = datetime(2026, 1, 1)

# Most trials have the usual range; others had one of another size or type.
LRS: list[tuple[BaseDistribution, Any]] = [
    *((LR, lr) for lr in (1e-5, 1e-3, 0.02, 0.1, 1.0)),
    (FloatDistribution(1e-4, 1e-2, log=True), 1e-3),
    (FloatDistribution(0.0, 1.0), 0.0),
    (FloatDistribution(-1.0, 1.0), -0.5),
    (FloatDistribution(0.1, 1.0, step=0.1), 0.3),
    (FloatDistribution(1e-300, 1e300, log=True), 1e-300),
    (FloatDistribution(1e-300, 1e300, log=True), 1e300),
    (FloatDistribution(0.1, 0.1), 0.1),
    (IntDistribution(1, 8), 1),
    (CategoricalDistribution([0.1, 0.2]), 0.1),
    (CategoricalDistribution(["low", "high"]), "low"),
    (CategoricalDistribution([True, None]), True),
]
OTHERS: dict[str, list[tuple[BaseDistribution, Any]]] = {
    "width": [(IntDistribution(8, 64), 8), (CategoricalDistribution([8, "auto"]), "auto")],
    "optimizer": [(CategoricalDistribution(["adam", "sgd"]), name) for name in ("adam", "sgd")],
    "decay": [(FloatDistribution(0, 1e300), 1e300), (FloatDistribution(-1e-300, 0), -1e-300)],
    "schedule": [(CategoricalDistribution([None, "\ud800", 1.5]), None)],
}

_finite = st.one_of(st.floats(0.01, 9), st.sampled_from([0.5, 0.0, 1e308, -1e308, 1e-320]))
_reports = st.one_of(_finite, st.floats())
_steps = st.one_of(
    st.sampled_from([0, 1, 3, 8, 23, 24, 25, 2**31 - 1]), st.integers(-1, 2**31 - 1)
)


@st.composite
def attributes(draw: st.DrawFn) -> dict[str, Any]:
    """User attributes: ours, with some of the fields replaced, missing, or in another form."""
    plan: dict[str, Any] = {
        "horizon": draw(st.sampled_from([1, 3, 8, 24, 24, 24, 7200, 2**31 - 1])),
        "kind": draw(st.sampled_from(["probe", "law", "base", "enqueued", "later"])),
        "schedule": draw(st.sampled_from(["constant", "constant", "cosine", "step(n=4)", "mine"])),
    }
    pruned = {"prune": True, "step": 8, "probability": 0.1, "reason": "behind"}

    stored: dict[str, Any] = {}
    for name, fields in (("kappa:plan", plan), ("kappa:pruned", pruned)):
        form = draw(st.sampled_from(["text", "text", "dictionary", "damaged", "garbage", "none"]))
        if form == "damaged":
            key = draw(st.sampled_from([*fields, "new"]))
            fields = {**fields, key: draw(hostile.json_values)}
        if form == "garbage":
            stored[name] = draw(hostile.json_values)
        elif form != "none":
            stored[name] = fields if form == "dictionary" else json.dumps(fields)
    if draw(st.booleans()):
        stored["kappa:interrupted"] = draw(hostile.json_values)
    return stored


def _system_attributes() -> st.SearchStrategy[dict[str, Any]]:
    """What Optuna stores on trials that were enqueued or retried."""
    number = st.integers(-1, 6)
    return st.one_of(
        st.just({}),
        st.just({}),
        st.fixed_dictionaries({"fixed_params": st.sampled_from([{}, {"lr": 0.1}, {"lr": "low"}])}),
        st.fixed_dictionaries({"failed_trial": number, "retry_history": st.lists(number)}),
    )


@st.composite
def trials(draw: st.DrawFn, n_objectives: int = 1) -> FrozenTrial:
    """A trial that a storage may hold."""
    state = draw(st.sampled_from([*TrialState, TrialState.COMPLETE, TrialState.PRUNED]))
    is_complete = state == TrialState.COMPLETE
    values = st.one_of(_finite, st.floats(allow_nan=False))

    chosen = {}
    if draw(st.integers(0, 9)):
        chosen["lr"] = draw(st.sampled_from(LRS[:5] if draw(st.booleans()) else LRS))
    for name in draw(st.sets(st.sampled_from(sorted(OTHERS)), max_size=2)):
        chosen[name] = draw(st.sampled_from(OTHERS[name]))

    start = START + timedelta(seconds=draw(st.integers(0, 9)))
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=state,
        value=None,
        values=[draw(values) for _ in range(n_objectives)] if is_complete else None,
        datetime_start=None if state == TrialState.WAITING else start,
        datetime_complete=start + timedelta(seconds=9) if state.is_finished() else None,
        params={name: value for name, (_, value) in chosen.items()},
        distributions={name: distribution for name, (distribution, _) in chosen.items()},
        user_attrs=draw(attributes()),
        system_attrs=draw(_system_attributes()),
        intermediate_values=draw(st.dictionaries(_steps, _reports, max_size=4)),
    )


@st.composite
def studies(draw: st.DrawFn) -> optuna.Study:
    """A study of such trials, with a sampler and a pruner of this package."""
    n_objectives = 2 if draw(st.integers(0, 19)) == 19 else 1
    sampler = KappaSampler(
        draw(st.sampled_from([24, 24, 24, 1, 2**31 - 1])),
        schedule=draw(st.sampled_from(["constant", "constant", "cosine"])),
        seed=0,
    )
    study = optuna.create_study(
        sampler=sampler,
        pruner=KappaPruner(),
        directions=[draw(st.sampled_from(["minimize", "maximize"]))] * n_objectives,
    )
    for _ in range(draw(st.integers(0, 9))):
        trial = draw(trials(n_objectives))
        study.add_trial(trial)
    return study


def in_range(lr: float, low: float, high: float) -> bool:
    """Whether a learning rate is a number within a range, up to rounding."""
    return math.isfinite(lr) and low * (1 - 1e-9) <= lr <= high * (1 + 1e-9)
