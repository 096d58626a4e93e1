"""What the sweep of Psi's measures trains, and what the page says of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
import torch

from studies.budgets.problem import HORIZON
from studies.mnist.data import load
from studies.psi import methods, sweep
from studies.psi.__main__ import main
from studies.psi.cells import (
    CARRIED,
    CLOSED,
    GRID_SEEDS,
    OPEN,
    PEAKS,
    SHORT,
    TRIED,
    TUNED,
    Cell,
    Trained,
    add,
    best,
    probe_cells,
    probes_of,
    read,
    tuned,
    wanted,
)
from studies.psi.measures import pair, summarize, time_to
from studies.psi.report import write

N_PROBES = 6
LOSSES = {method: 0.2 + 0.01 * number for number, method in enumerate((OPEN, CLOSED, *TUNED))}


def trained(cell: Cell) -> Trained:
    """A training that ends lowest at the sixth peak, or at the seventh if it is short."""
    if cell.part == "probe":
        return Trained(cell, 0.1, math.nan, math.nan, (2.0, 1.0))
    away = abs(cell.place - (6 if cell.part == "short" else 5)) / 2
    loss = LOSSES.get(cell.method, 0.3) + 0.1 * away * (cell.method in TUNED) + 1e-3 * cell.seed
    losses = tuple(np.linspace(1.0, loss, 20).tolist())
    lr = PEAKS[cell.optimizer][cell.place]
    return Trained(cell, lr, loss, 0.9, losses, (lr,) * 20, (0.1, 0.5, 0.2, 0.1, 0.8))


def complete(seeds: range) -> dict[Cell, Trained]:
    """All trainings of some seeds."""
    done: dict[Cell, Trained] = {}
    while cells := wanted(done, seeds, N_PROBES):
        done |= {cell: trained(cell) for cell in cells}
    return done


def test_tuning_costs_as_much_data_as_the_probes_of_psi() -> None:
    for optimizer in ("adam", "sgd"):
        probes = methods.probe_plans(optimizer)
        assert sum(horizon for _, _, horizon in probes) == HORIZON
        assert len(TRIED) * HORIZON / SHORT == HORIZON
        assert {lr for _, lr, _ in probes} <= set(PEAKS[optimizer])


def test_runs_by_psi_wait_for_their_probes() -> None:
    first = wanted({}, [5], N_PROBES)
    assert not [cell for cell in first if cell.method in (OPEN, CLOSED, CARRIED)]
    assert not [cell for cell in first if cell.part == "full"]

    probes = {cell: trained(cell) for cell in probe_cells("sgd", 5, N_PROBES)}
    then = [cell for cell in wanted(probes, [5], N_PROBES) if cell.part == "full"]
    assert {(cell.optimizer, cell.method, cell.task) for cell in then} == {
        ("sgd", OPEN, "usual"),
        ("sgd", CLOSED, "usual"),
        ("sgd", CARRIED, "narrow"),
        ("sgd", CARRIED, "noisy"),
    }
    assert all(set(probes_of(cell, N_PROBES)) == set(probes) for cell in then)


def test_a_carried_psi_has_the_probes_of_the_usual_task() -> None:
    own = probes_of(Cell("adam", OPEN, "full", 1, task="noisy"), 2)
    assert own == probe_cells("adam", 1, 2, "noisy")
    assert probes_of(Cell("adam", CARRIED, "full", 1, task="noisy"), 2) == probe_cells(
        "adam", 1, 2
    )
    assert probes_of(Cell("adam", "cosine", "full", 1), 2) == []


def test_a_later_seed_is_trained_at_the_tuned_and_at_the_best_peak() -> None:
    done = complete(range(GRID_SEEDS + 1))
    assert tuned(done, "adam", "cosine", GRID_SEEDS) == 6
    assert best(done, "adam", "cosine") == 5

    places = [
        cell.place
        for cell in done
        if cell[:4] == ("adam", "cosine", "full", GRID_SEEDS) and cell.task == "usual"
    ]
    assert sorted(places) == [5, 6]


def test_a_file_holds_what_was_trained(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    diverged = Trained(Cell("sgd", "wsd", "full", 0, 5), 1.0, math.nan, 0.0, (2.5, math.nan))
    usual = trained(Cell("adam", OPEN, "full", 3, task="narrow"))
    for one in (diverged, usual):
        add(one, path)

    again = read(path)
    assert list(again) == [diverged.cell, usual.cell]
    assert again[diverged.cell].valid == math.inf
    assert again[usual.cell].losses == pytest.approx(usual.losses, rel=1e-3)
    assert again[usual.cell].formula == usual.formula


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    add(trained(Cell("adam", OPEN, "full", 0)), path)
    path.write_text(path.read_text() + "adam,psi-open,full,1\n")
    with pytest.raises(ValueError, match="remove that line and sweep again"):
        read(path)


@pytest.mark.parametrize(
    ("losses", "target", "expected"),
    [
        ((3.0, 2.0, 1.0, 2.0), 1.5, 0.625),
        ((1.0, 0.5), 1.0, 0.5),
        ((1.0, 0.5), 0.4, math.inf),
        ((math.nan, math.nan), 0.4, math.inf),
    ],
)
def test_the_time_to_a_loss(losses: tuple[float, ...], target: float, expected: float) -> None:
    assert time_to(losses, target) == expected


def test_a_pair_counts_a_run_that_diverged_as_worse() -> None:
    def runs(*tests: float) -> list[Trained]:
        return [Trained(Cell("sgd", "wsd", "full", 0), 0.1, one, 0.9, (one,)) for one in tests]

    one = pair(runs(0.9, math.nan, 1.2), runs(1.0, 1.0, math.nan))
    assert one.above == pytest.approx(-0.1)
    assert one.better == pytest.approx(2 / 3)
    assert pair(runs(math.nan), runs(math.nan)).above == 0


def test_results_are_those_of_the_tuned_peak_and_of_the_best_one() -> None:
    done = complete(range(GRID_SEEDS))
    result = summarize(done, "adam")
    assert result is not None
    assert result.best == "constant"
    assert result.tuned["cosine"].loss.median == pytest.approx(LOSSES["cosine"] + 0.051)
    assert result.hindsight["cosine"].loss.median == pytest.approx(LOSSES["cosine"] + 0.001)
    expected = (LOSSES[OPEN] + 0.001) / (LOSSES["constant"] + 0.001) - 1
    assert result.open_beside_best.above == pytest.approx(expected)
    assert summarize(complete(range(GRID_SEEDS - 1)), "adam") is None


def test_the_page_says_where_psi_loses_and_what_is_missing(tmp_path: Path) -> None:
    path = write(complete(range(GRID_SEEDS)), tmp_path)
    page = path.read_text()
    first = page[: page.index("## The law")]
    assert "better than Psi, closed loop: Psi, open loop (Psi 5.0 % above)" in first
    assert "better than Psi, open loop: none" in first
    assert "**Not finished**: 3 of 20 seeds so far." in page
    assert (tmp_path / "psi.svg").stat().st_size > 10_000


def test_a_page_without_a_complete_seed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no seed of Adam is complete"):
        write({}, tmp_path)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digits for MNIST, and a horizon of 1,920 samples."""
    digits = load("digits")
    monkeypatch.setattr(methods, "HORIZON", 1920)
    monkeypatch.setattr(methods, "dataset", lambda: digits)
    methods._data.cache_clear()
    torch.set_num_threads(1)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("method", TUNED)
def test_each_tuned_method_trains(method: str) -> None:
    if method == "schedule-free":
        pytest.importorskip("schedulefree")
    short = methods.train(Cell("sgd", method, "short", 0, 4))
    full = methods.train(Cell("sgd", method, "full", 0, 4))
    assert len(full.losses) == len(full.rates) == methods.N_LOOKS
    assert full.losses[-1] < short.losses[-1] < math.log(10)
    assert full.test < 2.3 and full.accuracy > 0.1
    assert max(full.rates) <= PEAKS["sgd"][4] * (1 if method != "greedy" else 100)


@pytest.mark.usefixtures("small")
def test_psi_is_fitted_to_probes_and_followed() -> None:
    probes = [methods.train(cell) for cell in probe_cells("sgd", 0, methods.N_PROBES)]
    psi = methods.psi_of("sgd", probes)
    runs = {m: methods.train(Cell("sgd", m, "full", 0), probes) for m in (OPEN, CLOSED)}
    assert runs[OPEN].lr == runs[CLOSED].lr == pytest.approx(psi.peak_lr())
    assert runs[OPEN].formula[-1] == pytest.approx(psi.formula.determination)
    factors = psi.open_loop().factors(30)
    assert runs[OPEN].rates[-1] == pytest.approx(psi.peak_lr() * factors[-1], rel=1e-6)

    other = methods.train(Cell("sgd", CARRIED, "full", 0, task="narrow"), probes)
    assert other.rates == pytest.approx(runs[OPEN].rates)
    assert other.losses != runs[OPEN].losses


def test_probes_that_tell_nothing_count_as_a_run_that_diverged() -> None:
    probes = [
        Trained(cell, 0.1, math.nan, math.nan, (math.nan, math.nan))
        for cell in probe_cells("sgd", 0, methods.N_PROBES)
    ]
    run = methods.train(Cell("sgd", OPEN, "full", 0), probes)
    assert run.valid == math.inf and math.isnan(run.lr) and run.formula == ()
    assert len(run.losses) == len(run.rates) == methods.N_LOOKS


@pytest.mark.usefixtures("small")
def test_a_fifth_of_the_noisy_labels_are_random() -> None:
    usual, noisy = methods._data("usual").train_y, methods._data("noisy").train_y
    changed = float((usual != noisy).float().mean())
    assert 0.13 < changed < 0.23  # a tenth of the drawn labels are the right ones


def test_a_run_that_diverges_is_recorded(small: Callable[[], None]) -> None:
    peaks = PEAKS["sgd"]
    cell = Cell("sgd", "constant", "full", 0, len(peaks) - 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PEAKS, "sgd", (*peaks[:-1], 1e20))
        run = methods.train(cell)
    assert run.valid == math.inf and math.isnan(run.test)
    assert len(run.losses) == len(run.rates) == methods.N_LOOKS


@pytest.mark.parametrize("option", ["--jobs", "--seeds"])
def test_a_wrong_number_is_one_line(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["measures", "sweep", "--out", str(tmp_path), option, "0"]
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"error: {option} must be at least 1, got 0\n"


def test_a_sweep_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[Cell] = []

    class Pool:
        """Makes trainings at once, in this process."""

        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None: ...
        def submit(self, _: object, cell: Cell, probes: list[Trained]) -> Future[Trained]:
            made.append(cell)
            assert [one.cell for one in probes] == probes_of(cell, N_PROBES)
            future: Future[Trained] = Future()
            future.set_result(trained(cell))
            return future

    monkeypatch.setattr(sweep, "ProcessPoolExecutor", Pool)
    path = tmp_path / "runs.csv"
    whole = complete(range(2))
    some = list(whole)[:100]
    for cell in some:
        add(whole[cell], path)

    assert main(["measures", "sweep", "--out", str(tmp_path), "--seeds", "2", "--jobs", "1"]) == 0
    assert set(made) == set(whole) - set(some) and len(made) == len(set(made))
    assert set(read(path)) == set(whole)
    assert f"{len(made)} trainings added" in capsys.readouterr().out
