"""Rules: decisions follow from the study, whoever asks and when, and leave it as it is."""

from __future__ import annotations

from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from pruner_conformance.base import Factory, PrunerSuite, halves, trained
from pruner_conformance.streams import (
    Decisions,
    continued,
    falling,
    follow,
    new_study,
    others_of,
    reloaded,
    run,
    stream,
    tell,
)


class StatelessPrunerTestCase(PrunerSuite):
    """Decisions follow from the study, and leave it as it is.

    Attributes:
        own_prefix: How the names of user attributes begin that the pruner may add to the trial in
            hand when it prunes it; None if it adds none.
    """

    own_prefix: str | None = None

    def test_asks_twice(self, pruner: Factory) -> None:
        """To ask again, with no report in between, gives the same answer."""
        study = new_study(pruner())
        for curve in stream():
            trial, pruned_at = study.ask(), None
            for step, loss in curve.items():
                trial.report(loss, step)
                first, second = trial.should_prune(), trial.should_prune()
                assert second == first
                if first:
                    pruned_at = step
                    break
            tell(study, trial, curve, pruned_at)

    def test_restarts(self, pruner: Factory, storage: BaseStorage) -> None:
        """A new pruner for each trial, in the study loaded again, decides as one that stays."""
        study, decisions = new_study(pruner(), storage=storage), Decisions()
        for curve in stream(12):
            study = reloaded(study, storage, pruner())
            decisions |= run(study, [curve])
        assert decisions == run(new_study(pruner()), stream(12))

    def test_continued_trial(self, pruner: Factory, storage: BaseStorage) -> None:
        """A trial taken up again after half of its reports is judged by all of them."""
        study, decisions = new_study(pruner(), storage=storage), Decisions()
        for curve in stream(12):
            early, late = halves(curve)
            trial = study.ask()
            pruned_at = follow(trial, early)
            if pruned_at is None:
                study = reloaded(study, storage, pruner())
                trial = continued(study, storage, trial.number)
                pruned_at = follow(trial, late)
            decisions |= tell(study, trial, curve, pruned_at)
        assert decisions == run(new_study(pruner()), stream(12))

    def test_retried_trial(self, pruner: Factory) -> None:
        """A copy of a failed trial with its reports is judged as a new one that reports the same.

        `RetryHeartbeatStaleTrialCallback` enqueues such copies of the trials of dead processes.
        """

        def decided(copied: bool) -> Decisions:
            study, decisions = trained(pruner), Decisions()
            for curve in stream(unit=1):
                early, late = halves(curve)
                failed = study.ask()
                follow(failed, early, obey=False)
                study.tell(failed, state=TrialState.FAIL)
                if copied:
                    study.add_trial(_enqueued(study.trials[-1]))
                trial = study.ask()
                if not copied:
                    follow(trial, early, obey=False)
                decisions |= tell(study, trial, curve, follow(trial, late))
            return decisions

        assert decided(copied=True) == decided(copied=False)

    def test_shared_by_two_studies(self, pruner: Factory) -> None:
        """One pruner for two studies, with steps of different size, does not mix them up."""
        curves = {"epochs": stream(unit=1), "batches": stream(unit=1000)}
        apart = {name: run(new_study(pruner(), name=name), curves[name]) for name in curves}
        shared = pruner()
        studies = {name: new_study(shared, name=name) for name in curves}
        together = {name: Decisions() for name in curves}
        for number in range(len(stream())):
            for name, study in studies.items():
                together[name] |= run(study, [curves[name][number]])
        assert together == apart

    def test_changes_nothing(self, pruner: Factory, storage: BaseStorage) -> None:
        """All that is the user's, of any trial, is left as it is; see `own_prefix`."""
        study = new_study(pruner(), storage=storage)
        study.add_trials(others_of("completed"))
        study.set_user_attr("note", "mine")
        for level in (0.5, 4.0):
            trial = study.ask()
            trial.suggest_float("x", 0.0, 1.0)
            trial.set_user_attr("note", "mine")
            for step, loss in falling(level, n_reports=5, unit=1).items():
                trial.report(loss, step)
                before, noted = _of_the_user(study)
                pruned = trial.should_prune()
                after, attrs = _of_the_user(study)
                assert after == before
                added = {name: value for name, value in attrs.items() if name not in noted}
                assert {**noted, **added} == attrs
                assert not added or (pruned and self._are_own(added))
                if pruned:
                    break

    def _are_own(self, names: dict[str, Any]) -> bool:
        prefix = self.own_prefix
        return prefix is not None and all(name.startswith(prefix) for name in names)


def _enqueued(trial: FrozenTrial) -> FrozenTrial:
    return create_trial(
        state=TrialState.WAITING,
        intermediate_values=trial.intermediate_values,
        system_attrs=trial.system_attrs,
    )


def _of_the_user(study: Study) -> tuple[list[str], dict[str, Any]]:
    """All trials as text, the last without its attributes, and its user attributes.

    System attributes are not the user's; a pruner may write those of the trial in hand.
    """
    trials = study.trials
    last = trials[-1]
    attrs, last.user_attrs, last.system_attrs = last.user_attrs, {}, {}
    return [str(study.user_attrs), *map(repr, trials)], attrs
