"""The studies of comparisons in a storage: their size is found again, or they are deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.storages import BaseStorage

from studies.compare.search import SIZE, study_name
from studies.compare.settings import Settings, jobs


def stored_size(settings: Settings, data: str, storage: BaseStorage) -> Mapping[str, Any]:
    """Size of the comparison that was begun last; empty if there is none.

    Args:
        settings: A comparison of the same optimizer, parameters and schedules, of any size.
        data: Name of the data.
        storage: Where the studies are.
    """
    patterns = {_of_any_size(study_name(settings, job, data)) for job in jobs(settings)}
    sizes = []
    for summary in optuna.get_all_study_summaries(storage):
        size = summary.user_attrs.get(SIZE)
        is_ours = any(re.fullmatch(pattern, summary.study_name) for pattern in patterns)
        if is_ours and isinstance(size, dict) and summary.datetime_start:
            sizes.append((summary.datetime_start, size))

    return max(sizes, key=lambda pair: pair[0])[1] if sizes else {}


def delete(settings: Settings, data: str, storage: BaseStorage) -> None:
    """Delete the studies of this comparison, and no others."""
    names = {study_name(settings, job, data) for job in jobs(settings)}
    for summary in optuna.get_all_study_summaries(storage):
        if summary.study_name in names:
            optuna.delete_study(study_name=summary.study_name, storage=storage)


def _of_any_size(name: str) -> str:
    """Pattern of the names of studies that differ from this one in horizon and repeat only."""
    any_horizon = re.sub(r"\d+ epochs", "# epochs", name, count=1)
    any_repeat = re.sub(r"repeat \d+$", "repeat #", any_horizon)
    return re.escape(any_repeat).replace(r"\#", r"\d+")
