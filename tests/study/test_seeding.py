"""Random numbers of trials."""

from __future__ import annotations

import numpy as np

from optuna_kappa.study.seeding import uniform_number


def test_every_seed_and_trial_has_a_number_of_its_own() -> None:
    numbers = {uniform_number(seed, number) for seed in range(5) for number in range(200)}
    assert len(numbers) == 1000
    assert 0.47 < np.mean(list(numbers)) < 0.53


def test_an_objective_that_draws_from_seed_and_number_is_independent() -> None:
    ours = [uniform_number(7, number) for number in range(300)]
    theirs = [float(np.random.default_rng([7, number]).random()) for number in range(300)]
    assert abs(np.corrcoef(ours, theirs)[0, 1]) < 0.2
