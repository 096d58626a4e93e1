"""Small studies, made by hand, for the tests of figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import optuna
from optuna.distributions import FloatDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
RUNNING, WAITING = TrialState.RUNNING, TrialState.WAITING
NAN = math.nan
LR = FloatDistribution(1e-5, 1.0, log=True)
EVIL = "<script>alert(1)</script>"
REASON = {"step": 4, "probability": 0.01, "reason": EVIL}


def planned(
    horizon: int,
    lr: float | None,
    reports: dict[int, float],
    state: TrialState = COMPLETE,
    kind: str = "law",
    schedule: str = "constant",
    attributes: Mapping[str, Any] | None = None,
) -> FrozenTrial:
    """A trial with a plan; a complete one returned its last report."""
    plan = {"horizon": horizon, "kind": kind, "schedule": schedule}
    return create_trial(
        state=state,
        value=reports[max(reports)] if state == COMPLETE else None,
        params={} if lr is None else {"lr": lr},
        distributions={} if lr is None else {"lr": LR},
        intermediate_values=reports,
        user_attrs={"kappa:plan": plan, **(attributes or {})},
    )


def probe(horizon: int, lr: float, reports: dict[int, float]) -> FrozenTrial:
    """A probe that came to its end."""
    return planned(horizon, lr, reports, PRUNED, "probe")


def study_of(
    *trials: FrozenTrial,
    direction: Literal["minimize", "maximize"] = "minimize",
    name: str | None = None,
) -> Study:
    """A study of some trials, without a sampler of this package."""
    study = optuna.create_study(direction=direction, study_name=name)
    study.add_trials(trials)
    return study


def of_every_outcome() -> Study:
    """A study that has a trial of each outcome, planned for 1 or 8 steps."""
    return study_of(
        probe(1, 0.25, {1: 2.0}),
        planned(8, 0.5, {4: 1.5, 8: 1.0}),
        planned(8, 0.125, {4: 1.5, 8: 1.25}),
        planned(8, 0.0625, {4: 3.0}, PRUNED, attributes={"kappa:pruned": REASON}),
        planned(8, 1.0, {2: NAN}, PRUNED),
        planned(8, 0.5, {2: 2.0}, FAIL),
        planned(8, 0.5, {6: 1.25}, RUNNING),
        planned(8, None, {8: 1.0}),
    )
