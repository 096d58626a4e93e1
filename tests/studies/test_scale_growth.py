"""What a worker of a growing study needs is measured, in each kind of storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.scale.growth import measure


def test_growth(tmp_path: Path) -> None:
    small, large = (measure("journal", n, tmp_path) for n in (20, 60))
    assert (small.n_trials, large.n_trials) == (20, 60)
    assert large.file > 1.5 * small.file
    for growth in (small, large):
        assert min(growth.first_ask, growth.ask, growth.decision, growth.recommend) > 0
        assert growth.memory > 20
    assert list(small.as_dict())[:2] == ["storage", "n_trials"]


def test_kinds(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got 'paper'"):
        measure("paper", 20, tmp_path)
