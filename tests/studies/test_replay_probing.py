"""Ladders of probes that are drawn from recorded runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna
import pytest
from simulated import LARGEST, Simulated, grid

from optuna_kappa import KappaSampler, RunTable, horizon
from optuna_kappa._typing import Floats
from optuna_kappa.law.prior import MIXTURE
from optuna_kappa.law.regimes import prior_for
from optuna_kappa.schedules import constant
from optuna_kappa.search.budget import Rung, rungs_for
from studies.replay.grid import Grid
from studies.replay.lending import as_grid
from studies.replay.objective import Curve
from studies.replay.probing import Probe, Probes, draw_probes, ln_range
from studies.replay.search import follow, tell
from studies.replay.table import prepare

NAN = float("nan")


def made(simulated: Simulated, n_seeds: int = 1) -> Grid:
    tables = []
    for seed in range(n_seeds):
        runs = replace(simulated, seed=seed).runs(grid(19), first=2.0)
        tables.append(replace(runs, context={"seed": np.full(len(runs), f"{seed}")}))

    return as_grid(prepare(RunTable.concatenate(tables), None, None).objective)


def probe(lr: float, horizon: float, *losses: float) -> Probe:
    n = len(losses)
    return Probe(lr, horizon, Curve(horizon * np.arange(1, n + 1) / n, np.array(losses)))


def _again(objective: Grid, rungs: list[Rung]) -> Probes:
    return draw_probes(objective, objective.horizon, rungs, seed=0)


def ln_lrs(probes: Probes) -> Floats:
    return np.log([one.lr for one in probes.done])


@pytest.mark.parametrize(
    ("problem", "seed"),
    [(Simulated(0.6, noise=0.02), 0), (Simulated(0.0, diverges=3.0), 1)],
)
def test_probes_are_those_of_a_search(problem: Simulated, seed: int) -> None:
    objective = made(problem)
    target = round(objective.horizon)
    study = optuna.create_study(sampler=KappaSampler(horizon=target, seed=seed))
    expected = []
    for number in range(10):
        trial = study.ask(objective.space)
        planned = horizon(trial)
        # There is one recorded seed, so this generator does not matter.
        curve = objective.curve(trial.params, planned, np.random.default_rng(number))
        _, ended = follow(trial, curve, prune=False)
        tell(study, trial, float(curve.losses[-1]) if ended else None)
        expected.append((planned, trial.params["lr"]))

    found = draw_probes(objective, target, rungs_for(1.5), seed)
    assert [one.horizon for one in found.done] == [planned for planned, _ in expected]
    assert [one.lr for one in found.done] == pytest.approx([lr for _, lr in expected])


def test_the_first_rung_covers_the_range_and_the_second_follows_the_law() -> None:
    objective = made(Simulated(slope=1.0, noise=0.02), n_seeds=3)
    low, high = ln_range(objective)
    for seed in range(3):
        found = draw_probes(objective, objective.horizon, rungs_for(0.5), seed)
        ln_lr = ln_lrs(found)
        cells = np.floor((ln_lr[:6] - low) / (high - low) * 6)
        assert sorted(cells) == [0, 1, 2, 3, 4, 5]
        assert np.abs(ln_lr[6:] - np.log(Simulated().optimum(LARGEST / 12))).min() < 0.7
        fractions = [one.horizon / objective.horizon for one in found.done]
        assert fractions == pytest.approx([1 / 24] * 6 + [1 / 12] * 3)
        assert found.steps == pytest.approx(objective.horizon / 2)


def test_seeds_differ_in_learning_rates_and_in_recorded_seeds() -> None:
    objective = made(Simulated(noise=0.1), n_seeds=5)
    short = [Rung(1 / 16, 4)]
    ladders = [draw_probes(objective, objective.horizon, short, seed) for seed in (0, 0, 1)]
    first, again, other = (ln_lrs(found) for found in ladders)
    assert first.tolist() == again.tolist()
    assert not np.isclose(first, other).any()

    # Without noise, the seeds of a rate are the same curve.
    clean = made(Simulated(), n_seeds=5)
    noise = set()
    for one, silent in zip(ladders[0].done, _again(clean, short).done, strict=True):
        noise.add(round(np.log(one.loss / silent.loss), 3))
    assert len(noise) > 1


def test_a_probe_shorter_than_the_first_report() -> None:
    objective = made(Simulated())  # whose first report comes at 2 of 64
    (first, *_) = draw_probes(objective, objective.horizon, [Rung(1 / 64, 3)], seed=0).done
    assert first.trained_for / objective.horizon == pytest.approx(2 / 64)
    assert first.ended == first.trained_for


def test_a_probe_costs_what_was_trained() -> None:
    assert probe(1e-3, 8, 3.0, 2.0).ended == 8
    assert probe(1e-3, 8, 3.0, NAN, NAN, NAN).ended == 4
    both = Probes([probe(1e-3, 8, 3.0, 2.0), probe(1e-2, 8, 3.0, NAN, NAN, NAN)], constant())
    assert both.steps == 12


def test_the_best_of_the_largest_horizon_that_did_not_diverge() -> None:
    short = [probe(1e-3, 4, 1.0), probe(2e-3, 4, 0.9)]
    long = [probe(1e-3, 8, 3.0), probe(2e-3, 8, 3.5), probe(9e-3, 8, NAN)]
    best = Probes([*short, *long], constant()).last_best
    assert best is not None
    assert (best.lr, best.horizon) == (1e-3, 8)

    best = Probes([*short, probe(1e-3, 8, NAN)], constant()).last_best
    assert best is not None
    assert (best.lr, best.horizon) == (2e-3, 4)
    assert Probes([probe(1e-3, 4, NAN)], constant()).last_best is None


def test_the_wall_is_above_all_that_did_not_diverge() -> None:
    done = [probe(1e-3, 4, 1.0), probe(1e-2, 4, NAN), probe(1e-1, 4, NAN), probe(2e-2, 8, 1.0)]
    assert Probes(done, constant()).wall(4) == pytest.approx(np.log(1e-2))
    # The rate that diverged in a short run did not in a longer one: it was chance.
    assert Probes(done, constant()).wall(8) == pytest.approx(np.log(1e-1))
    # What diverged later than this horizon says nothing about it.
    assert Probes(done, constant()).wall(2) == np.inf


def test_too_few_probes_make_no_law() -> None:
    few = Probes([probe(1e-3, 4, 1.0), probe(2e-3, 4, 0.9)], constant())
    assert not few.law.optima
    assert few.expected(64, constant(), -9, -3) is None


def test_the_law_of_probes_has_the_prior() -> None:
    objective = made(Simulated(noise=0.02))
    prior = prior_for(optimizer="sgd")
    found = draw_probes(objective, objective.horizon, [Rung(1 / 16, 4)], seed=0, prior=prior)
    assert found.law.prior is prior
    assert Probes(found.done, constant()).law.prior is MIXTURE
