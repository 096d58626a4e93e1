from __future__ import annotations

import numpy as np
import pytest
from laws import VALUES, known_law

from optuna_kappa.psi import LossLaw, planned, rank


def test_ranking() -> None:
    law = known_law()
    ranked = rank(law, 1000)

    names = [one.schedule.name.partition("(")[0] for one in ranked]
    assert sorted(names) == ["constant", "cosine", "linear", "psi", "step", "wsd"]
    assert [one.loss for one in ranked] == sorted(one.loss for one in ranked)
    assert ranked[0].above == 0
    assert sum(one.chance for one in ranked) == pytest.approx(1)
    for one in ranked:
        at = [law.loss(planned(one.schedule, one.lr * factor, 1000))[-1] for factor in (0.8, 1.25)]
        assert one.loss <= min(at)
        assert one.error > 0


def test_the_peak_that_all_runs_share_is_kept() -> None:
    covariance = np.diag([1e-4] * 7 + [0, 0])
    ranked = rank(LossLaw(VALUES, covariance, 0.4, 20.0, 1e-4, 0.005), 1000)
    assert {round(one.lr, 6) for one in ranked} == {0.4}
    assert all(one.at_edge for one in ranked)


def test_what_is_outside_is_said() -> None:
    assert all("kappa goes to" in one.beyond for one in rank(known_law(), 1e6))


def test_bad_horizon() -> None:
    with pytest.raises(ValueError, match="horizon must be"):
        rank(known_law(), 0)
