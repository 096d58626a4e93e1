from __future__ import annotations

import math

import numpy as np
import pytest
from curves import HORIZON, STEPS, finished

from optuna_kappa.pruning import Place, Run, learn

LRS = (1e-4, 1e-3, 1e-2)


def test_nothing_is_known_before_a_run_is_whole() -> None:
    assert learn([], HORIZON) is None
    assert learn([finished(lr, 40) for lr in LRS], HORIZON) is None


def test_runs_are_read_at_the_phases() -> None:
    known = learn([finished(1e-3), finished(1e-2, 30)], HORIZON)
    assert known is not None
    assert known.logarithmic
    assert known.phases[-1] == 1
    assert known.whole.tolist() == [True, False]
    reached = known.phases <= 0.3
    assert np.isfinite(known.value[1]).tolist() == reached.tolist()
    assert known.value[0, -1] == pytest.approx(math.log(finished(1e-3).final))
    assert known.ln_lr.tolist() == pytest.approx(np.log([1e-3, 1e-2]).tolist())
    assert known.best == finished(1e-3).final


def test_more_runs_add_rows_and_leave_the_others() -> None:
    runs = [finished(lr) for lr in LRS]
    before = learn(runs[:2], HORIZON)
    assert before is not None
    after = learn(runs, HORIZON, before)
    anew = learn(runs, HORIZON)
    assert after is not None and anew is not None
    for one in (after, anew):
        np.testing.assert_array_equal(one.value[:2], before.value)
        assert one.value.shape == (3, len(before.phases))


def test_rows_are_in_the_order_of_the_runs() -> None:
    runs = [finished(lr) for lr in LRS]
    before = learn([runs[0], runs[2]], HORIZON)
    known = learn(runs, HORIZON, before)
    assert known is not None
    assert known.ln_lr.tolist() == pytest.approx(np.log(LRS).tolist())


def test_losses_that_are_not_positive_are_compared_as_they_are() -> None:
    below = Run(STEPS, -np.linspace(0.1, 0.9, HORIZON), Place(-5.0, np.empty(0)), -0.9)
    known = learn([finished(1e-3), below], HORIZON)
    assert known is not None
    assert not known.logarithmic
    assert known.best == -0.9
    assert known.value[1, -1] == -0.9


def test_one_loss_that_is_not_positive_is_enough_later_on() -> None:
    runs = [finished(lr) for lr in LRS]
    before = learn(runs, HORIZON)
    low = Run(STEPS[:9], np.append(np.ones(8), 0.0), Place(-5.0, np.empty(0)), math.nan)
    after = learn([*runs, low], HORIZON, before)
    assert before is not None and after is not None
    assert before.logarithmic and not after.logarithmic
    assert after.value[0, -1] == runs[0].final


def test_what_a_run_came_to_is_what_it_returned_not_what_it_reported() -> None:
    run = finished(1e-3)._replace(final=0.05)
    known = learn([run], HORIZON)
    assert known is not None
    assert known.best == 0.05
    assert known.value[0, -1] == pytest.approx(math.log(0.05))
