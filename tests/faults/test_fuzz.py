"""What is stored is damaged by a seed: it is read, or one sentence says what is wrong.

`python -m studies.scale fuzz` does it 10,000 times.
"""

from __future__ import annotations

import logging
import os
import pickle
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studies.scale import fuzz
from studies.scale.damage import damaged_attribute, damaged_json, damaged_text
from studies.scale.damaged import KINDS

_FEW = 12


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged(kind: str, tmp_path: Path) -> None:
    outcome = fuzz.fuzz(_FEW, kinds=[kind], folder=tmp_path)
    assert outcome.failures == []
    assert outcome.counts[kind].total() == _FEW


def test_the_same_seed_is_the_same_damage() -> None:
    def damaged(seed: int) -> tuple[object, ...]:
        rng = random.Random(seed)
        value = {"a": [1, 2.0, "x"], "b": {"c": None}}
        return (
            damaged_text(b"a,b\n1,2\n", rng),
            repr(damaged_json(value, rng)),
            repr(damaged_attribute('{"horizon": 8}', rng)),
        )

    assert damaged(0) == damaged(0)
    assert len({damaged(seed) for seed in range(20)}) > 10


class _Loads:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return os.getenv, ("HOME",)


def _sleep() -> None:
    while True:
        time.sleep(0.05)


def _two_lines() -> None:
    raise ValueError("two\nlines")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: os.environ["no such"], "KeyError"),
        (lambda: pickle.loads(pickle.dumps(_Loads())), "it ran code: pickle.find_class"),
        (lambda: eval("1 + 1"), "it ran code: compile"),
        (lambda: os.system("true"), "it ran code: os.system"),
        (_two_lines, "ValueError"),
        (_sleep, "no end after 1 seconds"),
    ],
    ids=["other error", "pickle", "eval", "system", "elsewhere", "hang"],
)
def test_what_counts_as_a_failure(
    call: Callable[[], object], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz, "_LONGEST", 1)
    monkeypatch.setattr(fuzz, "KINDS", {"mine": lambda rng, folder: [call]})
    ended, text = fuzz.read_damaged("mine", 0, 0, tmp_path)
    assert ended == "failure"
    assert says in text
