"""Workers that are killed and started again: nothing told is lost, and the probes come out."""

from __future__ import annotations

from studies.scale.chaos import run
from studies.scale.places import Place

SECONDS = 10.0  # `python -m studies.scale chaos` takes longer


def test_nothing_told_is_lost(place: Place) -> None:
    """A server is restarted twice besides."""
    chaos = run(
        place.url,
        place.folder,
        n_workers=4,
        seconds=SECONDS,
        kill_every=2.0,
        seed=0,
        restart=place.restart,
    )
    assert chaos.n_kills >= 1
    assert chaos.n_ended == 0
    assert chaos.n_told > 0
    assert chaos.lost == []
    assert chaos.twice == []
    assert chaos.intact
    assert set(chaos.probes) == set(chaos.planned)
    for horizon, n_planned in chaos.planned.items():
        assert n_planned <= chaos.probes[horizon] <= n_planned + chaos.n_kills
