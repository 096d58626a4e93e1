"""Studies that hold anything: none may end the dashboard, a list of studies or a report."""

from __future__ import annotations

import argparse
import json
import tempfile

import optuna
import pytest
from hostile_studies import studies
from hypothesis import HealthCheck, given, settings

from optuna_kappa.cli.report_page import write_report
from optuna_kappa.cli.studies import as_dict, look_at
from optuna_kappa.dashboard.content import content_of
from optuna_kappa.dashboard.drawing import MOST
from optuna_kappa.study.rebuilding import sampler_of


# Figures have tests of their own; here only what ends a program counts.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(studies())
def test_whatever_a_study_holds(study: optuna.Study) -> None:
    content = content_of(study)
    for figure in content.figures.values():
        json.loads(figure)
    assert sum(map(len, content.figures.values())) <= MOST
    known = look_at(study, argparse.Namespace())
    json.dumps(as_dict(known), allow_nan=False)
    sampler = sampler_of(study) if known.counts else None
    with tempfile.TemporaryDirectory() as folder:
        write_report(f"{folder}/report.html", [(study, known)] * 2, [sampler] * 2)


def test_a_rate_that_no_run_table_holds_ends_nothing() -> None:
    study = optuna.create_study()
    trial = optuna.trial.create_trial(
        value=0.5,
        params={"lr": 1e-300},
        distributions={"lr": optuna.distributions.FloatDistribution(1e-300, 1e-1, log=True)},
        intermediate_values={24: 0.5},
        user_attrs={"kappa:plan": {"horizon": 24, "kind": "law", "schedule": "constant"}},
    )
    study.add_trials([trial] * 12)
    note = content_of(study).note
    assert "No lr can be recommended yet" in note and "After 12 trials" in note
