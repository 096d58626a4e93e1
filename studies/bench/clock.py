"""Measure where time goes: to the storage, the base sampler, or the sampler itself."""

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

OWN = "own"
STORAGE = "storage"
BASE = "base"


class Spent(NamedTuple):
    """Milliseconds that an ask took.

    Attributes:
        total: All together.
        storage: In reading from the storage and writing to it.
        base: In the base sampler, without the storage.
        own: In the sampler itself.
    """

    total: float
    storage: float
    base: float
    own: float


class Clock:
    """Charges time to the parts of a program. The innermost part that is running is charged."""

    def __init__(self) -> None:
        """Start with nothing spent."""
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._parts = [OWN]
        self._since = time.perf_counter()

    def restart(self) -> None:
        """Forget what was spent."""
        self._charge()
        self._spent.clear()

    def read(self) -> Spent:
        """Return what was spent since the restart."""
        self._charge()
        return Spent(
            total=1e3 * sum(self._spent.values()),
            storage=1e3 * self._spent[STORAGE],
            base=1e3 * self._spent[BASE],
            own=1e3 * self._spent[OWN],
        )

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Charge what happens inside to the part of this name."""
        self._charge()
        self._parts.append(name)
        try:
            yield
        finally:
            self._charge()
            self._parts.pop()

    def watch_storage(self, storage: BaseStorage) -> None:
        """Charge all calls of a storage to `STORAGE`."""
        self._watch(storage, _public_methods(BaseStorage), STORAGE)

    def watch_base(self, base: BaseSampler) -> None:
        """Charge the calls of a base sampler to `BASE`.

        A KappaSampler passes its base sampler a view of the study. The work of the view, such as
        leaving trials out, is work of the KappaSampler and is charged to `OWN`.
        """
        for name in _public_methods(BaseSampler):
            hook = getattr(base, name)
            setattr(base, name, self._seeing_views(hook))

    def _seeing_views(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Charge a hook of the base sampler to `BASE`, and the views that it is given to `OWN`."""

        @wraps(hook)
        def call(*args: Any) -> Any:
            for view in args:
                if isinstance(view, Study) and type(view) is not Study:
                    self._watch(view, _methods(type(view)), OWN)
            with self.part(BASE):
                return hook(*args)

        return call

    def _watch(
        self,
        target: object,
        names: Iterable[str],
        part: str,
    ) -> None:
        """Charge methods of an object to a part. Methods that are watched already are left out."""
        for name in names:
            if name not in vars(target):
                method = getattr(target, name)
                setattr(target, name, self._timed(method, part))

    def _timed(self, method: Callable[..., Any], part: str) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.part(part):
                return method(*args, **kwargs)

        return call

    def _charge(self) -> None:
        """Charge the time since the last charge to the innermost part."""
        now = time.perf_counter()
        self._spent[self._parts[-1]] += now - self._since
        self._since = now


def _methods(kind: type) -> list[str]:
    """Names of the methods that a class itself defines."""
    return [name for name, member in vars(kind).items() if inspect.isfunction(member)]


def _public_methods(kind: type) -> list[str]:
    return [name for name in _methods(kind) if not name.startswith("_")]
