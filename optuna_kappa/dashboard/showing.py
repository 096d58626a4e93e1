"""A storage that shows more of a study than it holds: our note and figures.

Nothing of ours is written to the storage, so nothing can be out of date once the dashboard has
ended, no two dashboards write at once, and a study never waits for one.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from optuna.storages import BaseStorage

from optuna_kappa.dashboard.attributes import with_ours
from optuna_kappa.dashboard.content import Content


class Shown:
    """What is shown of each study, by its number in the storage, and what was looked at when.

    Example:
        >>> shown = Shown()
        >>> shown.put(0, Content(note="lr 0.1"))
        >>> "lr 0.1" in shown.over(0, {})["dashboard:note_str:0"]
        True
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self._contents: dict[int, Content] = {}
        self._looked_at: dict[int, float] = {}
        self._lock = Lock()

    def put(self, study: int, content: Content) -> None:
        """Show this of a study from now on."""
        with self._lock:
            self._contents[study] = content

    def keep(self, studies: set[int]) -> None:
        """Forget all other studies, which have been deleted."""
        with self._lock:
            for kept in (self._contents, self._looked_at):
                for gone in set(kept) - studies:
                    del kept[gone]

    def over(self, study: int, stored: dict[str, Any]) -> dict[str, Any]:
        """The attributes of a study with ours in place of those that are stored."""
        with self._lock:
            content = self._contents.get(study)
        if content is None:
            return stored
        return with_ours(stored, content.note, content.figures)

    def look(self, study: int) -> None:
        """Note that somebody looks at a study."""
        with self._lock:
            self._looked_at[study] = time.monotonic()

    def looked_at(self, study: int) -> float:
        """When somebody last looked at a study, in seconds on a clock; -infinity for never."""
        with self._lock:
            return self._looked_at.get(study, float("-inf"))


def showing(storage: BaseStorage, shown: Shown) -> BaseStorage:
    """A storage that shows what another holds, and more of its studies.

    Args:
        storage: The other storage. All calls go to it.
        shown: What is shown, which may change at any time.

    Example:
        >>> from optuna.storages import InMemoryStorage
        >>> from optuna_kappa.study.example import example_study
        >>> storage = InMemoryStorage()
        >>> study = example_study(storage)
        >>> shown = Shown()
        >>> shown.put(0, Content(note="lr 0.1"))
        >>> list(showing(storage, shown).get_study_system_attrs(0))
        ['dashboard:note_str:0', 'dashboard:note_ver']
        >>> storage.get_study_system_attrs(0)
        {}
    """

    def get_all_studies(_: BaseStorage) -> list[Any]:
        studies = []
        # optuna-dashboard sorts those of a database only.
        for study in sorted(storage.get_all_studies(), key=lambda study: study._study_id):
            # Storages in memory give their own objects.
            more = copy.copy(study)
            more.system_attrs = shown.over(study._study_id, dict(study.system_attrs))
            studies.append(more)
        return studies

    def get_study_system_attrs(_: BaseStorage, study_id: int) -> dict[str, Any]:
        return shown.over(study_id, dict(storage.get_study_system_attrs(study_id)))

    def get_all_trials(_: BaseStorage, study_id: int, *args: Any, **options: Any) -> list[Any]:
        shown.look(study_id)
        return storage.get_all_trials(study_id, *args, **options)

    methods: dict[str, Any] = {}
    for name in dir(BaseStorage):
        if not name.startswith("_") and callable(getattr(BaseStorage, name)):
            methods[name] = _forwarded(storage, name)

    methods["get_all_studies"] = get_all_studies
    methods["get_study_system_attrs"] = get_study_system_attrs
    methods["get_all_trials"] = get_all_trials
    shows: BaseStorage = type("ShowingStorage", (BaseStorage,), methods)()
    return shows


def _forwarded(storage: BaseStorage, name: str) -> Callable[..., Any]:
    method = getattr(storage, name)

    def call(_: BaseStorage, *args: Any, **options: Any) -> Any:
        return method(*args, **options)

    return call
