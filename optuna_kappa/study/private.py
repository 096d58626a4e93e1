"""The one place that touches Optuna's private names, each with its reason.

- `study._get_trials(use_cache=True)`: the public `get_trials` reads the storage at every call.
  With this method, Optuna's own samplers and ours share one read per ask.
- `study._storage` and `trial._trial_id`: an attribute has to be stored before the first suggest.
  A sampler is given a `FrozenTrial`, whose `set_user_attr` changes memory only.
- `study._storage` and `study._study_id`: optuna-dashboard keeps notes and figures in a study's
  system attributes, which a study gives no access to.
- `study._storage.create_new_trial`: `study.add_trial` refuses what Optuna allows in a storage,
  such as a trial that is RUNNING.
- `study._pop_waiting_trial_id` and `study._thread_local.cached_all_trials`: `study.ask` gives a
  trial no attributes until it is planned, and a process may be killed before.
- `optuna.storages._rdb.models`: the names of Optuna's tables tell its databases from those of
  other programs.
- `storage._backend`: the database behind the cache that every study adds to one.
- `study._storage.record_heartbeat` and `trial._trial_id`: only `study.optimize` sends signs of
  life of a trial.
- `study._directions`: the public property makes a deep copy.
- `object.__getattribute__(study, "__dict__")`: a filtered view shares everything but the trials
  with its study. Hyperband's bracket studies block the ordinary access to their attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple

from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from optuna_kappa._validation import check_type


def snapshot(study: Study) -> list[FrozenTrial]:
    """All trials of a study, not copied, from the one storage read of an ask.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> [trial.number for trial in snapshot(study)]
        [0]
    """
    return study._get_trials(deepcopy=False, use_cache=True)


def snapshot_now(study: Study) -> list[FrozenTrial]:
    """All trials as the storage holds them now, not copied.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> trial.report(0.5, step=1)
        >>> snapshot_now(study)[0].intermediate_values
        {1: 0.5}
    """
    check_study(study)
    return study._get_trials(deepcopy=False)


def check_study(study: object) -> Study:
    """Return the study, if it is one.

    Raises:
        ValueError: It is something else.

    Example:
        >>> check_study("mine")
        Traceback (most recent call last):
        ValueError: study must be a Study, got 'mine': optuna.create_study and load_study make one.
    """
    return check_type("study", study, Study, "optuna.create_study and load_study make one")


def direction_of(study: Study) -> StudyDirection:
    """Direction of the study's first objective.

    Example:
        >>> import optuna
        >>> direction_of(optuna.create_study(direction="maximize")).name
        'MAXIMIZE'
    """
    return study._directions[0]


def require_single_objective(study: Study, who: str) -> None:
    """Raise a ValueError for a study with several objectives.

    Args:
        study: Any study.
        who: What needs a single objective; the message begins with it.

    Raises:
        ValueError: It has several objectives, or is no study.

    Example:
        >>> import optuna
        >>> require_single_objective(optuna.create_study(), "a run table")
    """
    n_objectives = len(check_study(study)._directions)
    if n_objectives > 1:
        raise ValueError(
            f"{who} needs a study with one objective, the loss, but this one has "
            f"{n_objectives}; keep the others as user attributes"
        )


def set_user_attr(
    study: Study,
    trial: FrozenTrial,
    name: str,
    value: Any,
) -> None:
    """Store a user attribute of a running trial, in the storage and on the given object.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> trial = study.ask()
        >>> set_user_attr(study, study.trials[0], "note", "a test")
        >>> study.trials[0].user_attrs
        {'note': 'a test'}
    """
    study._storage.set_trial_user_attr(trial._trial_id, name, value)
    trial.user_attrs[name] = value


def study_attrs(study: Study) -> dict[str, Any]:
    """The system attributes of a study, as the storage holds them now.

    Example:
        >>> import optuna
        >>> study_attrs(optuna.create_study())
        {}
    """
    return study._storage.get_study_system_attrs(study._study_id)


def set_study_attr(study: Study, name: str, value: Any) -> None:
    """Store a system attribute of a study.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> set_study_attr(study, "note", "a test")
        >>> study_attrs(study)
        {'note': 'a test'}
    """
    study._storage.set_study_system_attr(study._study_id, name, value)


def append_trial(study: Study, trial: FrozenTrial) -> None:
    """Add a copy of a trial to a study, in one step, whatever its state.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> append_trial(study, optuna.trial.create_trial(value=0.5))
        >>> study.best_value
        0.5
    """
    study._storage.create_new_trial(study._study_id, template_trial=trial)


def ask_with(study: Study, user_attrs: Mapping[str, Any]) -> Trial:
    """Ask for a trial that has user attributes before it is planned.

    A new trial has them from the moment at which others can see it.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> ask_with(study, {"note": "a test"}).user_attrs
        {'note': 'a test'}
    """
    study._thread_local.cached_all_trials = None  # as `study.ask` begins: one storage read an ask
    trial_id = study._pop_waiting_trial_id()
    if trial_id is None:
        new = create_trial(state=TrialState.RUNNING, user_attrs=dict(user_attrs))
        trial_id = study._storage.create_new_trial(study._study_id, template_trial=new)
    else:
        for name, value in user_attrs.items():
            study._storage.set_trial_user_attr(trial_id, name, value)
    return Trial(study, trial_id)


def study_key(study: Study) -> int:
    """The number of a study in its storage.

    Example:
        >>> import optuna
        >>> study_key(optuna.create_study())
        0
    """
    return study._study_id


def rdb_of(study_or_storage: Study | BaseStorage) -> RDBStorage | None:
    """The database of a study or behind a storage; None if it is in something else.

    Example:
        >>> import optuna
        >>> rdb_of(optuna.create_study()) is None
        True
    """
    storage = getattr(study_or_storage, "_storage", study_or_storage)
    behind = getattr(storage, "_backend", storage)
    return behind if isinstance(behind, RDBStorage) else None


class Heartbeat(NamedTuple):
    """How signs of life of a trial are stored.

    Attributes:
        interval: Seconds between two of them.
        record: Stores one.
    """

    interval: int
    record: Callable[[Trial], None]


def heartbeat_of(study: Study) -> Heartbeat | None:
    """How the storage of a study takes signs of life; None if it does not.

    Example:
        >>> import optuna
        >>> heartbeat_of(optuna.create_study()) is None
        True
    """
    storage = study._storage
    if not isinstance(storage, BaseHeartbeat):
        return None
    interval = storage.get_heartbeat_interval()
    if interval is None:
        return None
    return Heartbeat(interval, lambda trial: storage.record_heartbeat(trial._trial_id))


def database_tables() -> set[str]:
    """Names of the tables that Optuna has in a database.

    Example:
        >>> {"studies", "trials"} <= database_tables()
        True
    """
    from optuna.storages._rdb.models import BaseModel

    return set(BaseModel.metadata.tables)


def filtered(study: Study, keep: Callable[[FrozenTrial], bool]) -> Study:
    """A view of the study that shows only the trials for which `keep` is true.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.optimize(lambda trial: trial.number, n_trials=3)
        >>> len(filtered(study, lambda trial: trial.value > 0).trials)
        2
    """
    view = object.__new__(_FilteredStudy)
    shared = object.__getattribute__(study, "__dict__")
    view.__dict__.update(shared)
    view._original = study
    view._keep = keep
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
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        return self._get_trials(deepcopy, states)
