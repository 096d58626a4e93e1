"""Sources that mislead, and what they cost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from simulated import Simulated, grid

from optuna_kappa import RunTable
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import Optimum, find_optima
from studies.replay.__main__ import main
from studies.replay.misled import compared, misled, times
from studies.replay.search import Searched, search
from studies.replay.sources import FACTORS, VAGUE, scenarios
from studies.replay.table import Prepared, prepare
from studies.replay.workers import Replay, Sources

_TARGET = 64.0  # horizon
_INF = np.inf


def runs(slope: float = 1.0) -> RunTable:
    tables = [Simulated(slope, noise=0.02, seed=seed).runs(grid(13)) for seed in range(2)]
    return RunTable.concatenate(tables)


def cosine() -> RunTable:
    finals = [Simulated().final(grid(13), horizon, "cosine", 0.5) for horizon in (4, 8, 16, 64)]
    return RunTable.concatenate(finals)


@pytest.fixture(scope="module")
def steep() -> Prepared:
    return prepare(runs(), None, None)


@pytest.fixture(scope="module")
def told(steep: Prepared) -> dict[str, Sources]:
    return scenarios(steep, {})


def optima(sources: Sources, seed: int = 0) -> list[Optimum]:
    (table,) = sources(seed)
    return find_optima(observe(table))


def test_each_scenario_is_there_confident_and_vague(told: dict[str, Sources]) -> None:
    names = ["right", "x1/30", "x1/4", "x4", "x30", "slope1", "flat", "schedule"]
    assert list(told) == [*names, *(VAGUE + name for name in names)]


@pytest.mark.parametrize("kind", ["", VAGUE])
@pytest.mark.parametrize("factor", ["x1/30", "x1/4", "x4", "x30"])
def test_a_factor_moves_the_optimum_by_it(
    told: dict[str, Sources], kind: str, factor: str
) -> None:
    right, wrong = optima(told[kind + "right"]), optima(told[kind + factor])
    assert [one.horizon for one in right] == [one.horizon for one in wrong]
    moved = [b.ln_lr - a.ln_lr for a, b in zip(right, wrong, strict=True)]
    assert moved == pytest.approx([np.log(FACTORS[factor])] * len(moved), abs=1e-6)


def test_what_is_right_is_what_runs_up_to_a_third_have_shown(
    steep: Prepared, told: dict[str, Sources]
) -> None:
    (table,) = told["right"](0)
    unit = steep.objective.horizon / _TARGET
    assert table.horizon.max() <= _TARGET / 3 * unit
    assert (table.step == table.horizon).all()
    found = optima(told["right"])
    assert len(found) > 10
    for one in found:
        true = Simulated().optimum(one.horizon / unit)
        if np.exp(grid(13)[0]) < true < grid(13)[-1]:
            assert one.ln_lr == pytest.approx(np.log(true), abs=0.2)


@pytest.mark.parametrize("true", [0.0, 1.0])
@pytest.mark.parametrize(("scenario", "slope"), [("slope1", 1.0), ("flat", 0.0)])
def test_a_wrong_slope_whatever_the_true_one(true: float, scenario: str, slope: float) -> None:
    made = prepare(runs(true), None, None)
    told = scenarios(made, {})
    found = optima(told[scenario])
    ln_horizon, ln_lr = np.array([(np.log(one.horizon), one.ln_lr) for one in found]).T
    assert -np.polyfit(ln_horizon, ln_lr, 1)[0] == pytest.approx(slope, abs=0.1)
    # The largest horizon, at most a 24th of the target, is as it was.
    (wrong,), (right,), last = told[scenario](0), told["right"](0), found[-1].horizon
    assert last == wrong.horizon.max() <= made.objective.horizon / 24
    assert np.allclose(wrong.lr[wrong.horizon == last], right.lr[right.horizon == last])


def test_another_schedule_is_said_to_be_the_targets_and_the_reverse(steep: Prepared) -> None:
    other = prepare(cosine(), None, None, steep.per_unit)
    told = scenarios(steep, {"cosine": other})
    (of_cosine,), (mislabelled,) = told["cosine"](0), told["schedule"](0)
    assert set(of_cosine.schedule) == {"constant"}
    assert set(mislabelled.schedule) == {f"halving(period={round(2**30 / 24)})"}
    assert np.unique(of_cosine.horizon) * _TARGET / 2**30 == pytest.approx([4, 8, 16])
    (of_constant,) = scenarios(other, {"steep": steep})["steep"](0)
    assert set(of_constant.schedule) == {"cosine"}
    told = scenarios(other, {})
    assert set(told["schedule"](0)[0].schedule) == {"constant"}
    assert "slope1" not in told  # nothing was run for a 24th of the target


def test_a_vague_source_is_a_few_runs_of_two_horizons(told: dict[str, Sources]) -> None:
    (vague,), (all_runs,) = told["vague-right"](0), told["right"](0)
    horizons = np.unique(vague.horizon)
    assert len(horizons) == 2
    assert all_runs.horizon.max() / horizons == pytest.approx([8, 2], rel=0.2)
    for horizon in horizons:
        lrs = vague.lr[vague.horizon == horizon]
        assert 3 <= len(np.unique(lrs)) == len(lrs) <= 5
    recorded = set(zip(all_runs.lr, all_runs.horizon, all_runs.loss, strict=True))
    assert set(zip(vague.lr, vague.horizon, vague.loss, strict=True)) < recorded


def test_a_vague_source_is_another_one_for_each_seed(told: dict[str, Sources]) -> None:
    losses = [told["vague-x4"](seed)[0].loss.tolist() for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_a_search_with_a_source_has_no_probes(steep: Prepared, told: dict[str, Sources]) -> None:
    right, wrong = (
        search(steep.objective, "kappa", 0, 2, sources=told[name](0)) for name in ("right", "x30")
    )
    assert right.spent.tolist() == wrong.spent.tolist() == [1, 2]
    assert right.regret[0] < 0.05 < wrong.regret[0]


def test_a_table_without_shorter_runs_or_with_other_parameters() -> None:
    final = Simulated().final(grid(13), 64, "cosine", 0.5)
    with pytest.raises(ValueError, match="no cosine runs up to a third of the target"):
        scenarios(prepare(final, None, None), {})
    rows = runs()
    several = RunTable.from_columns(
        {name: getattr(rows, name) for name in ("run", "schedule", "horizon", "step", "loss")}
        | {"lr": [float(i) + 1 for i in np.unique(rows.run, return_inverse=True)[1]]}
        | {"width": rows.run}
    )
    with pytest.raises(ValueError, match="differ in more than their learning rates"):
        scenarios(prepare(several, None, None), {})


def test_the_time_of_a_search_is_when_its_regret_stays_small() -> None:
    spent, no_ms = np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4)
    regrets = (
        [0.5, 0.01, 0.03, 0.02],
        [0.01] * 4,
        [0.01, 0.01, 0.01, 0.03],
        [np.nan] + [0.02] * 3,
    )
    found = times([Searched(spent, np.array(regret), no_ms) for regret in regrets])
    assert found.tolist() == [4, 1, _INF, 2]


def test_delays_are_the_largest_that_they_may_be() -> None:
    kappa = np.array([3.0, 5.0, 6.0, _INF, _INF])
    base = np.array([2.0, 1.0, _INF, 7.0, _INF])
    found = compared(kappa, base, budget=8)
    # 1, 4, less than -2, beyond 8 - 7 and unknown.
    assert found["delay"] == 4
    assert (found["late"], found["surely_late"]) == (3 / 5, 1 / 5)
    assert (found["median"], found["ratio"], found["censored"]) == (6, 6 / 7, 2)
    assert found["delay_95"] is None
    assert found["times"] == [3, 5, 6, None, None]
    # By rank 3 - 1, 5 - 2, 6 - 7 and two that never arrived, beside two that did not either.
    assert found["late_by_rank"] == 3 / 5
    assert not (found["held"] or found["held_by_rank"])


def test_one_of_twenty_may_be_late_and_a_quarter_longer_is_allowed() -> None:
    base = np.full(20, 8.0)
    kappa = np.where(np.arange(20) == 3, _INF, 10.0)
    found = compared(kappa, base, budget=24)
    assert (found["ratio"], found["delay_95"], found["late"], found["held"]) == (
        1.25,
        2,
        0.05,
        True,
    )
    assert not compared(np.where(np.arange(20) < 2, 11.0, 9.0), base, 24)["held"]
    assert not compared(kappa + 0.1, base, 24)["held"]


def test_repeats_are_paired_by_seed(steep: Prepared, told: dict[str, Sources]) -> None:
    replay = Replay(steep.objective, repeats=2, seed=3, jobs=1)
    done: list[int] = []
    found = misled(replay, {"x4": told["vague-x4"]}, 3, done.append)
    tpe = times([search(steep.objective, "tpe", seed, 3) for seed in (3, 4, 5, 6)])
    kappa = times(
        [search(steep.objective, "kappa", s, 3, sources=told["vague-x4"](s)) for s in (3, 4)]
    )

    def as_json(values: np.ndarray) -> list[float | None]:
        return [None if np.isinf(value) else value for value in values]

    assert found["tpe"]["times"] == as_json(tpe[:2])
    assert found["luck"]["times"] == as_json(tpe[2:])
    assert found["scenarios"]["x4"]["times"] == as_json(kappa)
    assert sum(done) == 6


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, table in (("target", runs()), ("other", runs(0.0))):
        table.to_csv(tmp_path / f"{name}.csv.gz")
    given = f"misled --runs {tmp_path}/target.csv.gz --others {tmp_path}/other.csv.gz --repeats 2"
    rest = "--budget 2 --jobs 1 --scenarios x4,vague-other"
    assert main(f"{given} {rest} --json".split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["budget"], found["level"], found["repeats"]) == (2, 0.02, 2)
    assert list(found["scenarios"]) == ["x4", "vague-other"]
    for one in (found["luck"], *found["scenarios"].values()):
        assert len(one["times"]) == 2
        assert set(one["intervals"]) == {"ratio", "delay", "delay_95", "late", "late_by_rank"}
        low, high = one["intervals"]["late"]
        assert low <= one["late"] <= high
    assert main(f"{given} {rest.replace('x4', 'x5')}".split()) == 2
    assert "unknown scenario 'x5'; choose from right, x1/30" in capsys.readouterr().err
    assert main(f"{given} {rest.replace('x4,', '')}".split()) == 0
    text = capsys.readouterr().out
    assert "Full runs to 2% regret, 2 searches each, constant, horizon 64; TPE:" in text
    assert "(TPE, other seeds)" in text
    assert "vague-other" in text
