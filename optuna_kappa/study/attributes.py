"""What is stored on trials, as one flat text an attribute.

A text can be compared, counted and shown by whatever reads a study; a dictionary would break
`study.trials_dataframe().drop_duplicates()`. The text is JSON. Earlier versions stored the
dictionary itself, and later ones may store more fields, so what is read need not be what this
version writes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from optuna_kappa._json import parse_json

_logger = logging.getLogger(__name__)

_SHOWN = 60  # characters of a value that cannot be read


def as_text(fields: Mapping[str, Any]) -> str:
    """The fields of an attribute as it is stored.

    Example:
        >>> as_text({"horizon": 8, "kind": "probe"})
        '{"horizon": 8, "kind": "probe"}'
    """
    return json.dumps(fields)


def as_fields(stored: object) -> Mapping[str, Any] | None:
    """The fields of a stored attribute; None if it holds something else.

    Example:
        >>> as_fields('{"horizon": 8}')
        {'horizon': 8}
        >>> as_fields({"horizon": 8})  # of an earlier version
        {'horizon': 8}
        >>> as_fields("eight") is None
        True
    """
    if isinstance(stored, str):
        try:
            stored = parse_json(stored)
        except ValueError:
            return None

    return stored if isinstance(stored, Mapping) else None


def note_unreadable(
    trials: Sequence[FrozenTrial],
    name: str,
    is_unreadable: Callable[[FrozenTrial], bool],
) -> None:
    """Say once that trials have an attribute that cannot be read.

    Args:
        trials: Any trials of a study.
        name: Name of the attribute.
        is_unreadable: Whether a trial has one that cannot be read.

    Example:
        >>> note_unreadable([], "kappa:plan", lambda trial: True)  # nothing to say
    """
    bad = [trial for trial in trials if is_unreadable(trial)]
    if bad:
        _logger.warning(unreadable_message(bad, name))


def unreadable_message(trials: Sequence[FrozenTrial], name: str) -> str:
    """Which trials have an attribute that cannot be read, in sentences.

    Example:
        >>> from optuna.trial import create_trial
        >>> trial = create_trial(value=0.5, user_attrs={"kappa:plan": 8})
        >>> unreadable_message([trial], "kappa:plan")[:62]
        "The attribute 'kappa:plan' of trial -1 cannot be read: it is 8"
    """
    first = trials[0]
    n_others = len(trials) - 1
    others = f" and {n_others} other{'s' if n_others > 1 else ''}" if n_others else ""

    value = repr(first.user_attrs[name])
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
    ignored = "its trial is" if name.endswith("plan") else "it is"
    return (
        f"The attribute {name!r} of trial {first.number}{others} cannot be read: it is {shown}. "
        f"optuna-kappa writes it, and it is not meant to be set by hand; {ignored} left out."
    )
