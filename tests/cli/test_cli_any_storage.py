"""The commands on runs read any storage, and say the same of the same study."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from optuna_kappa.cli import main
from optuna_kappa.study.example import example_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("storages")
    example_study(f"sqlite:///{path}/my.db")
    example_study(JournalStorage(JournalFileBackend(f"{path}/runs.log")))
    return path


@pytest.mark.parametrize(
    "command", ["fit", "propose --horizon 96", "backtest", "explain --trial 3", "plan"]
)
@pytest.mark.parametrize("url", ["AT/runs.log", "journal:///AT/runs.log"])
def test_a_journal(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, url: str
) -> None:
    said = []
    for storage in ("sqlite:///AT/my.db", url):
        words = f"{command} --json --storage {storage.replace('AT', str(folder))}"
        assert main(words.split()) == 0
        said.append(capsys.readouterr())
    assert said[0] == said[1]


@pytest.mark.parametrize("command", ["fit", "explain"])
def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main(f"{command} --storage postgresql://me:secret@127.0.0.1:1/x".split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert "secret" not in err
