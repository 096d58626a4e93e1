"""Rules: whatever there is in a study, a pruner answers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, current_thread, main_thread

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from pruner_conformance.base import Factory, PrunerSuite, among, halves
from pruner_conformance.streams import (
    OTHERS,
    Curve,
    Direction,
    falling,
    follow,
    improving,
    new_study,
    others_of,
    run,
    stream,
    tell,
)

NAN, INF = math.nan, math.inf
FAR = 2**31 - 1  # the largest step that every storage can keep
REPORTS: tuple[Curve, ...] = (
    {},
    {0: 1.0},
    {1: 1.0},
    {FAR: 1.0},
    {1: 1.0, 2: 0.9, FAR: 0.8},
    {1: NAN},
    {1: INF},
    {1: -INF},
    {1: 1.0, 2: NAN, 3: 0.9},
    {1: 1.0, 2: 0.9, 3: 0.8, 4: 0.8, 5: INF},
    dict.fromkeys(range(1, 7), NAN),
    dict.fromkeys(range(1, 7), INF),
)


class RobustPrunerTestCase(PrunerSuite):
    """Whatever there is in a study, a pruner answers."""

    def test_answers_with_a_bool(self, pruner: Factory) -> None:
        """True or False; NumPy's `bool` is another type, which JSON, for one, does not take."""
        study = new_study(pruner())
        for curve in stream():
            trial = study.ask()
            for step, loss in curve.items():
                trial.report(loss, step)
                assert type(trial.should_prune()) is bool
            tell(study, trial, curve, None)

    @pytest.mark.parametrize("others", OTHERS)
    def test_never_raises(self, pruner: Factory, others: str) -> None:
        """No reports, of the trial in hand or of others, and no lack of them, make it raise."""
        for reports in REPORTS:
            trial = among(others, pruner).ask()
            trial.should_prune()
            follow(trial, reports, obey=False)

    def test_numpy_does_not_warn(self, pruner: Factory) -> None:
        """Warnings, which are errors in some projects, say in the pruner's words what is wrong."""
        for others in OTHERS:
            for reports in REPORTS:
                trial = among(others, pruner).ask()
                with warnings.catch_warnings():
                    warnings.simplefilter("error", RuntimeWarning)
                    follow(trial, reports, obey=False)

    def test_several_objectives(self, pruner: Factory) -> None:
        """Where no trial is simply better, it raises what `Study.direction` does: RuntimeError."""
        study = optuna.create_study(directions=["minimize", "minimize"], pruner=pruner())
        for curve in improving():
            study.add_trial(create_trial(values=[1.0, 1.0], intermediate_values=curve))
        worse = create_trial(state=TrialState.RUNNING, intermediate_values=falling(4.0))
        study.add_trial(worse)
        with pytest.raises(RuntimeError, match="multi-objective"):
            study.pruner.prune(study, study.trials[-1])

    def test_two_threads(self, pruner: Factory, storage: BaseStorage) -> None:
        """`Study.optimize` goes on with two threads: every trial ends, and none has failed."""
        study, pair = new_study(pruner(), storage=storage), _Pair(timeout=0.5)
        run(study, [falling(2.0), falling(1.5)])  # how it begins is the next rule's affair

        def objective(trial: Trial) -> float:
            early, late = halves(falling(4.0 if trial.number % 2 else 1.0))
            pair.meet()
            pruned_at = follow(trial, early)
            pair.meet()
            if pruned_at is not None or follow(trial, late) is not None:
                raise optuna.TrialPruned()
            return min(late.values())

        study.optimize(objective, n_trials=8, n_jobs=2)
        assert len(study.trials) == 10
        assert {trial.state for trial in study.trials} <= {TrialState.COMPLETE, TrialState.PRUNED}

    def test_two_threads_begin(self, pruner: Factory) -> None:
        """A pruner that is asked its first two questions at once survives that."""
        study = new_study(pruner(), storage=_Meeting())
        study.add_trials(others_of("completed"))
        trials = [study.ask() for _ in range(12)]
        for trial in trials:
            trial.report(1.0, 1)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(Trial.should_prune, trials[:2]))
        for trial in trials[2:]:
            trial.should_prune()


class _Pair:
    """Two threads that wait for each other, unless one is gone."""

    def __init__(self, timeout: float) -> None:
        self._barrier = Barrier(2, timeout=timeout)

    def meet(self) -> None:
        with suppress(BrokenBarrierError):
            self._barrier.wait()


class _Meeting(InMemoryStorage):
    """Two threads of a pool read all trials at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._pair = _Pair(timeout=5.0)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if current_thread() is not main_thread():
            self._pair.meet()
        return super().get_all_trials(study_id, deepcopy, states)


class DivergencePrunerTestCase(PrunerSuite):
    """For pruners that promise to end a diverged trial at once, even the first of a study."""

    @pytest.mark.parametrize("others", OTHERS)
    @pytest.mark.parametrize("loss", [NAN, INF])
    @pytest.mark.parametrize(("direction", "sign"), [("minimize", 1.0), ("maximize", -1.0)])
    def test_prunes_a_diverged_trial(
        self, pruner: Factory, others: str, loss: float, direction: Direction, sign: float
    ) -> None:
        """A last report that is no number, or infinitely bad."""
        study = among(others, pruner, direction)
        assert follow(study.ask(), {1: sign, 2: sign * loss}) == 2
