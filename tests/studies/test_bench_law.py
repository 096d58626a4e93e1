from __future__ import annotations

import json
import math

import numpy as np
import pytest

pytest.importorskip("rich")

from studies.bench import __main__ as command  # noqa: E402
from studies.bench import law  # noqa: E402
from studies.bench.law import measure, tables  # noqa: E402

STEPS = ["fit", "predict", "predict again", "propose"]


def test_tables_have_so_many_observations() -> None:
    long, short = tables(100).values()
    assert len(long) == len(short) == 100
    assert len(np.unique(long.run)) == 4 and set(long.step) == set(range(1, 26))
    assert len(np.unique(short.run)) == 100 and set(short.horizon) == {1, 2, 4, 8, 16}
    assert (short.step == short.horizon).all() and np.isfinite(long.loss).all()


def test_measure() -> None:
    given = dict(zip("ab", tables(100).values(), strict=True))
    timings = measure(given, seconds=0.0)
    assert [(t.table, t.what) for t in timings] == [(n, step) for n in "ab" for step in STEPS]
    assert [t.target_ms for t in timings] == [50.0, 5.0, None, None] * 2
    for timing in timings:
        assert timing.n_rounds == law._LEAST_ROUNDS
        assert timing.low_ms <= timing.median_ms <= timing.high_ms


@pytest.mark.parametrize("as_json", [False, True])
def test_main(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tables(100)
    monkeypatch.setattr(law, "tables", lambda: small)
    monkeypatch.setattr(law, "N_CONTEXTS", (3,))
    assert command.main(["law", "--seconds", "0", *(["--json"] if as_json else [])]) == 0
    printed = capsys.readouterr().out
    if as_json:
        found = json.loads(printed)
        assert set(found) == {"machine", "law"}
        assert [t["what"] for t in found["law"]["timings"]] == [
            *STEPS * 2,
            "propose for all",
        ]
        assert all(math.isfinite(t["median_ms"]) for t in found["law"]["timings"])
    else:
        assert "predict again" in printed and "100 runs, 1 report each" in printed
        assert "3 contexts, 4 horizons each" in printed


def test_contexts_differ_in_width_only_and_some_miss_the_best_rate() -> None:
    groups = list(law.contexts(6).groups(["width"]))
    assert len(groups) == 6
    assert sorted(len(runs) < 24 for _, runs in groups) == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lwa"], "unknown part 'lwa'; choose from training, asking, pruning, law"),
        (["law", "law"], "given twice"),
        (["asking", "--trials", "100;1000"], "such as 100,1000"),
        (["asking", "--asks", "0"], "must be at least 1"),
        (["asking", "--limit", "nan"], "the limit above 0"),
    ],
)
def test_wrong_input(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    assert message in capsys.readouterr().err
