"""What searches are told, and what being told wrongly costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studies.replay.__main__ import main
from studies.replay.staged import Staged
from studies.replay.told import parse_told
from studies.samplers import NOTHING, Known, Target, make


def test_parse_told() -> None:
    assert parse_told([]) == {}
    assert parse_told(["nothing", "SGD/0.5", "copy"]) == {
        "told nothing": NOTHING,
        "told SGD/0.5": Known("SGD", 0.5),
        "told copy": Known(prior="copy"),
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["papers"], "prior must be one of"),
        (["adam/many"], "passes must be a finite number"),
        (["adam/0"], "passes must be"),
        (["adm/24"], "optimizer must be one of"),
        (["copy", "copy"], "is given twice"),
    ],
)
def test_what_cannot_be_told(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_told(names)


def test_the_sampler_is_told() -> None:
    target = Target(24, "constant", (), seed=0, number=0, known=Known(prior="copy"))
    sampler, _ = make("kappa", target)
    assert sampler._prior.name == "copy"  # type: ignore[attr-defined]
    assert Known("adam", 24, None).regime == {"optimizer": "adam", "passes": 24}


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "staged.csv"
    Staged(lowest=4.5e-4).runs().to_csv(path)
    given = f"misled --runs {path} --budget 2 --repeats 1 --jobs 1 --told"
    assert main([*given.split(), "copy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["scenarios"]) == ["told copy"]
    assert all(len(one["times"]) == 1 for one in found["scenarios"].values())
    assert main([*given.split(), "papers"]) == 2
    assert "prior must be one of" in capsys.readouterr().err
