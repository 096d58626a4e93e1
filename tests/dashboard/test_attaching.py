"""Note and figures in the study itself."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection

from optuna_kappa import KappaSampler, dashboard
from optuna_kappa.dashboard.attributes import VERSION, figure_of, note_of, stored_ids
from optuna_kappa.dashboard.content import content_of
from optuna_kappa.dashboard.drawing import MOST
from optuna_kappa.study.example import example_study
from optuna_kappa.study.private import set_study_attr, study_attrs
from optuna_kappa.study.storage import open_storage

STORAGES = ("memory", "sqlite", "journal")


def storage_of(kind: str, folder: Path) -> Any:
    if kind == "sqlite":
        return open_storage(f"sqlite:///{folder}/my.db")
    if kind == "journal":
        return JournalStorage(JournalFileBackend(f"{folder}/my.log"))
    return InMemoryStorage()


@pytest.fixture(params=STORAGES)
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    return example_study(storage_of(request.param, tmp_path))


class Writes:
    """Notes the attributes that are written to a study."""

    def __init__(self, study: optuna.Study, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        storage = study._storage
        write = storage.set_study_system_attr

        def noted(study_id: int, name: str, value: Any) -> None:
            self.names.append(name)
            write(study_id, name, value)

        monkeypatch.setattr(storage, "set_study_system_attr", noted)


def test_attaches_what_the_command_shows(study: optuna.Study) -> None:
    dashboard.attach(study)
    stored, content = study_attrs(study), content_of(study)
    assert sorted(stored_ids(stored)) == sorted(content.figures)
    for figure_id, figure in content.figures.items():
        assert figure_of(stored, figure_id) == figure
        assert json.loads(figure)["data"]
    assert content.note in note_of(stored)
    assert sum(map(len, content.figures.values())) < MOST


def test_what_is_unchanged_is_not_written(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboard.attach(study)
    writes = Writes(study, monkeypatch)
    dashboard.attach(study)
    assert writes.names == []

    example_study(study._storage, n_trials=1)
    dashboard.attach(study)
    assert writes.names
    assert len(set(writes.names)) == len(writes.names)


def test_figures_are_replaced_not_added(study: optuna.Study) -> None:
    dashboard.attach(study)
    first = stored_ids(study_attrs(study))
    example_study(study._storage, n_trials=3)
    dashboard.attach(study)
    assert stored_ids(study_attrs(study)) == first
    assert note_of(study_attrs(study)).count("Recommended lr") == 1


def test_a_figure_that_no_longer_applies_is_removed(study: optuna.Study) -> None:
    set_study_attr(study, "dashboard:plot_data:kappa-old:0", '{"data":[{"y":[1]}]')
    set_study_attr(study, "dashboard:plot_data:kappa-old:1", "}")
    set_study_attr(study, "dashboard:plot_data:kappa_old:0", "of others")
    set_study_attr(study, "dashboard:plot_data:mine:0", "{}")
    dashboard.attach(study)
    stored = study_attrs(study)
    assert figure_of(stored, "mine") == "{}" and figure_of(stored, "kappa_old") == "of others"
    left = figure_of(stored, "kappa-old")
    # Only a database can forget an attribute.
    assert left == "" or json.loads(left)["data"] == []


def test_my_note_stays(study: optuna.Study) -> None:
    set_study_attr(study, "dashboard:note_str:0", "my note")
    set_study_attr(study, VERSION, 3)
    dashboard.attach(study)
    stored = study_attrs(study)
    assert note_of(stored).endswith("my note")
    assert stored[VERSION] == 4


def test_several_processes_attach_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/my.db"
    example_study(url)
    errors: list[Exception] = []

    def attach() -> None:
        try:
            dashboard.attach(optuna.load_study(study_name="example", storage=open_storage(url)))
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=attach) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []

    study = optuna.load_study(study_name="example", storage=open_storage(url))
    stored, content = study_attrs(study), content_of(study)
    for figure_id, figure in content.figures.items():
        assert figure_of(stored, figure_id) == figure
    assert content.note in note_of(stored)


@pytest.mark.parametrize("n_objectives", [1, 2])
def test_studies_with_nothing_to_show_get_nothing(n_objectives: int) -> None:
    study = optuna.create_study(directions=[StudyDirection.MINIMIZE] * n_objectives)
    for _ in range(3):
        trial = study.ask({"x": FloatDistribution(0, 1)})
        study.tell(trial, [1.0] * n_objectives)
    dashboard.attach(study)
    assert study_attrs(study) == {}


def test_the_sampler_counts() -> None:
    study = example_study()
    dashboard.attach(study, KappaSampler(24, prior="copy", seed=0))
    assert "prior copy" in note_of(study_attrs(study))


@pytest.mark.parametrize(("study", "sampler"), [("mine", None), (None, None), (0, 0)])
def test_arguments_of_other_types(study: Any, sampler: Any) -> None:
    with pytest.raises(ValueError, match="study must be"):
        dashboard.attach(study, sampler)
    with pytest.raises(ValueError, match="sampler must be"):
        dashboard.attach(optuna.create_study(), "kappa")  # type: ignore[arg-type]
