"""Whatever a study holds: figures that can be shown, or one sentence."""

from __future__ import annotations

import warnings

import hostile
import hostile_studies
import optuna
import pytest
from hypothesis import given

from optuna_kappa.visualization import figures_of


@pytest.mark.parametrize("with_sampler", [True, False])
def test_figures(with_sampler: bool) -> None:
    @hostile.few
    @given(study=hostile_studies.studies())
    def drawn(study: optuna.Study) -> None:
        if not with_sampler:
            study.sampler = optuna.samplers.RandomSampler(seed=0)
        for figure in hostile.outcome(lambda: figures_of(study)) or ():
            assert figure.figure.to_json(), figure.id

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        drawn()
