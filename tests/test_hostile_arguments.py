"""Whatever public functions are given: a result, or an error with a sentence."""

from __future__ import annotations

import inspect
import os
import warnings
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
from optuna_kappa.backtest import RecordedRuns, backtest
from optuna_kappa.law import join, omissions, pool
from optuna_kappa.runs import example_runs, write_csv
from optuna_kappa.search.trajectory import trajectory
from optuna_kappa.study import explain, fail_interrupted, kills, plan_of, run_table
from optuna_kappa.study.decisions import decisions
from optuna_kappa.study.storage import open_storage
from optuna_kappa.visualization import (
    TransferPoint,
    figures_of,
    plot_budget,
    plot_cumulative_learning,
    plot_kappa,
    plot_law,
    plot_lr_curves,
    plot_plan,
    plot_proposal,
    plot_pruning,
    plot_schedule_transfer,
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
    "decisions": (decisions, {"study": STUDY, "number": 0}),
    "fail_interrupted": (fail_interrupted, {"study": STUDY}),
    "open_storage": (open_storage, {"url": "sqlite:///no such folder/my.db"}),
    "fit": (fit, {"runs": RUNS}),
    "fit_contexts": (fit_contexts, {"tables": [({"width": "1"}, RUNS)]}),
    "omissions": (omissions, {"runs": RUNS}),
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
    "RecordedRuns": (RecordedRuns, {"runs": RUNS}),
    "trajectory": (trajectory, {"costs": [1, 1], "losses": [0.3, 0.2]}),
    "at": (SEARCH.at, {"budget": 1.5}),
    "budget_to": (SEARCH.budget_to, {"loss": 0.25}),
    "plot_budget": (plot_budget, {"searches": {"TPE": [SEARCH]}}),
    "plot_law": (plot_law, {"subject": LAW}),
    "plot_lr_curves": (plot_lr_curves, {"subject": RUNS}),
    "plot_pruning": (plot_pruning, {"study": STUDY}),
    "plot_kappa": (plot_kappa, {"subject": LAW}),
    "plot_schedule_transfer": (plot_schedule_transfer, {"subject": LAW}),
    "plot_plan": (plot_plan, {"study": STUDY}),
    "plot_proposal": (plot_proposal, {"study": STUDY}),
    "plot_cumulative_learning": (plot_cumulative_learning, {"study": STUDY}),
    "figures_of": (figures_of, {"study": STUDY}),
    "plot_transfer": (plot_transfer, {"points": [POINT]}),
    "page": (report.page, {"title": "Results"}),
    "write": (report.write, {"path": "no such folder/page.html", "html": ""}),
    "Table": (report.Table, {"header": ["a"], "rows": [[1]]}),
    "Section": (report.Section, {"title": "Probes"}),
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
    "from_torch": (schedules.from_torch, {"factory": lambda optimizer: None, "n_steps": 4}),
    "PeriodicSchedule": (
        schedules.PeriodicSchedule,
        {"name": "mine", "period": 2, "divide": lambda n: schedules.cosine()},
    ),
    "resolve": (schedules.step(period=2).resolve, {"horizon": 8}),
    "constant": (schedules.constant, {}),
    "Schedule": (schedules.Schedule, {"name": "mine", "mean": 1.0, "shape": np.ones_like}),
    "kappa": (schedules.cosine().kappa, {"lr": 0.1, "horizon": 8}),
    "lr": (schedules.cosine().lr, {"kappa": 0.1, "horizon": 8}),
    "factors": (schedules.cosine().factors, {"n_steps": 8}),
    "m": (schedules.cosine(), {"p": 0.5}),
}


# What one function takes is as wrong for another, and looks right longer.
RIGHT_ELSEWHERE = [value for _, usual in CALLS.values() for value in usual.values()]
ANYTHING = st.one_of(
    hostile.anything,
    st.sampled_from(RIGHT_ELSEWHERE),
    st.lists(st.sampled_from(RIGHT_ELSEWHERE), max_size=2),
)


def arguments_of(call: Callable[..., Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One or two arguments of a function, of any kind."""
    names = list(inspect.signature(call).parameters)
    if not names:
        return st.just({})
    return st.dictionaries(st.sampled_from(names), ANYTHING, min_size=1, max_size=2)


@pytest.mark.parametrize("name", CALLS)
def test_arguments(name: str) -> None:
    call, usual = CALLS[name]

    @hostile.few
    @given(arguments=arguments_of(call))
    def tried(arguments: dict[str, Any]) -> None:
        hostile.outcome(lambda: call(**{**usual, **arguments}))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        hostile.outcome(lambda: call(**usual))
        tried()
