"""How commands print: plain text, up to 80 columns wide, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from optuna_kappa.law import Verdict

WIDTH = 79


def label(context: Mapping[str, str]) -> str:
    """A group's name; '' without context."""
    return ", ".join(f"{name}={value}" for name, value in context.items())


def print_json(results: Mapping[str, Any]) -> None:
    """Print the results of a command as JSON."""
    print(json.dumps(results, indent=1, allow_nan=False))


def print_notes(notes: Sequence[str]) -> None:
    """Print notes on the error stream."""
    for text in notes:
        print(fill(f"note: {text}", WIDTH), file=sys.stderr)


def verdict_text(verdict: Verdict) -> str:
    """A verdict, indented by two columns."""
    return fill(str(verdict), WIDTH, initial_indent="  ", subsequent_indent="    ")


def shortened(text: str, width: int) -> str:
    """The text, cut to a width where it is longer."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def indented(text: str, by: int, start: str = "") -> str:
    """Lines indented by some columns; the first one may start with what stands there."""
    indent = " " * by
    return fill(
        text,
        WIDTH,
        initial_indent=start or indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def number_text(value: float | None, form: str) -> str:
    """A number in a format, a dash where there is none."""
    return "-" if value is None else f"{value:{form}}"
