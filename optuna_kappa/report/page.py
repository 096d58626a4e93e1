"""Writes a page of HTML from its parts.

The page loads nothing from a network and sends nothing: Plotly's script is part of it, and its
content security policy forbids all other scripts, by their hashes. Every text is escaped. Figures
escape their own texts (`optuna_kappa.visualization.theme.escape`), and none can end the script
that holds it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from os import PathLike
from typing import TYPE_CHECKING

from optuna_kappa._files import write_file
from optuna_kappa._validation import check_items, check_mapping, check_type
from optuna_kappa.report.parts import Cell, Section, Table
from optuna_kappa.report.scripts import PAGE, STYLE, policy, script_tags, scripts

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Numbers as people write them: "1.8e-3", "1,024", "22.5k", "± 3", "> 24", "12 %".
_NUMBER = re.compile(r"[<>~±+\-−]?\s*\d[\d.,]*(e[+\-−]?\d+)?\s*(%|×|x|[kMBT])?", re.IGNORECASE)
_UNITS = re.compile(r"[<>~±+%×x,\s]")
_SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_MISSING = ("", "-", "–", "—", "inf")


def page(
    title: str,
    lead: str = "",
    sections: Sequence[Section] = (),
    facts: Mapping[str, str] | None = None,
) -> str:
    """Write a page of HTML.

    Args:
        title: Title. This and all other texts are plain text.
        lead: First paragraph: the result in a sentence.
        sections: Parts of the page.
        facts: Short values by name, shown above the sections.

    Example:
        >>> html = page("Results", sections=[Section("Law", ["slope < 1"])], facts={"Runs": "24"})
        >>> "<dt>Runs</dt><dd>24</dd>" in html, "<p>slope &lt; 1</p>" in html
        (True, True)
    """
    check_type("title", title, str, "it is the heading of the page")
    check_type("lead", lead, str, "it is the first paragraph")
    check_items("sections", sections, Section, "they are the parts of the page")
    if facts is not None:
        values = check_mapping("facts", facts, "it has short values by name").values()
        check_items("the values of facts", values, str, "write numbers as they are to be shown")

    has_figures = any(section.figures for section in sections)
    has_tables = any(section.tables for section in sections)
    of_page = scripts(figures=has_figures, tables=has_tables)
    return PAGE.substitute(
        policy=policy(of_page),
        title=escape(title),
        style=STYLE,
        lead=f'<p class="lead">{escape(lead)}</p>' if lead else "",
        facts=_facts(facts or {}),
        sections="\n".join(_section(section) for section in sections),
        scripts=script_tags(of_page, figures=has_figures),
    )


def write(path: str | PathLike[str], html: str) -> None:
    """Write a page to a file. Readers see the old page or the new one, never a part.

    Raises:
        ValueError: The file cannot be written, or the name belongs to what is no file.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(f"{folder}/results.html", page("Results"))
        ...     Path(f"{folder}/results.html").read_text()[:15]
        '<!DOCTYPE html>'
    """
    check_type("html", html, str, "page returns it")
    # A lone surrogate has no bytes in UTF-8.
    write_file(path, html.encode("utf-8", "replace"), "page")


def _facts(facts: Mapping[str, str]) -> str:
    if not facts:
        return ""

    lines = ["<dl>"]
    for name, value in facts.items():
        lines.append(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>")

    lines.append("</dl>")
    return "\n".join(lines)


def _section(section: Section) -> str:
    lines = ["<section>", f"<h2>{escape(section.title)}</h2>"]
    for paragraph in section.text:
        lines.append(f"<p>{escape(paragraph)}</p>")

    lines += map(_figure, section.figures)
    lines += map(_table, section.tables)
    lines.append("</section>")
    return "\n".join(lines)


def _figure(figure: Figure) -> str:
    # In a script of JSON, only "</script" and "<!--" have a meaning to the browser.
    content = figure.to_json().replace("<", "\\u003c")
    height = figure.layout.height or 450
    return (
        f'<div class="figure" style="height: {height:g}px"></div>\n'
        f'<script type="application/json">{content}</script>'
    )


def _table(table: Table) -> str:
    # Without rows, there are no columns to transpose.
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.header)
    styles = [' class="number"' if _is_numeric(column) else "" for column in columns]

    head = _head(table.header, styles)
    body = "\n".join(_row(row, styles) for row in table.rows)
    return (
        f'<div class="table"><table>\n<thead>{head}</thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _head(names: Sequence[str], styles: Sequence[str]) -> str:
    row = ""
    for name, style in zip(names, styles, strict=True):
        row += f'<th scope="col"{style}><button>{escape(name)}</button></th>'

    return f"<tr>{row}</tr>"


def _row(cells: Sequence[Cell], styles: Sequence[str]) -> str:
    row = ""
    for cell, style in zip(cells, styles, strict=True):
        # Rows are sorted by the number, of which the text has four digits, or a suffix.
        number = _number(cell) if style else None
        value = "" if number is None else f' data-value="{_of_script(number)}"'
        row += f"<td{style}{value}>{escape(_text(cell))}</td>"

    return f"<tr>{row}</tr>"


def _is_numeric(column: Sequence[Cell]) -> bool:
    """Whether all cells are numbers, apart from missing values."""
    texts = [_text(cell) for cell in column]
    values = [text for text in texts if text not in _MISSING]
    return bool(values) and all(map(_NUMBER.fullmatch, values))


def _number(cell: Cell) -> float | None:
    """The number that a cell of a column of numbers shows; None if it is missing."""
    if isinstance(cell, (int, float)):
        return None if math.isnan(cell) else float(cell)
    if cell in _MISSING:
        return None

    digits = _UNITS.sub("", cell).replace("−", "-")
    factor = _SUFFIXES.get(digits[-1].lower(), 1.0)
    try:
        return factor * float(digits.rstrip("kKmMbBtT"))
    except ValueError:  # of a version, such as 1.2.3
        return None


def _of_script(number: float) -> str:
    """A number as JavaScript reads it."""
    return repr(number).replace("inf", "Infinity")


def _text(cell: Cell) -> str:
    if not isinstance(cell, float):
        return str(cell)

    return "–" if math.isnan(cell) else f"{cell:.4g}"
