"""How commands print: plain text, up to 80 columns wide, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from optuna_kappa.law import Verdict

WIDTH = 79  # columns; terminals of 80 wrap a line that fills them


def print_json(results: Mapping[str, Any]) -> None:
    """Print the results of a command as JSON.

    Example:
        >>> print_json({"study": "mine"})
        {
         "study": "mine"
        }
    """
    # NaN and infinity are no JSON, though Python would write them.
    print(json.dumps(results, indent=1, allow_nan=False))


def print_notes(notes: Sequence[str]) -> None:
    """Print notes on the error stream, so that the output stays clean.

    Example:
        >>> print_notes(["the runs also differ in width"])
    """
    for note in notes:
        print(fill(f"note: {note}", WIDTH), file=sys.stderr)


def group_name(context: Mapping[str, str]) -> str:
    """Name a context group by its values. Without context, the name is empty.

    Example:
        >>> group_name({"optimizer": "adam", "width": "64"})
        'optimizer=adam, width=64'
    """
    return ", ".join(f"{name}={value}" for name, value in context.items())


def verdict_text(verdict: Verdict) -> str:
    """Write a verdict, indented by two columns.

    Example:
        >>> print(verdict_text(Verdict("flat", "One lr is best everywhere.", "Copy it.")))
          flat: One lr is best everywhere. Copy it.
    """
    return fill(str(verdict), WIDTH, initial_indent="  ", subsequent_indent="    ")


def shortened(text: str, width: int) -> str:
    """Cut a text that is longer than a width.

    Example:
        >>> shortened("a-long-column-name", width=10)
        'a-long-...'
    """
    if len(text) <= width:
        return text

    return f"{text[: width - 3]}..."


def indented(text: str, by: int, start: str = "") -> str:
    """Wrap a text into indented lines.

    Args:
        text: Text to wrap.
        by: Columns by which to indent each line.
        start: What stands at the start of the first line in place of the indent.

    Example:
        >>> print(indented("the first line and the second", by=66, start=f"{'end':<66}"))
        end                                                               the first ...
    """
    indent = " " * by
    return fill(
        text,
        WIDTH,
        initial_indent=start or indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def number_text(value: float | None, form: str) -> str:
    """Write a number in a format, or a dash if there is none.

    Example:
        >>> number_text(0.0123, ".2g"), number_text(None, ".2g")
        ('0.012', '-')
    """
    return "-" if value is None else f"{value:{form}}"
