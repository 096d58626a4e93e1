"""Storages that wait for a server that is restarted, a lock, or space on the disk.

Each call of Optuna's storages is tried again for as long as it may help, with a warning at the
first failure. Setting a value twice does no harm. A trial that was created just when the
connection was lost may stay behind, RUNNING and without a plan; such a trial uses nothing up.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage
from optuna.trial import TrialState

from optuna_kappa.study.troubles import StorageError, Trouble, sentence, trouble_of

_logger = logging.getLogger(__name__)

_S = TypeVar("_S", bound=type[BaseStorage])

_FIRST_PAUSE = 0.1  # seconds; each is twice as long as the one before
_LONGEST_PAUSE = 5.0  # seconds: a server that is back should not wait for its workers

# What Optuna's studies, its cache and its heartbeats call. Those with an underscore are what the
# cache of a database calls in place of the public ones.
_CALLS = (
    "create_new_study",
    "delete_study",
    "set_study_user_attr",
    "set_study_system_attr",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_directions",
    "get_study_user_attrs",
    "get_study_system_attrs",
    "get_all_studies",
    "create_new_trial",
    "_create_new_trial",
    "set_trial_param",
    "_set_trial_param",
    "get_trial_id_from_study_id_trial_number",
    "get_trial_param",
    "get_trial_user_attrs",
    "get_trial_system_attrs",
    "get_best_trial",
    "_get_best_trial_id",
    "set_trial_intermediate_value",
    "set_trial_user_attr",
    "set_trial_system_attr",
    "get_trial",
    "get_all_trials",
    "_get_trials",
    "record_heartbeat",
    "_get_stale_trial_ids",
)


def patiently(call: Callable[[], Any], place: str) -> Any:
    """Do something with a storage, again if it fails for a reason that may pass.

    Args:
        call: What to do.
        place: The storage, without its password.

    Raises:
        StorageError: It failed for too long, or for a reason that does not pass.

    Example:
        >>> patiently(lambda: 3, "sqlite:///kappa.db")
        3
    """
    began = time.monotonic()
    pause = _FIRST_PAUSE
    while True:
        try:
            return call()
        except StorageError:
            raise
        except Exception as error:  # of the database, of its driver, of the system, of Optuna
            trouble = trouble_of(error)
            if trouble is None:
                raise
            if time.monotonic() - began + pause > trouble.patience:
                if trouble.patience:
                    # Optuna may put an error of its own in place of this one: it is logged too.
                    _logger.error("%s.", sentence(trouble, place))
                raise StorageError(sentence(trouble, place)) from error

            if pause == _FIRST_PAUSE:
                _warn(trouble, place)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _warn(trouble: Trouble, place: str) -> None:
    text = sentence(trouble, place)
    _logger.warning("%s. Trying again for %.0f seconds.", text, trouble.patience)


def patient(base: _S) -> _S:
    """A class decorator: the calls of a storage wait for what may pass."""
    for name in _CALLS:
        if hasattr(base, name):
            setattr(base, name, _waiting(getattr(base, name)))

    set_state = base.set_trial_state_values

    @functools.wraps(set_state)
    def set_trial_state_values(
        self: Any, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        n_calls = 0

        def call() -> bool:
            nonlocal n_calls
            n_calls += 1
            try:
                return bool(set_state(self, trial_id, state, values))
            except UpdateFinishedTrialError:
                # An earlier call may have been heard, though its answer was lost.
                if n_calls > 1 and _is_told(self, trial_id, state, values):
                    return True
                raise

        return bool(patiently(call, self.place))

    base.set_trial_state_values = set_trial_state_values  # type: ignore[method-assign]
    return base


def _waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return patiently(functools.partial(method, self, *args, **kwargs), self.place)

    return call


def _is_told(
    storage: BaseStorage, trial_id: int, state: TrialState, values: Sequence[float] | None
) -> bool:
    trial = storage.get_trial(trial_id)
    return trial.state == state and list(trial.values or ()) == list(values or ())


@patient
class PatientDatabase(RDBStorage):
    """A database that waits for what may pass.

    Attributes:
        place: Its URL without the password, for messages.
    """

    place: str = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Open it; if it cannot be used, let go of its connections."""
        try:
            super().__init__(*args, **kwargs)
        except BaseException:
            if hasattr(self, "scoped_session"):
                self.scoped_session.remove()
            if hasattr(self, "engine"):
                self.engine.dispose()
            raise


@patient
class PatientJournal(JournalStorage):
    """A journal that waits for what may pass.

    Attributes:
        place: Its file, or URL without the password, for messages.
    """

    place: str = ""


@patient
class PatientProxy(GrpcStorageProxy):
    """A gRPC proxy that waits for what may pass.

    Attributes:
        place: Its URL, for messages.
    """

    place: str = ""
