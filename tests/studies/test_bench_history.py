from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from optuna_kappa.search.ladder import N_PROBES
from optuna_kappa.study.plans import kind_of, plan_of
from optuna_kappa.study.storage import open_database
from studies.bench.history import EPOCHS, fill, trials


def test_trials_are_those_of_a_search() -> None:
    found = list(trials(40))
    kinds = [kind_of(trial) for trial in found]
    assert kinds == ["probe"] * N_PROBES + ["law"] * (40 - N_PROBES)
    for trial in found:
        plan = plan_of(trial)
        assert plan is not None
        assert list(trial.intermediate_values) == list(range(1, plan.horizon + 1))
        assert trial.value == trial.intermediate_values[plan.horizon]
        full = plan.horizon == EPOCHS
        assert trial.state == (TrialState.COMPLETE if full else TrialState.PRUNED)
    assert found[3].value == list(trials(4))[3].value


@pytest.mark.parametrize(("distinct", "kind"), [(False, "law"), (True, "base")])
def test_learning_rates_repeat_unless_distinct(distinct: bool, kind: str) -> None:
    full = list(trials(300, distinct=distinct))[N_PROBES:]
    assert {kind_of(trial) for trial in full} == {kind}
    rates = {trial.params["lr"] for trial in full}
    assert len(rates) == len(full) if distinct else len(rates) < len(full) / 2


def test_fill_leaves_what_optuna_would(tmp_path: Path) -> None:
    given = list(trials(12))
    ours, theirs = (open_database(f"sqlite:///{tmp_path / name}.db") for name in "ab")
    fill(ours, "study", given)
    optuna.create_study(study_name="study", storage=theirs).add_trials(given)
    studies = [optuna.load_study(study_name="study", storage=one) for one in (ours, theirs)]
    assert studies[0].trials == studies[1].trials
    for study, storage in zip(studies, (ours, theirs), strict=True):
        assert study.ask().number == len(given)
        storage.engine.dispose()
