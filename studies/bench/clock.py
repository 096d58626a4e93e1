"""Where the time goes: storage, base sampler, or the sampler itself."""

from __future__ import annotations

import inspect
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import Study

OWN, STORAGE, BASE = "own", "storage", "base"


class Spent(NamedTuple):
    """Milliseconds that an ask took.

    Attributes:
        total: All of it.
        storage: In reading from and writing to the storage.
        base: In the base sampler, but for its storage.
        own: In the sampler itself.
    """

    total: float
    storage: float
    base: float
    own: float


class Clock:
    """Charges time to parts of a program; what runs inside another part is charged to its own."""

    def __init__(self) -> None:
        """Starts with nothing spent."""
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._parts = [OWN]
        self._since = time.perf_counter()

    def restart(self) -> None:
        """Forgets what was spent."""
        self._charge()
        self._spent.clear()

    def read(self) -> Spent:
        """What was spent since the restart."""
        self._charge()
        parts = (1e3 * self._spent[part] for part in (STORAGE, BASE, OWN))
        return Spent(1e3 * sum(self._spent.values()), *parts)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Charges what happens inside to this part."""
        self._charge()
        self._parts.append(name)
        try:
            yield
        finally:
            self._charge()
            self._parts.pop()

    def watch_storage(self, storage: BaseStorage) -> None:
        """Charges all calls of a storage to it."""
        self._watch(storage, _public(BaseStorage), STORAGE)

    def watch_base(self, base: BaseSampler) -> None:
        """Charges the calls of a base sampler to it.

        A KappaSampler shows its base sampler a study of its own kind. What that does when it is
        read, such as to leave trials out, is work of the sampler.
        """
        for name in _public(BaseSampler):
            setattr(base, name, self._seeing_views(getattr(base, name)))

    def _seeing_views(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(hook)
        def call(*given: Any) -> Any:
            for view in given:
                if isinstance(view, Study) and type(view) is not Study:
                    self._watch(view, _methods(type(view)), OWN)
            with self.part(BASE):
                return hook(*given)

        return call

    def _watch(self, target: object, names: Iterable[str], part: str) -> None:
        for name in names:
            if name not in vars(target):
                setattr(target, name, self._timed(getattr(target, name), part))

    def _timed(self, method: Callable[..., Any], part: str) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.part(part):
                return method(*args, **kwargs)

        return call

    def _charge(self) -> None:
        now = time.perf_counter()
        self._spent[self._parts[-1]] += now - self._since
        self._since = now


def _methods(kind: type) -> list[str]:
    """Methods that a class itself defines."""
    return [name for name, member in vars(kind).items() if inspect.isfunction(member)]


def _public(kind: type) -> list[str]:
    return [name for name in _methods(kind) if not name.startswith("_")]
