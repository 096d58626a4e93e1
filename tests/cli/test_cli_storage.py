"""`optuna-kappa storage copy`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optuna_kappa.cli import main
from optuna_kappa.study.example import example_study


@pytest.fixture
def source(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'my.db'}"
    example_study(url)
    return url


def test_copied_and_copied_again(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    destination = f"journal:///{tmp_path / 'my.log'}"
    assert main(["storage", "copy", source, destination]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("example\n") and "the same in both storages" in out
    assert err == ""

    assert main(["storage", "copy", source, destination, "--json"]) == 0
    (copied,) = json.loads(capsys.readouterr().out)["studies"]
    assert (copied["study"], copied["n_new"]) == ("example", 0)
    assert main(["studies", "--storage", destination, "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["studies"]
    assert listed["n_trials"] == copied["n_trials"]

    # Every command reads a journal as it does a database.
    said = []
    for url in (source, destination):
        assert main(["propose", "--storage", url, "--horizon", "96"]) == 0
        said.append(capsys.readouterr().out.replace(url, ""))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("SOURCE SOURCE", "FROM and TO are the same storage"),
        ("sqlite:///AT/no.db journal:///AT/x.log", "there is no database AT/no.db"),
        ("SOURCE journal:///AT/no/x.log", "cannot open the journal AT/no/x.log"),
        ("SOURCE journal:///AT/x.log --study no", "there is no study 'no'"),
        ("SOURCE nothing", "'nothing' is not the URL of a database"),
        ("SOURCE", "required: TO"),
    ],
)
def test_one_sentence(
    source: str, tmp_path: Path, words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = words.replace("SOURCE", source).replace("AT", str(tmp_path))
    assert main(["storage", "copy", *filled.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message.replace("AT", str(tmp_path)) in err
    assert err.count("\n") == 1
