"""The study attributes in which optuna-dashboard keeps a note and figures.

It keeps them as system attributes, in parts, since databases limit the length of a value:

    dashboard:note_ver               number of the version of the note
    dashboard:note_str:0, :1, ...    its text, Markdown; a part that is not used any more is ''
    dashboard:plot_data:ID:0, ...    a figure, JSON

Notes belong to people, who may write below ours. Ours stands between two lines that Markdown does
not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_PART = 2045  # characters, as optuna_dashboard._note and ._custom_plot_data split what they save
_NOTE = "dashboard:note_str:"
VERSION = "dashboard:note_ver"
_FIGURE = "dashboard:plot_data:"
OURS = f"{_FIGURE}kappa-"  # how the attributes of our figures begin

# Link definitions, which Markdown does not show.
_BEGIN = "[optuna-kappa]: # (what follows is written anew when the study has new trials)"
_END = "[/optuna-kappa]: # (write your own notes below this line)"

Attributes = Mapping[str, Any]


def with_ours(
    stored: Attributes,
    note: str,
    figures: Mapping[str, str],
) -> dict[str, Any]:
    """Study attributes with our note and our figures in place of those that are stored.

    Args:
        stored: All system attributes of a study.
        note: Our part of the note, Markdown; '' for none.
        figures: Figures by their id, JSON. The ids begin with `kappa-`.

    Example:
        >>> shown = with_ours({"dashboard:note_str:0": "my note"}, "ours", {"kappa-law": "{}"})
        >>> note_of(shown).splitlines()[1], note_of(shown).splitlines()[-1]
        ('', 'my note')
        >>> shown["dashboard:plot_data:kappa-law:0"]
        '{}'
    """
    shown = {}
    for name, value in stored.items():
        if not name.startswith((OURS, _NOTE)):
            shown[name] = value

    shown.update(note_parts(merged(note_of(stored), note)))
    shown.setdefault(VERSION, 0)  # a note without a version is not shown
    for figure_id, figure in figures.items():
        shown.update(figure_parts(figure_id, figure))
    return shown


def note_of(stored: Attributes) -> str:
    """The note of a study; '' without one.

    Example:
        >>> note_of({"dashboard:note_str:0": "a ", "dashboard:note_str:1": "note"})
        'a note'
    """
    return _joined(stored, _NOTE)


def merged(note: str, ours: str) -> str:
    """A note with our part of it replaced, and what people wrote left alone.

    Args:
        note: The whole note.
        ours: Our part, Markdown; '' for none.

    Example:
        >>> once = merged("my note", "lr 0.1")
        >>> merged(once, "lr 0.2") == merged("my note", "lr 0.2")
        True
        >>> merged(once, "")
        'my note'
    """
    before, begin, rest = note.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    # Whoever deletes one of the lines makes all of the text their own.
    theirs = before + after.lstrip("\n") if begin and end else note
    if not ours:
        return theirs
    return f"{_BEGIN}\n\n{ours.strip()}\n\n{_END}\n\n{theirs}".rstrip("\n")


def note_parts(note: str) -> dict[str, str]:
    """A note as it is stored.

    Example:
        >>> note_parts("a note")
        {'dashboard:note_str:0': 'a note'}
    """
    return _split(note, _NOTE)


def figure_parts(figure_id: str, figure: str) -> dict[str, str]:
    """A figure as it is stored.

    Args:
        figure_id: Its id.
        figure: JSON.

    Example:
        >>> figure_parts("kappa-law", "{}")
        {'dashboard:plot_data:kappa-law:0': '{}'}
    """
    return _split(figure, f"{_FIGURE}{figure_id}:")


def stored_ids(stored: Attributes) -> Sequence[str]:
    """Ids of our figures that are stored.

    Example:
        >>> stored_ids({"dashboard:plot_data:kappa-law:0": "{}", "dashboard:note_ver": 3})
        ['kappa-law']
    """
    ids: dict[str, None] = {}
    for name in stored:
        if name.startswith(OURS):
            ids[name.removeprefix(_FIGURE).rpartition(":")[0]] = None
    return list(ids)


def figure_of(stored: Attributes, figure_id: str) -> str:
    """A figure that is stored, JSON; '' without one.

    Example:
        >>> figure_of({"dashboard:plot_data:kappa-law:0": "{}"}, "kappa-law")
        '{}'
    """
    return _joined(stored, f"{_FIGURE}{figure_id}:")


def unused_parts(stored: Attributes, parts: Mapping[str, str]) -> dict[str, str]:
    """Parts that are stored, but belong to a longer text than the new one, emptied.

    Args:
        stored: All system attributes of a study.
        parts: All parts of the new text.

    Example:
        >>> unused_parts({"dashboard:note_str:0": "a", "dashboard:note_str:1": "b"},
        ...              {"dashboard:note_str:0": "c"})
        {'dashboard:note_str:1': ''}
    """
    starts = {name.rpartition(":")[0] + ":" for name in parts}
    unused = {}
    for name in stored:
        if name.rpartition(":")[0] + ":" in starts and name not in parts:
            unused[name] = ""
    return unused


def _split(text: str, start: str) -> dict[str, str]:
    parts = {}
    for number, begin in enumerate(range(0, len(text), _PART)):
        parts[f"{start}{number}"] = text[begin : begin + _PART]
    return parts


def _joined(stored: Attributes, start: str) -> str:
    text = ""
    number = 0
    while isinstance(part := stored.get(f"{start}{number}"), str):
        text += part
        number += 1
    return text
