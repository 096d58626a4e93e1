"""All families of the atlas and their tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from studies.atlas.clean import CLEAN
from studies.atlas.family import Family, TableOf
from studies.atlas.fresh import FRESH
from studies.atlas.repeated import REPEATED

FAMILIES: tuple[Family, ...] = (*REPEATED, *CLEAN, *FRESH)
"""The families of the atlas."""


def tables(families: tuple[Family, ...] = FAMILIES) -> Iterator[TableOf]:
    """Yield all tables, in the order in which they are trained.

    Constant rates come first, and the regimes take turns, so that a sweep that is stopped early
    has some of everything.
    """
    repeated = [family for family in families if family.repeats]
    fresh = [family for family in families if not family.repeats]
    everything: list[TableOf] = []
    for pair in zip_longest(repeated, fresh):
        for family in filter(None, pair):
            everything += family.tables()

    yield from sorted(everything, key=lambda table: len(table.horizons) > 1)
