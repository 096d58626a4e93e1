from __future__ import annotations

from pathlib import Path

import optuna
import pytest

pytest.importorskip("rich")
pytest.importorskip("optuna_dashboard")

from optuna_kappa.study.plans import plan_of  # noqa: E402
from studies.bench import dashboard, watched  # noqa: E402
from studies.bench.watched import N_REPORTS, make_study, rate  # noqa: E402


def load(path: Path) -> optuna.Study:
    return optuna.load_study(study_name="bench", storage=f"sqlite:///{path}")


def test_the_study_is_that_of_a_search(tmp_path: Path) -> None:
    make_study(tmp_path / "made.db", 14)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.db"]
    trials = load(tmp_path / "made.db").trials
    assert len(trials) == 14
    for trial in trials:
        plan = plan_of(trial)
        assert plan is not None and list(trial.intermediate_values) == [
            *range(1, plan.horizon + 1)
        ]
    assert len(trials[-1].intermediate_values) == N_REPORTS


def test_a_study_goes_on(tmp_path: Path) -> None:
    make_study(tmp_path / "made.db", 14)
    assert rate(tmp_path / "made.db", 0.2) > 0
    later = load(tmp_path / "made.db").trials[14:]
    assert len(later) >= 3
    assert all(trial.state.is_finished() for trial in later)


@pytest.mark.parametrize("case", dashboard.CASES)
def test_a_dashboard_is_open_beside_it(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    ask = dashboard._Page._ask

    def noted(page: dashboard._Page) -> None:
        ask(page)
        asked.append(page._n_trials)

    monkeypatch.setattr(dashboard._Page, "_ask", noted)
    monkeypatch.setattr(dashboard, "_SETTLE", 0.0)
    make_study(tmp_path / "made.db", 14)
    found = dashboard._round(case, tmp_path / "made.db", 0.2, number=0)
    assert found.watched > 0 and found.alone > 0
    assert asked[0] == 14
    timing = dashboard._timing(case, [found, found._replace(watched=3 * found.watched)])
    assert timing.ratio == pytest.approx(2 * found.watched / found.alone)
    assert dashboard._table([timing]).row_count == 1


@pytest.mark.parametrize(("n_trials", "seconds", "rounds"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_numbers_that_are_not_allowed(n_trials: int, seconds: float, rounds: int) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        dashboard.report(n_trials, seconds, rounds)


def test_losses_have_an_optimum_that_moves() -> None:
    rates = [10 ** (-exponent / 4) for exponent in range(20)]
    best = [min(rates, key=lambda lr: watched._loss(lr, step)) for step in (1, 50)]
    assert best[0] > best[1] > rates[-1]
