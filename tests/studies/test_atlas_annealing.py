"""What annealing is worth, estimated from differences that are known."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from optuna_kappa.law.prior import MIXTURE
from studies.atlas.annealing import Missed, estimate_annealing, missed, section
from studies.atlas.catalog import FAMILIES
from studies.recorded import ATLAS


def of(family: str, delta: float, slope: float) -> Missed:
    return Missed(f"{family}-adam-cosine", family, 100.0, delta, slope)


def test_numbers_that_are_known() -> None:
    """The worth is 0.6, by 0.1 more in one family and less in the other."""
    found = []
    for family, more in (("a", 0.1), ("b", -0.1)):
        found += [of(family, 0.6 * (1 - slope) + more, slope) for slope in (0.0, 0.0, 0.5)]
    estimated = estimate_annealing(found)
    assert estimated.mean == pytest.approx(0.6)
    assert estimated.sd == pytest.approx(0.1 * 2**0.5)
    assert estimated.n_families == 2


def test_each_family_weighs_the_same() -> None:
    found = [of("a", 1.0, 0.0)] + [of("b", 0.5, 0.0)] * 9
    assert estimate_annealing(found).mean == pytest.approx(0.75)


def test_steeper_laws_than_1_tell_nothing() -> None:
    found = [of("a", 0.5, 0.0), of("a", -3.0, 1.5)]
    assert estimate_annealing(found).mean == pytest.approx(0.5)


def test_priors_have_what_the_recorded_tables_say() -> None:
    estimated = estimate_annealing(missed(ATLAS, FAMILIES))
    assert pytest.approx(estimated.mean, abs=0.02) == MIXTURE.annealing
    assert pytest.approx(estimated.sd, abs=0.02) == MIXTURE.annealing_sd


def test_the_section_has_a_row_for_each_scheduled_table() -> None:
    text = "\n".join(section([of("a", 0.5, 0.0), of("b", 0.4, 0.2)]))
    assert "| a-adam-cosine | +0.50 (0.0) |" in text
    assert "| b-adam-cosine |" in text


def test_a_folder_without_tables_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no family with constant-rate and scheduled"):
        missed(tmp_path, FAMILIES)
