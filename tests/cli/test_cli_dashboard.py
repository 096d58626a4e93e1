"""The command `dashboard`, without a browser."""

from __future__ import annotations

import builtins
import json
import socket
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest

from optuna_kappa.cli import dashboard
from optuna_kappa.cli.main import main
from optuna_kappa.dashboard import serving
from optuna_kappa.study.example import example_study
from optuna_kappa.study.opening import open_any

pytest.importorskip("optuna_dashboard")


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/my.db"
    example_study(url)
    return url


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A dashboard that ends at once; the addresses that a browser was sent to."""
    opened: list[str] = []
    monkeypatch.setattr(serving.Server, "serve_forever", lambda server: None)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(dashboard, "_has_screen", lambda: True)
    return opened


def test_says_where(url: str, quiet: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard", url, "--port", "0"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and quiet[0] in out
    assert quiet[0].startswith("http://127.0.0.1:")
    assert main(["dashboard", url, "--port", "0", "--no-browser"]) == 0
    assert len(quiet) == 1


def test_other_machines_are_named(
    url: str, quiet: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dashboard", url, "--port", "0", "--host", "0.0.0.0"]) == 0
    assert "Whoever reaches this machine" in capsys.readouterr().out
    assert quiet[0].startswith("http://127.0.0.1:")


def test_serves_studies(url: str) -> None:
    storage = open_any(url)
    with serving.served(storage, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            with urlopen(f"{serving.url_of(server)}api/studies") as answer:
                (study,) = json.load(answer)["study_summaries"]
        finally:
            server.shutdown()
            thread.join()
    assert study["study_name"] == "example"


def test_a_port_in_use(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["dashboard", url, "--port", str(port)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"port {port}" in line and "in use" in line and "--port" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("sqlite:///none.db", "there is no database"),
        ("none.log", "there is no storage"),
        ("--port 70000", "cannot listen at port 70000"),
        ("--port -1", "cannot listen at port -1"),
        ("--port http", "invalid int"),
        ("--host no.such.host.invalid", "cannot listen at port 0 of no.such.host.invalid"),
    ],
)
def test_bad_input_is_one_line(
    arguments: str, message: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = arguments.split()
    if words[0].startswith("--"):
        words = [url, "--port", "0", *words]
    assert main(["dashboard", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_says_what_to_install(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load: Callable[..., Any] = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "optuna_dashboard":
            raise ImportError("No module named 'optuna_dashboard'")
        return load(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "optuna_dashboard")
    monkeypatch.setattr(builtins, "__import__", missing)
    assert main(["dashboard", url]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'optuna-kappa[dashboard]'" in line


@pytest.mark.parametrize("kind", ["journal", "journal URL", "environment"])
def test_storages_of_all_kinds(
    kind: str, url: str, tmp_path: Path, quiet: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = f"{tmp_path}/runs.log"
    example_study(JournalStorage(JournalFileBackend(path)))
    words = {"journal": [path], "journal URL": [f"journal:///{path}"], "environment": []}[kind]
    monkeypatch.setenv("OPTUNA_STORAGE", url)
    assert main(["dashboard", *words, "--port", "0"]) == 0
    assert quiet
