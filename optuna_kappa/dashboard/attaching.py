"""Write note and figures to a study, for any optuna-dashboard that shows it."""

from __future__ import annotations

from typing import Any

from optuna.storages import RDBStorage
from optuna.study import Study
from sqlalchemy import text

from optuna_kappa._validation import check_type
from optuna_kappa.dashboard.attributes import (
    VERSION,
    Attributes,
    figure_of,
    figure_parts,
    merged,
    note_of,
    note_parts,
    stored_ids,
    unused_parts,
)
from optuna_kappa.dashboard.content import Content, content_of
from optuna_kappa.study.private import (
    check_study,
    rdb_of,
    set_study_attr,
    study_attrs,
    study_key,
)
from optuna_kappa.study.sampler import KappaSampler

_ROUNDS = 3  # of writing, until what is read is what was written
# Shown in place of a figure that has no data any more, where a storage cannot forget it.
_NOTHING = '{"data":[],"layout":{"xaxis":{"visible":false},"yaxis":{"visible":false}}}'
_FORGET = text(
    "DELETE FROM study_system_attributes WHERE study_id = :study AND key LIKE :key ESCAPE '!'"
)


def attach(study: Study, sampler: KappaSampler | None = None) -> None:
    """Attach a note and the figures of this package to a study, for optuna-dashboard.

    Call it after a search, or as often as you like during one: what is unchanged is not written
    again, and what no longer applies is removed. Your own part of the note stays. The command
    `optuna-kappa dashboard` shows the same without writing anything.

    Args:
        study: Any study. One with several objectives, or without a learning rate, gets nothing.
        sampler: The sampler that searched it. By default the study's, if that is a KappaSampler;
            otherwise one is made from what is stored with the study.

    Raises:
        ValueError: The study or the sampler is something else.

    Example:
        >>> from optuna_kappa import dashboard
        >>> from optuna_kappa.study.example import example_study
        >>> study = example_study()
        >>> dashboard.attach(study)
        >>> dashboard.attach(study)  # nothing is new, so nothing is written
    """
    check_study(study)
    if sampler is not None:
        check_type("sampler", sampler, KappaSampler, "it is the sampler of the search")
    elif isinstance(study.sampler, KappaSampler):
        sampler = study.sampler

    content = content_of(study, sampler)
    # Another process that writes at the same time may have written a part in between.
    for _ in range(_ROUNDS):
        changed = _changed(study_attrs(study), content)
        if not changed:
            break
        for name, value in changed.items():
            set_study_attr(study, name, value)

    for figure_id in stored_ids(study_attrs(study)):
        if figure_id not in content.figures:
            _forget(study, figure_id)


def _changed(stored: Attributes, content: Content) -> dict[str, Any]:
    """The attributes to write, in order."""
    changed: dict[str, Any] = {}
    for figure_id, figure in content.figures.items():
        if figure_of(stored, figure_id) != figure:
            parts = figure_parts(figure_id, figure)
            changed.update(unused_parts(stored, parts))
            changed.update(
                {name: value for name, value in parts.items() if stored.get(name) != value}
            )

    note = merged(note_of(stored), content.note)
    if note != note_of(stored):
        parts = note_parts(note) or {"dashboard:note_str:0": ""}
        # A new version tells an editor that is open that the text has changed.
        changed[VERSION] = int(stored.get(VERSION, 0)) + 1
        changed.update(unused_parts(stored, parts))
        changed.update({name: value for name, value in parts.items() if stored.get(name) != value})
    return changed


def _forget(study: Study, figure_id: str) -> None:
    """Remove a figure. Storages have no call for it; a blank remains in what is no database."""
    database = rdb_of(study)
    if database is None:
        if figure_of(study_attrs(study), figure_id) == _NOTHING:
            return
        parts = figure_parts(figure_id, _NOTHING)
        for name, value in {**unused_parts(study_attrs(study), parts), **parts}.items():
            set_study_attr(study, name, value)
        return

    _delete(database, study_key(study), f"dashboard:plot_data:{figure_id}:")


def _delete(database: RDBStorage, study: int, start: str) -> None:
    escaped = start.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    with database.engine.begin() as connection:
        connection.execute(_FORGET, {"study": study, "key": f"{escaped}%"})
