"""All checked claims, in the order of the page."""

from __future__ import annotations

from studies.paper.claims import (
    doubling,
    equal_total,
    expected_rate,
    first_optima,
    initial_rate,
    inverse_law,
    kappa_and_slope,
    theorem,
)
from studies.paper.claims.item import Item
from studies.paper.curves import Archive


def figures_and_tables(archive: Archive) -> list[Item]:
    """Check the paper's 13 figures and 2 tables, in this order."""
    return [
        *first_optima.items(archive),
        *inverse_law.items(archive),
        *equal_total.items(archive),
        *initial_rate.items(archive),
        *expected_rate.items(archive),
        *doubling.items(archive),
    ]


def text_claims(archive: Archive) -> list[Item]:
    """Check what the paper's text claims beyond its figures and tables."""
    return [
        *kappa_and_slope.items(archive),
        *theorem.items(archive),
    ]
