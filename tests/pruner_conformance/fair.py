"""Rules: good trials are kept, and what does not make a trial better or worse does not matter."""

from __future__ import annotations

import pytest
from optuna.trial import create_trial

from pruner_conformance.base import Factory, PrunerSuite, among, trained
from pruner_conformance.streams import (
    OTHERS,
    Curve,
    Direction,
    falling,
    improving,
    new_study,
    run,
    stream,
    times,
)

# From better than all of `improving` to worse than them, with one report or as many as they.
IN_HAND = tuple(falling(level, n) for level in (0.5, 1.2, 2.0, 4.0) for n in (1, 8))


class FairPrunerTestCase(PrunerSuite):
    """Good trials are kept; what does not make one better or worse does not matter."""

    @pytest.mark.parametrize("others", OTHERS)
    def test_keeps_a_trial_without_reports(self, pruner: Factory, others: str) -> None:
        """There is nothing to judge it by."""
        assert not among(others, pruner).ask().should_prune()

    def test_keeps_the_only_trial(self, pruner: Factory) -> None:
        """A first trial whose loss falls is the best there is."""
        assert run(new_study(pruner()), [falling(1.0)]) == set()

    @pytest.mark.parametrize(("direction", "sign"), [("minimize", 1.0), ("maximize", -1.0)])
    def test_keeps_the_best_trial(
        self, pruner: Factory, direction: Direction, sign: float
    ) -> None:
        """Half the loss, at each step, of the best of ten trials with the same shape of curve."""
        study = trained(pruner, direction, sign)
        assert run(study, times([falling(0.5)], sign)) == set()

    def test_keeps_the_best_trial_where_steps_are_missing(self, pruner: Factory) -> None:
        """As above, but each trial leaves out every third report, from the first on or later."""
        study = new_study(pruner())
        *others, best = [
            {step: loss for i, (step, loss) in enumerate(curve.items()) if (i + number) % 3}
            for number, curve in enumerate([*improving(), falling(0.5)])
        ]
        run(study, others, obey=False)
        assert run(study, [best]) == set()

    def test_order_of_reports(self, pruner: Factory) -> None:
        """It does not matter in which order the reports of a trial came."""
        for curve in IN_HAND:
            in_order = _answer(pruner, improving(), curve)
            turned = [_turned(other) for other in improving()]
            assert _answer(pruner, turned, _turned(curve)) == in_order

    @pytest.mark.parametrize("again", [0.0, 5.0])
    def test_reports_twice(self, pruner: Factory, again: float) -> None:
        """A step reported again is as if it were not: Optuna keeps the first report, and warns."""
        for curve in IN_HAND:
            once = _answer(pruner, improving(), curve)
            assert _answer(pruner, improving(), curve, dict.fromkeys(curve, again)) == once

    def test_maximise(self, pruner: Factory) -> None:
        """To maximise the negated losses is to minimise the losses."""
        expected = run(new_study(pruner()), stream())
        assert run(new_study(pruner(), "maximize"), times(stream(), -1.0)) == expected

    @pytest.mark.parametrize("factor", [2.0**-10, 2.0**10])  # powers of two round nothing
    def test_unit_of_losses(self, pruner: Factory, factor: float) -> None:
        """Losses may be in bits or nats, sums or means."""
        expected = run(new_study(pruner()), stream())
        assert run(new_study(pruner()), times(stream(), factor)) == expected

    def test_unit_of_steps(self, pruner: Factory) -> None:
        """Steps may be epochs or, a thousand in each, batches."""
        expected = run(new_study(pruner()), stream(unit=1))
        got = run(new_study(pruner()), stream(unit=1000))
        assert got == {(number, 1000 * step) for number, step in expected}


def _answer(pruner: Factory, others: list[dict[int, float]], *reports: Curve) -> bool:
    """About one more trial, after trials that the pruner was asked about and others added."""
    study = trained(pruner)
    for other in others:
        value = min(other.values())
        study.add_trial(create_trial(value=value, intermediate_values=other))
    trial = study.ask()
    for curve in reports:
        for step, loss in curve.items():
            trial.report(loss, step)
    return trial.should_prune()


def _turned(curve: Curve) -> dict[int, float]:
    return dict(reversed(list(curve.items())))
