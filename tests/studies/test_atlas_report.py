"""The page of the atlas, from simulated tables."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from optuna_kappa._typing import Floats
from studies.atlas import report
from studies.atlas.charts import BestRates, best_rates_chart
from studies.atlas.family import CONSTANT, Family, TableOf, Trained
from studies.atlas.report import Proposed
from studies.atlas.sweep import as_table
from studies.atlas.synthetic import linear_values
from studies.recorded import write


def family(name: str, passes: int, *trained: Trained) -> Family:
    n_train = 4096 // passes
    return Family(
        name=name,
        title=f"what {name} is",
        make=lambda: linear_values(n_train),
        n_train=n_train,
        horizon=4096,
        batch=4,
        trained=trained,
        n_seeds=3,
    )


INVERSE = family("inverse", 64, Trained("adam", 1e-5, 0.1), Trained("sgd", 1e-5, 0.1))
STILL = family("still", 1, Trained("adam", 1e-5, 0.1, (CONSTANT, "cosine")))
FAMILIES = (INVERSE, STILL)


def simulated(table: TableOf, horizon: int) -> Floats:
    """Losses whose best rate is inverse to the data if they are repeated, and stays otherwise."""
    grid = table.grid(horizon)
    slope = 1.0 if table.family.repeats else 0.0
    steps = (
        np.array(grid.steps) if table.schedule == CONSTANT else np.full(len(grid.steps), horizon)
    )
    distance = np.log(np.array(grid.lrs)[:, None] / 1e-3) + slope * np.log(steps / 512)
    curves = steps**-0.1 * np.exp(0.1 * distance**2)
    return np.stack([curves * (1 + 0.05 * seed) for seed in range(grid.n_seeds)])


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from optuna_kappa import RunTable

    folder = tmp_path_factory.mktemp("tables")
    for each in FAMILIES:
        for table in each.tables():
            parts = [as_table(table, h, simulated(table, h)) for h in table.horizons]
            write(RunTable.concatenate(parts), folder / f"{table.name}.csv.gz")
    return folder


@pytest.fixture(scope="module")
def page(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    docs = tmp_path_factory.mktemp("docs")
    return report.write(tables, docs, FAMILIES).read_text()


def rows(page: str) -> dict[str, list[str]]:
    """The cells of the tables' rows by their first cell."""
    found = {}
    for line in re.findall(r"^\| (.*) \|$", page, re.MULTILINE):
        first, *others = line.split(" | ")
        found[first] = others
    return found


def test_each_table_has_a_row(page: str) -> None:
    cells = rows(page)
    inverse, still = cells["inverse-adam-constant"], cells["still-adam-cosine"]
    assert inverse[0] == "64" and still[0] == "1"
    assert [float(cell) for cell in inverse[1:5]] == pytest.approx(
        [8e-3, 2e-3, 5e-4, 1.25e-4], rel=0.06
    )
    assert [float(cell) for cell in still[1:5]] == pytest.approx([1e-3] * 4, rel=0.06)
    assert inverse[5].startswith(("1.00 ±", "0.99 ±", "1.01 ±"))
    # Copying, slope 0.32, 0.5 and 1 from a twelfth of the horizon.
    copied = 100 * math.expm1(0.1 * math.log(12) ** 2)
    assert float(inverse[7]) == pytest.approx(copied, rel=0.1)
    assert float(inverse[10]) < 0.5 and float(still[7]) < 0.5
    assert float(still[10]) == pytest.approx(copied, rel=0.1)


def test_regimes_are_told_apart(page: str) -> None:
    repeated, fresh = page.split("## Repeated data")[1].split("## Fresh data")
    assert "inverse-sgd-constant" in repeated and "still-" not in repeated
    assert "still-adam-cosine" in fresh.split("## The families")[0]
    cells = rows(page)
    assert cells["Repeated data, adam"][0] == "1"
    assert cells["**Repeated data, all**"][2].startswith("1.0")
    assert cells["**Fresh data, all**"][0] == "1"


def test_families_are_described(page: str) -> None:
    assert rows(page)["inverse: what inverse is"] == ["64", "4,096", "4", "16 x 3"]


def test_there_is_a_place_for_the_prior(page: str, tables: Path, tmp_path: Path) -> None:
    assert "prior without the family |" not in page
    proposed = {"still-adam-constant": Proposed(1e-3, 5e-4, 2e-3)}
    told = rows(report.write(tables, tmp_path, FAMILIES, proposed).read_text())
    assert told["still-adam-constant"][-2] == "0.001 (0.0005 to 0.002)"
    assert float(told["still-adam-constant"][-1]) < 0.5
    assert told["inverse-adam-constant"][-2:] == ["-", "-"]


def test_figures_are_written_and_the_same_each_time(tables: Path, tmp_path: Path) -> None:
    first = report.write(tables, tmp_path, FAMILIES)
    figures = {path: path.read_bytes() for path in (tmp_path / "atlas").iterdir()}
    assert sorted(path.name for path in figures) == ["fresh-data.svg", "repeated-data.svg"]
    for name in re.findall(r"\]\((atlas/.*?\.svg)\)", first.read_text()):
        assert 0 < (tmp_path / name).stat().st_size < 60_000

    text = first.read_bytes()
    assert report.write(tables, tmp_path, FAMILIES).read_bytes() == text
    assert all(path.read_bytes() == before for path, before in figures.items())


def test_tables_that_are_missing_are_left_out(tables: Path, tmp_path: Path) -> None:
    more = (*FAMILIES, dataclasses.replace(STILL, name="unrecorded"))
    assert "unrecorded" not in report.write(tables, tmp_path, more).read_text()


def test_lines_meet_at_an_eighth_of_the_horizon() -> None:
    inverse = BestRates("adam", [1 / 64, 1 / 32, 1 / 8, 1 / 4, 1.0], [0.8, 0.4, 0.1, 0.05, 0.0125])
    still = BestRates("adam", [1 / 64, 1.0], [2.0, 2.0])
    chart = best_rates_chart("title", [inverse, still])
    guides, lines = chart.series[:3], chart.series[3:]
    assert [line.label for line in lines] == ["adam", ""]
    assert list(lines[0].x) == pytest.approx([1, 8, 64])
    assert list(lines[0].y) == pytest.approx([8, 1, 1 / 8])
    assert list(lines[1].y) == pytest.approx([1])
    assert list(guides[2].y) == pytest.approx([8, 1 / 8])


def test_a_section_on_the_priors(tables: Path, tmp_path: Path) -> None:
    text = report.write(tables, tmp_path, FAMILIES, priors=("", "## Priors", "")).read_text()
    assert (
        text.index("## Fresh data") < text.index("\n## Priors\n") < text.index("## The families")
    )
