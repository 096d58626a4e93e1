"""A storage that fails by a seed: it raises, loses its answer, hears a call twice, or takes long.

Below the patience of this package, as a database or a server would be.
"""

from __future__ import annotations

import errno
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from optuna.storages import BaseStorage, InMemoryStorage
from sqlalchemy.exc import OperationalError

from optuna_kappa.study.patience import patient
from optuna_kappa.study.plans import PLAN

PASSING: tuple[Callable[[], Exception], ...] = (
    lambda: ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    lambda: TimeoutError("timed out"),
    lambda: OSError(errno.ENOSPC, "No space left on device"),
    lambda: OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked")),
    lambda: OperationalError("SELECT", {}, Exception("server closed the connection")),
)
"""Errors that pass when one waits."""

WAYS = ("raises", "loses", "twice", "delays")
"""What may happen to a call: no effect; an effect, but no answer; two effects; a late answer."""

_DELAY = 0.002  # seconds
_LONGEST_BURST = 3  # failures of one call, one after the other


class Faults:
    """When a storage fails, and how.

    Attributes:
        seen: Number of faults, by way and name of the call.
        is_dead: Whether each call fails from now on.
    """

    def __init__(self, seed: int, part: float = 0.0, ways: tuple[str, ...] = WAYS) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        self.is_dead = False
        self._rng = random.Random(seed)
        self._part = part
        self._ways = ways
        self._burst = 0
        self._lock = threading.Lock()

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        """Make a call, or fail."""
        with self._lock:
            way = self._next()
            error = self._rng.choice(PASSING)()
        if self.is_dead:
            raise error
        if way is None:
            return call()

        self.seen[way, name] += 1
        if way == "raises":
            raise error
        if way == "delays":
            time.sleep(_DELAY)
        answer = call()
        if way == "loses":
            raise error
        if way == "twice":
            try:
                call()
            except Exception:  # noqa: S110  # nobody hears what comes of the second call
                pass
        return answer

    def _next(self) -> str | None:
        self._burst = self._burst + 1 if self._rng.random() < self._part else 0
        if not 0 < self._burst <= _LONGEST_BURST:
            self._burst = 0
            return None
        return self._rng.choice(self._ways)


class FaultyStorage(BaseStorage):
    """A storage in front of another one, which fails.

    Attributes:
        place: Its name in messages.
        plans: The plans that were written, by trial: two different ones are a mistake.
    """

    place = "faulty"

    def __init__(self, faults: Faults, behind: BaseStorage | None = None) -> None:
        self.faults = faults
        self.behind = behind or InMemoryStorage()
        self.plans: dict[int, set[Any]] = {}

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        if key == PLAN:
            self.plans.setdefault(trial_id, set()).add(value)
        call = partial(self.behind.set_trial_user_attr, trial_id, key, value)
        self.faults.around("set_trial_user_attr", call)


def _passed_on(name: str) -> Callable[..., Any]:
    def call(self: FaultyStorage, *args: Any, **kwargs: Any) -> Any:
        made = partial(getattr(self.behind, name), *args, **kwargs)
        return self.faults.around(name, made)

    return call


# What else a storage can do follows from its abstract methods.
_METHODS = BaseStorage.__abstractmethods__ - set(vars(FaultyStorage))
_Whole: Any = type("_Whole", (FaultyStorage,), {name: _passed_on(name) for name in _METHODS})
_Patient = patient(_Whole)


def faulty_storage(faults: Faults, behind: BaseStorage | None = None) -> FaultyStorage:
    """A storage that fails, with the patience of those that `open_storage` opens.

    Args:
        faults: When and how it fails.
        behind: What it stands in front of; by default a storage in memory.
    """
    made = _Patient(faults, behind)
    assert isinstance(made, FaultyStorage)
    return made
