"""Workers that are killed and started again: nothing told is lost, and the probes come out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studies.scale.chaos import run
from studies.scale.postgres import missing, postgres

SECONDS = 10.0  # `python -m studies.scale chaos` takes longer


@pytest.fixture(params=["sqlite", "journal", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "postgresql":
        reason = missing()
        if reason:
            pytest.skip(reason)
        with postgres() as server:
            yield server.url
    else:
        yield f"{request.param}:///{tmp_path / 'kappa.db'}"


def test_nothing_told_is_lost(url: str, tmp_path: Path) -> None:
    chaos = run(url, tmp_path, n_workers=4, seconds=SECONDS, kill_every=2.0, seed=0)
    assert chaos.n_kills >= 3
    assert chaos.n_told > 0
    assert chaos.lost == []
    assert chaos.twice == []
    assert chaos.intact
    assert set(chaos.probes) == set(chaos.planned)
    for horizon, n_planned in chaos.planned.items():
        assert n_planned <= chaos.probes[horizon] <= n_planned + chaos.n_kills
