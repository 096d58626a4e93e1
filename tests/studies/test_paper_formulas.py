"""The paper's formulas against the schedules' exact means and the paper's own numbers."""

from __future__ import annotations

import pytest

from optuna_kappa.schedules import PeriodicSchedule, parse
from studies.paper import formulas, published

EPOCH = 30_000
NAMES = {
    "constant": "constant",
    "halving": f"halving(period={EPOCH})",
    "cyclic": f"cyclic(period={EPOCH})",
}


@pytest.mark.parametrize("schedule", NAMES)
@pytest.mark.parametrize("n_epochs", [1, 2, 5, 13, 22, 40])
def test_kappa_is_that_of_the_schedule(schedule: str, n_epochs: int) -> None:
    exact = parse(NAMES[schedule])
    if isinstance(exact, PeriodicSchedule):
        exact = exact.resolve(n_epochs * EPOCH)
    kappa = formulas.kappa(2e-3, n_epochs, EPOCH, schedule)
    assert kappa == pytest.approx(exact.kappa(2e-3, n_epochs * EPOCH), rel=1e-12)
    assert formulas.lr(kappa, n_epochs, EPOCH, schedule) == pytest.approx(2e-3, rel=1e-12)


def test_sums() -> None:
    assert [formulas.constant_sum(n) for n in (1, 2, 3)] == [1, 2, 3]
    assert [formulas.geometric_sum(n) for n in (1, 2, 3)] == [1, 1.5, 1.75]
    assert [formulas.cyclic_sum(n) for n in (1, 2, 3, 4)] == [1, 4, 5, 8]
    with pytest.raises(ValueError, match="n_epochs must be at least 1, but is 0"):
        formulas.cyclic_sum(0)


def test_the_papers_own_numbers() -> None:
    kappa = formulas.kappa(published.KAPPA_LR, published.KAPPA_EPOCHS, EPOCH)
    assert round(kappa) == published.KAPPA == 165
    for n_epochs, lr in published.HALVING_PREDICTED.items():
        predicted = formulas.lr(published.KAPPA, n_epochs, EPOCH, "halving")
        assert round(predicted, 5) == lr


def test_the_papers_own_ratios_are_not_two() -> None:
    first = published.doubling_ratios(published.TABLE_1)
    second = published.doubling_ratios(published.TABLE_2)
    assert list(first) == list(second) == [5, 6, 7, 8, 9]
    assert [round(r, 2) for r in first.values()] == [2.44, 3.11, 2.75, 3.25, 1.83]
    assert [round(r, 2) for r in second.values()] == [1.4, 2.27, 1.71, 1.7, 1.43]


def test_slope_and_scatter_of_a_table() -> None:
    inverse = {n: 0.3 / n for n in (1, 2, 5, 8)}
    assert published.slope(inverse) == pytest.approx(1)
    assert published.scatter(inverse) == pytest.approx(0, abs=1e-9)
    assert published.slope(dict.fromkeys((1, 2, 5), 0.1)) == pytest.approx(0)
    assert published.scatter({1: 1.0, 2: 2.0, 4: 1.0}) > 0.1


def test_published_optima_are_multiples_of_a_unit_over_epochs() -> None:
    assert published.on_grid(published.TABLE_1, published.GRIDS["adam"]) == 10
    assert published.on_grid(published.TABLE_2, published.GRIDS["sgd"]) == 10
    # Not so for another unit, so the test can tell.
    assert published.on_grid(published.TABLE_1, 0.0007) < 4
    assert published.on_grid({5: 0.00113}, 0.0005) == 0
