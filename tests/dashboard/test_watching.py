"""What is shown beside what a storage holds, and how it follows the studies."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage, InMemoryStorage, get_storage
from optuna.study import StudyDirection
from sqlalchemy.exc import OperationalError

from optuna_kappa.dashboard import watching
from optuna_kappa.dashboard.attributes import note_of, stored_ids
from optuna_kappa.dashboard.content import content_of
from optuna_kappa.dashboard.showing import Shown, showing
from optuna_kappa.dashboard.watching import Watcher
from optuna_kappa.study.example import example_study
from optuna_kappa.study.rebuilding import SETTINGS
from optuna_kappa.study.storage import open_database

MULTI = [StudyDirection.MINIMIZE] * 2


def all_drawn(watcher: Watcher) -> int:
    """Look until nothing is new; how often something was."""
    n = 0
    while watcher.look() is not None:
        n += 1
    return n


def attrs(storage: BaseStorage, shown: Shown, study: int) -> dict[str, Any]:
    return showing(storage, shown).get_study_system_attrs(study)


@pytest.fixture
def storage() -> BaseStorage:
    storage = InMemoryStorage()
    example_study(storage)
    return storage


def test_shows_more_than_it_holds(storage: BaseStorage) -> None:
    shown = Shown()
    assert attrs(storage, shown, 0) == {}
    assert all_drawn(Watcher(storage, shown)) == 1
    content = content_of(optuna.load_study(study_name="example", storage=storage))
    found = attrs(storage, shown, 0)
    assert content.note in note_of(found)
    assert sorted(stored_ids(found)) == sorted(content.figures)

    (study,) = showing(storage, shown).get_all_studies()
    assert study.system_attrs == found
    assert storage.get_study_system_attrs(0) == {}
    assert storage.get_all_studies()[0].system_attrs == {}


def test_everything_else_is_that_of_the_storage(storage: BaseStorage) -> None:
    shows = showing(storage, Shown())
    assert isinstance(shows, BaseStorage)
    study = optuna.load_study(study_name="example", storage=shows)
    study.set_user_attr("a", 1)
    example_study(shows, n_trials=1)
    assert len(storage.get_all_trials(0)) == 14
    assert storage.get_study_user_attrs(0)["a"] == 1
    shows.delete_study(0)
    assert storage.get_all_studies() == []


def test_draws_again_only_what_is_new(storage: BaseStorage) -> None:
    optuna.create_study(study_name="empty", storage=storage)
    shown = Shown()
    watcher = Watcher(storage, shown)
    assert all_drawn(watcher) == 2
    assert all_drawn(watcher) == 0
    before = attrs(storage, shown, 0)

    example_study(storage, n_trials=2)
    assert all_drawn(watcher) == 1
    assert attrs(storage, shown, 0) != before

    # A trial that runs has told nothing yet.
    optuna.load_study(study_name="example", storage=storage).ask()
    assert all_drawn(watcher) == 0
    optuna.load_study(study_name="example", storage=storage).set_user_attr(
        SETTINGS, '{"horizon": 48}'
    )
    assert all_drawn(watcher) == 1
    assert "48 steps" in note_of(attrs(storage, shown, 0)).replace("\\", "")


def test_rests_many_times_as_long_as_it_draws(
    storage: BaseStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.5, 10.0, 10.5])
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    watcher = Watcher(storage, Shown())
    first = watcher.look()
    example_study(storage, n_trials=1)
    later = watcher.look()
    assert first is not None and later is not None
    assert first < later
    assert later >= 10 * 0.5


def test_draws_first_what_is_looked_at(storage: BaseStorage) -> None:
    for number in range(1, 4):
        example_study(storage, name=f"example {number}", n_trials=11)
    shown = Shown()
    showing(storage, shown).get_all_trials(1)
    Watcher(storage, shown).look()
    assert stored_ids(attrs(storage, shown, 1))
    assert not stored_ids(attrs(storage, shown, 2))


def test_studies_of_all_kinds(storage: BaseStorage, caplog: pytest.LogCaptureFixture) -> None:
    optuna.create_study(study_name="both", storage=storage, directions=MULTI)
    tpe = optuna.create_study(study_name="tpe", storage=storage)
    tpe.tell(tpe.ask({"x": FloatDistribution(0, 1)}), 1.0)
    rate = optuna.create_study(study_name="rate", storage=storage)
    rate.tell(rate.ask({"lr": FloatDistribution(1e-3, 1, log=True)}), 1.0)
    shown = Shown()
    assert all_drawn(Watcher(storage, shown)) == 4
    for study in (1, 2):
        assert attrs(storage, shown, study).keys() <= {"dashboard:note_ver"}
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_an_empty_storage() -> None:
    assert Watcher(InMemoryStorage(), Shown()).look() is None


def test_a_study_that_is_deleted(storage: BaseStorage) -> None:
    shown = Shown()
    watcher = Watcher(storage, shown)
    all_drawn(watcher)
    storage.delete_study(0)
    assert all_drawn(watcher) == 0
    assert shown.over(0, {}) == {}


def test_a_study_that_is_deleted_while_it_is_drawn(
    storage: BaseStorage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def deleting(study: optuna.Study) -> None:
        storage.delete_study(0)
        study.get_trials()

    monkeypatch.setattr(watching, "content_of", deleting)
    watcher = Watcher(storage, Shown())
    assert all_drawn(watcher) == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def wait_until(is_true: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_thread_goes_on_after_errors(
    storage: BaseStorage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watching, "INTERVAL", 0.001)
    read = storage.get_all_studies
    n_failed = 0

    def locked() -> Any:
        nonlocal n_failed
        if n_failed < 3:
            n_failed += 1
            raise OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))
        return read()

    monkeypatch.setattr(storage, "get_all_studies", locked)
    shown = Shown()
    watcher = Watcher(storage, shown)
    watcher.start()
    wait_until(lambda: shown.over(0, {}))
    watcher.stop(timeout=60)
    assert [record.getMessage() for record in caplog.records] == [
        "The storage cannot be read now: (sqlite3.OperationalError) database is locked"
    ]


def test_a_database_that_somebody_writes_to(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/my.db"
    example_study(url)
    with sqlite3.connect(tmp_path / "my.db", isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE studies SET study_name = 'other'")
        shown = Shown()
        storage = get_storage(open_database(url, create=False))
        assert all_drawn(Watcher(storage, shown)) == 1
        assert stored_ids(attrs(storage, shown, 1))
        writer.execute("ROLLBACK")
    writer.close()


def test_nothing_is_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/my.db"
    example_study(url)
    open_database(url).engine.dispose()
    before = (tmp_path / "my.db").read_bytes()
    storage = open_database(url, create=False)
    all_drawn(Watcher(get_storage(storage), Shown()))
    storage.engine.dispose()
    assert (tmp_path / "my.db").read_bytes() == before
