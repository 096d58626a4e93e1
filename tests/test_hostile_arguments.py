"""Whatever public functions are given: a result, or an error with a sentence."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial

import optuna_kappa
from optuna_kappa import (
    KappaPruner,
    KappaSampler,
    Law,
    RunTable,
    fit,
    fit_contexts,
    read_csv,
    report,
    schedules,
)
from optuna_kappa.backtest import backtest
from optuna_kappa.law import join, pool
from optuna_kappa.runs import example_runs, write_csv
from optuna_kappa.search.trajectory import trajectory
from optuna_kappa.study import explain, kills, plan_of, run_table
from optuna_kappa.visualization import (
    TransferPoint,
    plot_budget,
    plot_law,
    plot_loss_vs_lr,
    plot_pruning,
    plot_transfer,
)

RUNS = example_runs(horizons=[1, 8])
LAW = fit(RUNS)
LR = FloatDistribution(1e-5, 1.0, log=True)


SAMPLER = KappaSampler(24, seed=0)


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Some inputs are names of files that can be written: not into the project's folder."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("hostile"))
    yield
    os.chdir(before)


def study_of(*trials: optuna.trial.FrozenTrial) -> optuna.Study:
    study = optuna.create_study(sampler=SAMPLER, pruner=KappaPruner())
    study.add_trials(trials)
    return study


def trial_of(value: float, **attributes: Any) -> optuna.trial.FrozenTrial:
    return create_trial(
        value=value,
        params={"lr": 0.1 * value},
        distributions={"lr": LR},
        intermediate_values={8: value, 24: value},
        user_attrs=attributes,
    )


STUDY = study_of(*(trial_of(value) for value in (0.2, 0.3, 0.5)))
TRIAL = STUDY.trials[0]
COLUMNS = {name: getattr(RUNS, name) for name in ("run", "lr", "schedule", "horizon", "step")}
POINT = TransferPoint("TPE", "TPE", 4e-4, 2e-4, 8e-4, 5e-4, 6e-4)
SEARCH = trajectory(costs=[1, 1], losses=[0.3, 0.2])

# Public functions, with arguments that they take.
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "KappaSampler": (KappaSampler, {"horizon": 24}),
    "KappaPruner": (KappaPruner, {}),
    "law": (SAMPLER.law, {"study": STUDY}),
    "recommend": (SAMPLER.recommend, {"study": STUDY, "params": {}}),
    "horizon": (optuna_kappa.horizon, {"trial": TRIAL, "default": 24}),
    "plan_of": (plan_of, {"trial": TRIAL}),
    "run_table": (run_table, {"trials": STUDY}),
    "explain": (explain, {"study": STUDY, "number": 0}),
    "kills": (kills, {"study": STUDY}),
    "fit": (fit, {"runs": RUNS}),
    "fit_contexts": (fit_contexts, {"tables": [({"width": "1"}, RUNS)]}),
    "join": (join, {"found": [LAW.optima]}),
    "pool": (pool, {"laws": [({"width": "1"}, LAW)]}),
    "Law": (Law, {"optima": LAW.optima}),
    "predict": (LAW.predict, {"horizon": 64}),
    "propose": (LAW.propose, {"horizon": 64}),
    "from_json": (Law.from_json, {"text": LAW.to_json()}),
    "RunTable": (RunTable, {**COLUMNS, "loss": RUNS.loss}),
    "from_columns": (RunTable.from_columns, {"columns": {**COLUMNS, "loss": RUNS.loss}}),
    "concatenate": (RunTable.concatenate, {"tables": [RUNS]}),
    "where": (RUNS.where, {"mask": RUNS.horizon == 1}),
    "groups": (lambda names: list(RUNS.groups(names)), {"names": []}),
    "read_csv": (read_csv, {"path": "no such file"}),
    "to_csv": (RUNS.to_csv, {"path": "no such folder/runs.csv"}),
    "write_csv": (write_csv, {"runs": RUNS, "path": "no such folder/runs.csv"}),
    "example_runs": (example_runs, {}),
    "backtest": (backtest, {"runs": RUNS}),
    "plot_budget": (plot_budget, {"searches": {"TPE": [SEARCH]}}),
    "plot_law": (plot_law, {"law": LAW}),
    "plot_loss_vs_lr": (plot_loss_vs_lr, {"runs": RUNS}),
    "plot_pruning": (plot_pruning, {"study": STUDY}),
    "plot_transfer": (plot_transfer, {"points": [POINT]}),
    "page": (report.page, {"title": "Results"}),
    "write": (report.write, {"path": "no such folder/page.html", "html": ""}),
    "Table": (report.Table, {"header": ["a"], "rows": [[1]]}),
    "parse": (schedules.parse, {"text": "cosine"}),
    "as_schedule": (schedules.as_schedule, {"value": "cosine"}),
    "find_schedule": (schedules.find_schedule, {"name": "cosine"}),
    "is_constant": (schedules.is_constant, {"name": "cosine"}),
    "cosine": (schedules.cosine, {}),
    "linear": (schedules.linear, {}),
    "polynomial": (schedules.polynomial, {"power": 2}),
    "exponential": (schedules.exponential, {"final": 0.1}),
    "wsd": (schedules.wsd, {}),
    "one_cycle": (schedules.one_cycle, {}),
    "step": (schedules.step, {"n": 4}),
    "cyclic": (schedules.cyclic, {"n": 4}),
    "from_callable": (schedules.from_callable, {"function": lambda p: 1 - p / 2, "name": "mine"}),
    "Schedule": (schedules.Schedule, {"name": "mine", "mean": 1.0, "shape": np.ones_like}),
    "kappa": (schedules.cosine().kappa, {"lr": 0.1, "horizon": 8}),
    "lr": (schedules.cosine().lr, {"kappa": 0.1, "horizon": 8}),
    "factors": (schedules.cosine().factors, {"n_steps": 8}),
    "m": (schedules.cosine(), {"p": 0.5}),
}


def parameters_of(call: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(call).parameters)


@pytest.mark.parametrize("name", CALLS)
def test_arguments(name: str) -> None:
    call, usual = CALLS[name]

    @hostile.few
    @given(parameter=st.sampled_from(parameters_of(call)), value=hostile.anything)
    def tried(parameter: str, value: Any) -> None:
        hostile.outcome(lambda: call(**{**usual, parameter: value}))

    hostile.outcome(lambda: call(**usual))
    tried()
