"""How commands print: plain text, up to 80 columns wide, or JSON."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from textwrap import fill
from typing import Any, TextIO

from optuna_kappa._validation import one_line
from optuna_kappa.cli.rows import as_csv
from optuna_kappa.law import Law, Verdict
from optuna_kappa.law.class_shares import shares_text

WIDTH = 79  # columns; terminals of 80 wrap a line that fills them
_FORMAT: ContextVar[str] = ContextVar("format", default="json")  # of the command that runs
_NARROW = 60  # columns of a terminal in which names and texts do not fit side by side
_MOST_NAMES = 8  # in a message
_LEAST = 20  # columns that a text is given in any case


def print_text(text: str, file: TextIO | None = None) -> None:
    r"""Print a text, with everything escaped that would do more than show a character.

    Args:
        text: Lines of text. Names in it may hold control characters of a terminal, or characters
            that the console cannot encode.
        file: Where to print; by default the output of the process.

    Example:
        >>> print_text("a \x1b[31mred name")
        a \x1b[31mred name
    """
    file = file or sys.stdout
    encoding = getattr(file, "encoding", None) or "utf-8"
    shown = one_line(text, keep="\n").encode(encoding, "backslashreplace")
    print(shown.decode(encoding), file=file)


def print_json(results: Mapping[str, Any]) -> None:
    """Print the results of a command for programs: as JSON, or as CSV where that is asked for.

    Example:
        >>> print_json({"study": "mine"})
        {
         "study": "mine"
        }
        >>> with machine_format("csv"):
        ...     print_json({"study": "mine", "lr": 0.1})
        study,lr
        mine,0.1
    """
    if _FORMAT.get() == "csv":
        print_text(as_csv(results))
        return

    # NaN and infinity are no JSON, though Python would write them.
    print_text(json.dumps(results, indent=1, allow_nan=False))


@contextmanager
def machine_format(name: str) -> Iterator[None]:
    """Choose the format of `print_json`: "csv", or JSON for any other name.

    Example:
        >>> with machine_format("json"):
        ...     print_json({"n": 3})
        {
         "n": 3
        }
    """
    before = _FORMAT.set(name)
    try:
        yield
    finally:
        _FORMAT.reset(before)


def print_notes(notes: Sequence[str]) -> None:
    """Print notes on the error stream, so that the output stays clean.

    Example:
        >>> print_notes(["the runs also differ in width"])
    """
    for note in notes:
        printable = one_line(note, keep="\n")
        print_text(fill(f"note: {printable}", WIDTH), sys.stderr)


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Print what the package warns of as notes.

    Example:
        >>> with warnings_as_notes():
        ...     pass
    """
    logger = logging.getLogger("optuna_kappa")
    handler = _Notes()
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    finally:
        logger.removeHandler(handler)


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_notes([record.getMessage()])


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print_notes([str(message)])


def group_name(context: Mapping[str, str]) -> str:
    """Name a context group by its values. Without context, the name is empty.

    Example:
        >>> group_name({"optimizer": "adam", "width": "64"})
        'optimizer=adam, width=64'
    """
    return one_line(", ".join(f"{name}={value}" for name, value in context.items()))


def verdict_text(verdict: Verdict) -> str:
    """Write a verdict, indented by two columns.

    Example:
        >>> print(verdict_text(Verdict("flat", "One lr is best everywhere.", "Copy it.")))
          flat: One lr is best everywhere. Copy it.
    """
    return fill(str(verdict), WIDTH, initial_indent="  ", subsequent_indent="    ")


def shares_lines(law: Law) -> str:
    """Write how probable each class of slopes is, indented by two columns.

    Example:
        >>> print(shares_lines(Law(())))
          prior: mixture
    """
    return fill(shares_text(law), WIDTH, initial_indent="  ", subsequent_indent="    ")


def shortened(text: str, width: int) -> str:
    """Cut a text that is longer than a width.

    Example:
        >>> shortened("a-long-column-name", width=10)
        'a-long-...'
    """
    text = one_line(text)
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


def entries(lines: Mapping[str, str]) -> str:
    """Write texts by name, wrapped to the terminal and indented by two columns.

    Args:
        lines: Texts by name.

    Example:
        >>> print(entries({"trials": "13: 10 probe, 3 law", "spent": "4.6"}))
          trials  13: 10 probe, 3 law
          spent   4.6
    """
    width = min(WIDTH, shutil.get_terminal_size().columns - 1)
    names = {name: one_line(text) for name, text in lines.items()}
    longest = max(map(len, names), default=0)

    shown = []
    for name, text in names.items():
        # Beside a long name, a narrow terminal leaves no room for a text.
        if width < _NARROW:
            shown.append(f"  {name}")
            shown.append(
                fill(text, max(width, _LEAST), initial_indent="    ", subsequent_indent="    ")
            )
            continue

        indent = " " * (longest + 4)
        start = f"  {name:<{longest}}  "
        shown.append(fill(text, width, initial_indent=start, subsequent_indent=indent))
    return "\n".join(shown)


def listed(names: Sequence[str]) -> str:
    """Write names with commas, and how many more there are than a message should have.

    Example:
        >>> listed([f"run{i}" for i in range(10)])
        'run0, run1, run2, run3, run4, run5, run6, run7 and 2 more'
    """
    text = ", ".join(map(one_line, names[:_MOST_NAMES]))
    n_more = len(names) - _MOST_NAMES
    return f"{text} and {n_more} more" if n_more > 0 else text


def number_text(value: float | None, form: str) -> str:
    """Write a number in a format, or a dash if there is none.

    Example:
        >>> number_text(0.0123, ".2g"), number_text(None, ".2g")
        ('0.012', '-')
    """
    return "-" if value is None else f"{value:{form}}"
