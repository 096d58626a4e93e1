"""Cases and ladders of probes from simulated tables of the atlas."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from optuna_kappa import RunTable
from studies.atlas.cases import (
    TARGETS,
    Case,
    constant_tables,
    draw_cases,
    read_cases,
    write_cases,
)
from studies.atlas.family import CONSTANT, Family, Trained
from studies.atlas.priors import Evidence
from studies.atlas.priors_page import as_json, page
from studies.atlas.shots import Shots, read_shots, shoot, summarize, write_shots
from studies.atlas.sweep import as_table
from studies.atlas.synthetic import linear_values
from studies.recorded import write
from studies.replay.oneshot import LAW, RULES

N = 4


def family(name: str, passes: int, optimizer: str) -> Family:
    n_train = 4096 // passes
    return Family(
        name=name,
        title=name,
        make=lambda: linear_values(n_train),
        n_train=n_train,
        horizon=4096,
        batch=4,
        trained=(Trained(optimizer, 1e-5, 0.1),),
        n_seeds=2,
    )


INVERSE = family("inverse", 64, "adam")
OTHER = family("other", 64, "adamw")
STILL = family("still", 1, "sgd")
FAMILIES = (INVERSE, OTHER, STILL)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables whose best rate is 1e-3 at 512 samples, and inverse to the data if they repeat."""
    folder = tmp_path_factory.mktemp("tables")
    for each in FAMILIES:
        (table,) = each.tables()
        grid = table.grid(4096)
        steps = np.array(grid.steps)
        slope = 1.0 if each.repeats else 0.0
        distance = np.log(np.array(grid.lrs)[:, None] / 1e-3) + slope * np.log(steps / 512)
        curves = steps**-0.1 * np.exp(0.1 * distance**2)
        losses = np.stack([curves * (1 + 0.05 * seed) for seed in range(grid.n_seeds)])
        path = folder / f"{table.name}.csv.gz"
        write(RunTable.concatenate([as_table(table, 4096, losses)]), path)
    return folder


@pytest.fixture(scope="module")
def cases(tables: Path) -> list[Case]:
    return draw(tables, FAMILIES, N)


def draw(tables: Path, families: tuple[Family, ...], n_draws: int) -> list[Case]:
    return draw_cases(tables, families, n_draws, lambda *_: None)


def of(cases: list[Case], table: str, fraction: float) -> list[Case]:
    chosen = [one for one in cases if one.table == table]
    return [one for one in chosen if abs(one.target / 4096 / fraction - 1) < 0.2]


@pytest.mark.parametrize("fraction", TARGETS)
def test_the_truth_and_what_is_seen(cases: list[Case], fraction: float) -> None:
    chosen = of(cases, "inverse-adam-constant", fraction)
    assert len(chosen) == N
    assert {one.regime for one in chosen} == {("adaptive", "repeated")}
    target = chosen[0].target
    assert target == pytest.approx(4096 * fraction, rel=0.15)
    assert chosen[0].ln_lr == pytest.approx(np.log(1e-3 * 512 / target), abs=0.05)
    assert chosen[0].one_pass == 64 and chosen[0].longest == 4096

    assert chosen[0].slope == pytest.approx(1, abs=0.05)
    assert len({one.probes for one in chosen}) == N
    for one in chosen:
        last = one.probes[-1]
        assert last.horizon == pytest.approx(target / 12, rel=0.35)
        assert last.ln_lr == pytest.approx(np.log(1e-3 * 512 / last.horizon), abs=4 * last.se)
        assert last.ln_loss is not None


def test_fresh_data(cases: list[Case]) -> None:
    (first, *_) = of(cases, "still-sgd-constant", 1.0)
    assert first.regime == ("plain", "fresh")
    assert first.ln_lr == pytest.approx(np.log(1e-3), abs=0.1)


def test_draws_do_not_depend_on_other_tables(cases: list[Case], tables: Path) -> None:
    alone = draw(tables, (STILL,), 2)
    assert alone[:2] == of(cases, "still-sgd-constant", 1.0)[:2]


def test_cases_in_a_file(cases: list[Case], tmp_path: Path) -> None:
    path = tmp_path / "cases.json.gz"
    write_cases(cases, path)
    for one, again in zip(cases, read_cases(path), strict=True):
        assert again.ln_lr == pytest.approx(one.ln_lr, rel=1e-4)
        assert (again.table, again.regime) == (one.table, one.regime)
        assert [probe.n for probe in again.probes] == [probe.n for probe in one.probes]
        assert again.probes[-1].ln_loss == pytest.approx(one.probes[-1].ln_loss, rel=1e-4)
    with pytest.raises(ValueError, match="run `python -m studies.atlas cases`"):
        read_cases(tmp_path / "none.json.gz")


def test_no_tables(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no table of the atlas"):
        draw(tmp_path, FAMILIES, 1)


def test_a_number_of_cases(tables: Path) -> None:
    with pytest.raises(ValueError, match="ladders must be at least 1"):
        draw(tables, FAMILIES, 0)


def test_ladders_and_their_record(cases: list[Case], tables: Path, tmp_path: Path) -> None:
    evidence = Evidence(of(cases, "other-adamw-constant", 1.0)[:2])
    done: list[tuple[int, int]] = []
    fired = shoot(tables, evidence, 1, lambda *at: done.append(at), (INVERSE, STILL))
    assert done == [(1, 2), (2, 2)]
    inverse, still = fired
    assert inverse.regime == ("adaptive", "repeated") and still.regime == ("plain", "fresh")
    assert tuple(inverse.regrets) == RULES
    assert inverse.mean(LAW) < 0.05 < inverse.mean("copy")
    assert still.mean("copy") < 0.05 < still.mean("slope-1")

    path = tmp_path / "shots.json"
    write_shots(fired, path)
    again = read_shots(path)
    assert [one.regime for one in again] == [one.regime for one in fired]
    assert again[0].mean("copy") == pytest.approx(inverse.mean("copy"), rel=1e-3)

    text = "\n".join(page(evidence, again))
    assert "1 (1) |" in text and "Ladders of probes" in text
    made = json.loads(json.dumps(as_json(evidence, again), allow_nan=False))
    assert made["regimes"]["plain, fresh data"]["one_shot"]["n_tables"] == 1


def test_a_number_of_ladders(tables: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        shoot(tables, Evidence([]), 0, lambda *_: None, FAMILIES)


def test_families_weigh_the_same() -> None:
    one = Shots("a-sgd", "a", ("plain", "fresh"), dict.fromkeys(RULES, [0.1]), 1.0)
    two = replace(one, table="a-momentum")
    other = replace(one, family="b", regrets=dict.fromkeys(RULES, [0.4]), covered=0.0)
    (summary,) = summarize([one, two, other]).values()
    assert summary.n_tables == 3 and summary.n_families == 2
    assert summary.mean[LAW] == pytest.approx(0.25)
    assert summary.coverage == pytest.approx(0.5)
    assert summary.median[LAW] == pytest.approx(0.1)


def test_the_law_without_a_better_rule_is_told(tables: Path) -> None:
    regrets = {rule: [0.4] for rule in RULES} | {"slope-0.5": [0.1]}
    shot = Shots("a-sgd", "a", ("plain", "fresh"), regrets, 1.0)
    text = "\n".join(page(Evidence(draw(tables, (STILL,), 1)), [shot]))
    assert "- plain, fresh data: slope-0.5 loses less on average, 10 %, not 40 %." in text


def test_only_constant_rates_count() -> None:
    scheduled = replace(STILL, trained=(Trained("sgd", 1e-5, 0.1, ("cosine", CONSTANT)),))
    names = [table.name for table in constant_tables([scheduled])]
    assert names == ["still-sgd-constant"]
