"""Where the probes of `oneshot` come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulated import Simulated, grid, joined

from optuna_kappa import RunTable
from studies.replay.lending import as_grid, lender_of, lent_runs, parse_budgets
from studies.replay.table import prepare


def cosine() -> RunTable:
    return Simulated().final(grid(), 64, "cosine", mean=0.5)


def test_budgets() -> None:
    assert parse_budgets("0.1, 0.5,2") == [0.1, 0.5, 2]
    for text in ("", "0.1,,1", "half"):
        with pytest.raises(ValueError, match="--budgets must be numbers of full runs"):
            parse_budgets(text)
    for text in ("0", "-1", "nan", "inf"):
        with pytest.raises(ValueError, match="a budget must be"):
            parse_budgets(text)


def test_the_probes_are_in_the_same_table_or_beside_it(tmp_path: Path) -> None:
    alone = tmp_path / "sgd-cosine.csv.gz"
    cosine().to_csv(alone)
    with pytest.raises(ValueError, match="no constant runs .* name one by --source-runs"):
        lent_runs(str(alone), "constant", None)

    beside = tmp_path / "sgd-constant.csv.gz"
    Simulated().runs(grid()).to_csv(beside)
    assert set(lent_runs(str(alone), "constant", None).schedule) == {"constant"}

    other = tmp_path / "other.csv.gz"
    Simulated().runs(grid(5)).to_csv(other)
    assert len(set(lent_runs(str(alone), "constant", str(other)).lr)) == 5

    both = tmp_path / "both.csv.gz"
    joined(cosine(), Simulated().runs(grid(7))).to_csv(both)
    assert set(lent_runs(str(both), "constant", None).schedule) == {"constant", "cosine"}


def test_a_lender_reaches_the_target() -> None:
    target = prepare(cosine(), None, None)
    assert lender_of(Simulated().runs(grid()), "constant", target).horizon == 64
    with pytest.raises(ValueError, match="at most that of the longest run, 32"):
        lender_of(Simulated().runs(grid(), horizon=32), "constant", target)


def test_a_random_search_is_refused() -> None:
    n = 6
    runs = RunTable.from_columns(
        {
            "run": range(n),
            "lr": [1e-3 * (i + 1) for i in range(n)],
            "schedule": ["constant"] * n,
            "horizon": [8.0] * n,
            "step": [8.0] * n,
            "loss": [1.0 + i for i in range(n)],
            "momentum": [i / n for i in range(n)],
        }
    )
    with pytest.raises(ValueError, match="differ in more than their learning rates"):
        as_grid(prepare(runs, None, None).objective)
