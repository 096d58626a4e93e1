from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from optuna_kappa.psi import Curve, read_curves

Numbers = Sequence[float]


def curve_of(step: Numbers, rate: Numbers, loss: Numbers, warmup: float | None = 0) -> Curve:
    return Curve("a", np.array(step), np.array(rate), np.array(loss), warmup)


def test_kappa_is_the_integral_of_the_rate() -> None:
    step = np.linspace(1, 100, 400)
    rate = 2 + np.cos(step / 20)
    curve = Curve("a", step, rate, step, warmup=0)

    exact = 2 * (step - step[0]) + 20 * (np.sin(step / 20) - np.sin(step[0] / 20))
    assert curve.kappa - curve.kappa[0] == pytest.approx(exact, rel=1e-5)


def test_a_jump_takes_effect_at_the_record_that_shows_it() -> None:
    curve = curve_of([10, 20, 30, 40], [1, 1, 0.1, 0.1], [4, 3, 2, 2])
    assert curve.kappa == pytest.approx([10, 20, 30, 31])
    assert [values.tolist() for values in curve.changes] == [[30.0], [0.9], [0.1]]


def test_a_smooth_decay_has_no_jumps() -> None:
    rate = np.exp(-np.arange(20.0))
    assert not Curve("a", np.arange(1.0, 21), rate, np.ones(20)).jumps.any()


def test_warmup_is_half_as_much_learning() -> None:
    curve = curve_of([10, 20], [0.1, 0.1], [3, 2], warmup=4)
    assert curve.kappa == pytest.approx([0.8, 1.8])


@pytest.mark.parametrize(
    ("step", "rate", "loss", "message"),
    [
        ([], [], [], "one number a record"),
        ([1, 2], [1], [1, 1], "rate must have one number a record"),
        ([1, 1], [1, 1], [1, 1], "step must increase"),
        ([1, 2], [1, 0], [1, 1], "rate must be finite and above 0"),
        ([1, 2], [1, 1], [1, np.inf], "loss must be finite and above 0"),
    ],
)
def test_bad_curves(step: Numbers, rate: Numbers, loss: Numbers, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        curve_of(step, rate, loss, None)


def test_bad_warmup() -> None:
    with pytest.raises(ValueError, match="warmup must be from 0 to the first recorded step"):
        curve_of([10], [1], [1], warmup=11)


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "c.csv.gz"
    path.write_bytes(gzip.compress(b"loss,run,step,rate\n3,a,1,0.1\n2,b,1,0.2\n2.5,a,2,0.1\n"))
    curves = read_curves(path)
    assert {name: one.loss.tolist() for name, one in curves.items()} == {"a": [3, 2.5], "b": [2]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column 'run'"),
        (b"run,step,rate,loss\n", "has no rows"),
        (b"run,step,rate\na,1,1\n", "no column 'loss'"),
        (b"run,step,rate,loss\na,1,x,3\n", "line 2: step, rate and loss must be numbers"),
        (b"run,step,rate,loss\na,1\n", "line 2: step, rate and loss must be numbers"),
        (b"\xff\xfe\x00", "cannot read"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_curves(path)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot read .*No such file"):
        read_curves(tmp_path / "none.csv")
    broken = tmp_path / "c.csv.gz"
    broken.write_bytes(b"run,step,rate,loss\n")
    with pytest.raises(ValueError, match="cannot read"):
        read_curves(broken)
