"""Opening storages: SQLite for several processes, and files of other programs left alone."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from optuna_kappa.study.storage import (
    close_storage,
    database_files,
    open_database,
    open_storage,
)


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_studies_last(tmp_path: Path) -> None:
    path = tmp_path / "kappa.db"
    optuna.create_study(study_name="a", storage=open_storage(url(path)))
    assert optuna.get_all_study_names(open_storage(url(path))) == ["a"]


def test_readers_and_writers_work_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "kappa.db"
    storage = open_database(url(path))
    study = optuna.create_study(storage=storage)
    with closing(sqlite3.connect(path, timeout=0.1)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM trials").fetchone() == (0,)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with storage.engine.connect() as connection:  # 1: NORMAL
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    assert len(study.trials) == 1
    storage.engine.dispose()


def test_memory() -> None:
    study = optuna.create_study(storage=open_storage("sqlite:///:memory:"))
    assert study.trials == []


def test_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"another program \(it has the tables invoices\)"):
        open_storage(url(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda path: path.write_text("not a database, but a text of some length" * 30),
            "database",
        ),
        (lambda path: path.mkdir(), "unable to open"),
    ],
    ids=["text file", "folder"],
)
def test_unusable_file_is_one_sentence(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "kappa.db"
    make(path)  # type: ignore[operator]
    with pytest.raises(ValueError, match=message) as caught:
        open_storage(url(path))
    assert "\n" not in str(caught.value)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder that can be written to"):
        open_storage(url(tmp_path / "nowhere" / "kappa.db"))


def test_password_is_not_shown() -> None:
    with pytest.raises(ValueError, match="cannot open the storage") as caught:
        open_storage("postgresql+nodriver://me:secret@localhost/kappa")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["kappa.db", "", "mongodb://host/kappa"])
def test_wrong_url(wrong: str) -> None:
    with pytest.raises(ValueError, match="kappa.db|cannot open"):
        open_storage(wrong)


@pytest.mark.parametrize("wrong", ["postgresql://me:secret@host:port/kappa", "x:secret@y"])
def test_password_of_a_malformed_url_is_not_shown(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not the URL of a database") as caught:
        open_storage(wrong)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
def test_a_uri_names_the_same_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a b.db"
    optuna.create_study(study_name="a", storage=open_storage(url(path)))
    written = name.format(path if "uri" not in name else str(path).replace(" ", "%20"))
    assert database_files(written)[0] == path
    assert optuna.get_all_study_names(open_storage(written, create=False)) == ["a"]


@pytest.mark.parametrize("wrong", ["sqlite://", "sqlite:///:memory:"])
def test_nothing_to_read_in_memory(wrong: str) -> None:
    with pytest.raises(ValueError, match="is in memory and holds no study"):
        open_storage(wrong, create=False)


@pytest.mark.parametrize(
    ("url", "library", "what_to_do"),
    [
        (
            "postgresql+psycopg://localhost/a",
            "psycopg",
            "; pip install 'optuna-kappa[postgresql]'",
        ),
        ("mysql+pymysql://localhost/a", "pymysql", "; pip install 'optuna-kappa[mysql]'"),
        (
            "mysql://localhost/a",
            "MySQLdb",
            "; write mysql+pymysql:// and pip install 'optuna-kappa[mysql]'",
        ),
        ("redis://localhost", "redis", "; pip install 'optuna-kappa[redis]'"),
        ("oracle+oracledb://localhost/a", "oracledb", "; install that library"),
    ],
)
def test_a_missing_driver(
    url: str, library: str, what_to_do: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ValueError) as caught:
        open_storage(url)
    assert library in str(caught.value)
    assert str(caught.value).endswith(what_to_do)


@pytest.mark.parametrize("scheme", ["sqlite", "journal"])
@pytest.mark.parametrize("create", [True, False])
def test_three_slashes_are_of_this_folder_and_four_of_the_root(
    scheme: str, create: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (f"{scheme}:///here", f"{scheme}:///{tmp_path}/there"):
        close_storage(open_storage(name))
    assert (tmp_path / "here").is_file() and (tmp_path / "there").is_file()

    relative = tmp_path.relative_to("/")
    with pytest.raises(ValueError, match=f"four slashes: {scheme}:////{relative}/new$"):
        open_storage(f"{scheme}:///{relative}/new", create=create)
    with pytest.raises(ValueError, match="no|cannot") as caught:
        open_storage(f"{scheme}:///nowhere/new", create=create)
    assert "slashes" not in str(caught.value)


@pytest.mark.parametrize("create", [True, False])
def test_a_journal_of_two_slashes(create: bool) -> None:
    with pytest.raises(ValueError, match=r"journal://a\.log is not the URL of a journal; write"):
        open_storage("journal://a.log", create=create)
