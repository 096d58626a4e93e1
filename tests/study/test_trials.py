from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa import KappaSampler, RunTable, horizon, read_csv, run_table
from optuna_kappa.study.plans import PLAN, Plan, plan_of

LR = FloatDistribution(1e-5, 1e-1, log=True)
NAN = math.nan


def trial(
    state: TrialState = TrialState.COMPLETE,
    reports: Mapping[int, float] | None = None,
    value: float | None = None,
    plan: Plan | None = None,
    number: int = 0,
    **params: Any,
) -> FrozenTrial:
    params = {"lr": 1e-3} | params
    distributions: dict[str, BaseDistribution] = {"lr": LR}
    distributions |= {
        name: CategoricalDistribution((v,)) for name, v in params.items() if name != "lr"
    }
    if state == TrialState.COMPLETE and value is None:
        value = list((reports or {1: 0.5}).values())[-1]
    made = create_trial(
        state=state,
        value=value,
        params=params,
        distributions=distributions,
        intermediate_values=dict(reports or {}),
        user_attrs={PLAN: vars(plan)} if plan else {},
    )
    made.number = number
    return made


def rows(table: RunTable) -> list[tuple[str, str, float, float, float]]:
    columns = (table.run, table.schedule, table.horizon, table.step, table.loss)
    return [
        (str(run), str(schedule), float(d), float(step), float(loss))
        for run, schedule, d, step, loss in zip(*columns, strict=True)
    ]


def test_every_report_is_a_row() -> None:
    plan = Plan(4, "probe", "cosine")
    table = run_table([trial(TrialState.PRUNED, {2: 0.7, 1: 0.9, 4: 0.6}, plan=plan, number=3)])
    assert rows(table) == [
        ("3", "cosine", 4, 1, 0.9),
        ("3", "cosine", 4, 2, 0.7),
        ("3", "cosine", 4, 4, 0.6),
    ]
    assert table.lr.tolist() == [1e-3] * 3
    assert table.context == {}


@pytest.mark.parametrize(
    ("state", "reports", "value", "steps"),
    [
        (TrialState.COMPLETE, {1: 0.9, 8: 0.5}, 0.5, [1, 8]),
        (TrialState.COMPLETE, {}, 0.5, [8]),
        (TrialState.COMPLETE, {}, math.inf, [8]),
        (TrialState.PRUNED, {1: 0.9}, 0.9, [1]),
        (TrialState.PRUNED, {1: 0.9, 2: NAN}, None, [1, 2]),
        (TrialState.PRUNED, {}, None, []),
        (TrialState.RUNNING, {1: 0.9}, None, [1]),
        (TrialState.RUNNING, {}, None, []),
        (TrialState.FAIL, {1: 0.9, 2: NAN}, None, [1, 2]),
        (TrialState.FAIL, {1: 0.9, 2: math.inf}, None, [1, 2]),
        (TrialState.FAIL, {1: 0.9, 2: 0.8}, None, []),
        (TrialState.FAIL, {}, None, []),
        (TrialState.WAITING, {}, None, []),
        # Before any training: a finite loss says nothing, a diverged one does.
        (TrialState.PRUNED, {0: 2.3, 1: 0.9}, 0.9, [1]),
        (TrialState.PRUNED, {0: NAN}, None, [0]),
    ],
)
def test_states(
    state: TrialState, reports: dict[int, float], value: float | None, steps: list[int]
) -> None:
    table = run_table([trial(state, reports, value, Plan(8, "law", "constant"))])
    assert table.step.tolist() == steps
    expected = [reports.get(step, value) for step in steps]
    assert [str(loss) for loss in table.loss.tolist()] == [str(loss) for loss in expected]


def test_states_can_be_chosen() -> None:
    trials = [trial(reports={1: 1.0}, number=0), trial(TrialState.RUNNING, {1: 2.0}, number=1)]
    assert run_table(trials).run.tolist() == ["0", "1"]
    assert run_table(trials, states=(TrialState.COMPLETE,)).run.tolist() == ["0"]


def test_trials_of_other_samplers_are_full_runs() -> None:
    trials = [
        trial(TrialState.PRUNED, {1: 1.0}, number=0),
        trial(reports={1: 1.0, 24: 0.5}, number=1),
        trial(TrialState.PRUNED, {3: 0.8}, plan=Plan(3, "probe", "constant"), number=2),
        trial(value=0.4, number=3),  # a full run, as all that have no plan
    ]
    table = run_table(trials, schedule="linear")
    assert [row[:4] for row in rows(table)] == [
        ("0", "linear", 24, 1),
        ("1", "linear", 24, 1),
        ("1", "linear", 24, 24),
        ("2", "constant", 3, 3),
        ("3", "linear", 24, 24),
    ]


def test_a_trial_that_ran_beyond_its_plan_is_kept() -> None:
    table = run_table([trial(reports={2: 1.0, 5: 0.9}, plan=Plan(3, "probe", "constant"))])
    assert table.horizon.tolist() == [5, 5]


def test_other_parameters_are_context() -> None:
    trials = [
        trial(reports={1: 1.0}, number=0, batch=64, optimizer="adam"),
        trial(reports={1: 1.0}, number=1, batch=128),
    ]
    context = {name: values.tolist() for name, values in run_table(trials).context.items()}
    assert context == {"batch": ["64", "128"], "optimizer": ["adam", ""]}


def test_name_of_the_learning_rate() -> None:
    trials = [trial(reports={1: 1.0}, eta=0.25), trial(reports={1: 1.0}, number=1)]
    assert run_table(trials, lr="eta").lr.tolist() == [0.25]
    assert len(run_table(trials, lr="rate")) == 0


def test_maximising_turns_the_sign() -> None:
    trials = [trial(reports={1: 0.9, 2: NAN}, value=0.9)]
    up = run_table(trials, direction=StudyDirection.MAXIMIZE).loss
    assert (up[0], math.isnan(up[1])) == (-0.9, True)
    for direction, sign in ((StudyDirection.MAXIMIZE, -1), (StudyDirection.MINIMIZE, 1)):
        study = optuna.create_study(direction=direction)
        study.add_trial(trial(reports={1: 0.5}))
        assert run_table(study).loss.tolist() == [sign * 0.5]


def test_a_study_is_read_as_its_storage_holds_it_now() -> None:
    study = optuna.create_study(sampler=KappaSampler(horizon=8, n_probes=0, seed=0))
    running = study.ask({"lr": LR})
    assert len(run_table(study)) == 0
    running.report(0.5, 1)
    assert rows(run_table(study)) == [("0", "constant", 8, 1, 0.5)]


def test_several_objectives() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    with pytest.raises(ValueError, match="a run table needs a study with one objective.* has 2"):
        run_table(study)


def test_horizon_of_a_planned_trial() -> None:
    study = optuna.create_study(sampler=KappaSampler(horizon=96, n_probes=1, seed=0))
    asked = study.ask()
    assert horizon(asked) == horizon(asked, default=7) == horizon(study.trials[0]) == 4
    assert plan_of(asked) == Plan(4, "probe", "constant")


def test_horizon_of_another_samplers_trial() -> None:
    asked = optuna.create_study().ask()
    assert plan_of(asked) is None
    assert horizon(asked, default=24) == 24
    with pytest.raises(ValueError, match=r"trial 0 has no planned horizon.*default=") as error:
        horizon(asked)
    assert "\n" not in str(error.value)


def test_enqueued_trials_become_rows_of_the_full_horizon() -> None:
    study = optuna.create_study(sampler=KappaSampler(horizon=96, seed=0))
    study.enqueue_trial({"lr": 3e-3})
    asked = study.ask({"lr": LR})
    asked.report(0.5, 96)
    study.tell(asked, 0.5)
    assert plan_of(asked) == Plan(96, "enqueued", "constant")
    assert rows(run_table(study)) == [("0", "constant", 96, 96, 0.5)]
    assert run_table(study).lr.tolist() == [3e-3]


@pytest.mark.parametrize("name", ["schedule", "run", "horizon", "step", "loss", "batch"])
def test_a_parameter_may_have_any_name(name: str, tmp_path: Path) -> None:
    trials = [trial(reports={1: 1.0, 2: 0.5}, number=n, **{name: 16 * n}) for n in range(3)]  # type: ignore[arg-type]
    table = run_table(trials)
    assert table.context[name].tolist() == ["0", "0", "16", "16", "32", "32"]
    assert table.where(table.step == 2).context[name].tolist() == ["0", "16", "32"]
    assert RunTable.concatenate([table, table]).context[name].tolist()[6:8] == ["0", "0"]

    table.to_csv(tmp_path / "runs.csv")
    (column,) = read_csv(tmp_path / "runs.csv").context.values()
    assert column.tolist() == table.context[name].tolist()


def test_a_parameter_of_the_name_lr_beside_the_learning_rate() -> None:
    (one, two) = (trial(reports={1: 1.0}, number=n, eta=0.25) for n in range(2))
    assert run_table([one, two], lr="eta").context["lr"].tolist() == ["0.001", "0.001"]


@pytest.mark.parametrize("steps", [0, -1, 2.5, "24", float("nan"), Decimal("sNaN")])
def test_a_horizon_is_a_number_of_steps(steps: Any) -> None:
    with pytest.raises(ValueError, match="horizon must be a positive whole number of steps"):
        run_table([], horizon=steps)
