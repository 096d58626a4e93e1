"""The one place that touches Optuna's private names, each with its reason.

- `study._get_trials(use_cache=True)`: the public `get_trials` reads the storage again at every
  call; Optuna's own samplers share one read an ask by this one.
- `study._storage` and `trial._trial_id`: an attribute has to be stored before the first suggest,
  and a sampler is handed a `FrozenTrial`, whose `set_user_attr` changes memory only.
- `study._directions`: the public property deep-copies.
- `object.__getattribute__(study, "__dict__")`: a study seen through a filter shares everything
  else with the original, also when that is one of Hyperband's bracket studies.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState


def snapshot(study: Study) -> list[FrozenTrial]:
    """All trials of a study, not copied, by one storage read an ask."""
    return study._get_trials(deepcopy=False, use_cache=True)


def snapshot_now(study: Study) -> list[FrozenTrial]:
    """All trials as the storage holds them now, not copied."""
    return study._get_trials(deepcopy=False)


def direction_of(study: Study) -> StudyDirection:
    """Direction of the study's first objective."""
    return study._directions[0]


def require_single_objective(study: Study, who: str) -> None:
    """Raise a ValueError for a study with several objectives.

    Args:
        study: Any study.
        who: What needs a single objective, to begin the message with.
    """
    if len(study._directions) > 1:
        raise ValueError(
            f"{who} needs a study with one objective, the loss, but this one has "
            f"{len(study._directions)}; keep the others as user attributes"
        )


def set_user_attr(study: Study, trial: FrozenTrial, name: str, value: Any) -> None:
    """Store a user attribute of a running trial, in the storage and on the trial in hand."""
    study._storage.set_trial_user_attr(trial._trial_id, name, value)
    trial.user_attrs[name] = value


def filtered(study: Study, keep: Callable[[FrozenTrial], bool]) -> Study:
    """A view of the study that shows only the trials for which `keep` is true."""
    view = object.__new__(_FilteredStudy)
    view.__dict__.update(object.__getattribute__(study, "__dict__"))
    view._original, view._keep = study, keep
    return view


class _FilteredStudy(Study):
    """A study that shows a sampler only some of its trials."""

    _original: Study
    _keep: Callable[[FrozenTrial], bool]

    def stop(self) -> None:
        self._original.stop()

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = super()._get_trials(deepcopy, states, use_cache)
        return [trial for trial in trials if self._keep(trial)]

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return self._get_trials(deepcopy, states)
