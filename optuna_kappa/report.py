"""A self-contained page from texts, tables and figures.

The page asks nothing of any network: Plotly's script is written into it, and its content security
policy forbids the rest. Every text is escaped; what figures say is the figures' own concern
(`optuna_kappa.visualization.theme.escape`), but cannot leave their script.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Cell = str | float | int
"""What a table holds: a text is shown as it is, a float to four digits, NaN as a dash."""

_NUMBER = re.compile(r"[<>~±+\-−]?\s*\d[\d.,]*(e[+\-−]?\d+)?\s*(%|×|x|[kMBT])?", re.IGNORECASE)
_MISSING = ("", "-", "–", "—", "inf")

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #f6f7f9; color: #22272e;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
  sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 40px 20px 80px; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 8px; overflow-wrap: anywhere; }
p { margin: 8px 0; max-width: 75ch; overflow-wrap: anywhere; }
.lead { font-size: 1.1rem; color: #424a53; }
section { background: white; border: 1px solid #e3e7ec; border-radius: 10px;
  padding: 24px; margin-top: 24px; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 12px 24px;
  margin: 24px 0 0; }
dt { color: #57606a; font-size: 0.8rem; }
dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.figure { margin-top: 16px; width: 100%; }
.table { margin-top: 16px; overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 16px 6px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #e3e7ec; }
th { color: #57606a; font-weight: 600; border-bottom-color: #b8c0ca; }
.number { text-align: right; white-space: nowrap; padding: 6px 16px; }
"""

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$lead
$facts
$sections
</main>
$scripts</body>
</html>
""")

_DRAW = """
for (const place of document.querySelectorAll(".figure")) {
  const { data, layout } = JSON.parse(place.nextElementSibling.textContent);
  const modeBarButtons = [["toImage", "zoom2d", "pan2d", "resetScale2d"]];
  Plotly.newPlot(place, data, layout, { responsive: true, displaylogo: false, modeBarButtons });
}
"""


@dataclass(frozen=True)
class Table:
    """A table; columns of numbers are aligned to the right.

    Attributes:
        header: Names of the columns.
        rows: Cells of each row, as many as there are columns.

    Raises:
        ValueError: A row has another number of cells.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            if len(row) != len(self.header):
                raise ValueError(
                    f"row {i} has {len(row)} cells, but the table has {len(self.header)} columns"
                )


@dataclass(frozen=True)
class Section:
    """A part of a page: texts, then figures, then tables.

    Attributes:
        title: Heading.
        text: Paragraphs.
        figures: Plotly figures.
        tables: Tables.
    """

    title: str
    text: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()


def page(
    title: str,
    lead: str = "",
    sections: Sequence[Section] = (),
    facts: Mapping[str, str] | None = None,
) -> str:
    """Writes a page of HTML.

    Args:
        title: Title; plain text, as all the others.
        lead: First paragraph: what the page says.
        sections: Its parts.
        facts: Short values by name, shown above the sections.
    """
    n_figures = sum(len(section.figures) for section in sections)
    return _PAGE.substitute(
        title=escape(title),
        style=_STYLE,
        lead=f'<p class="lead">{escape(lead)}</p>' if lead else "",
        facts=_facts(facts or {}),
        sections="\n".join(_section(section) for section in sections),
        scripts=_scripts() if n_figures else "",
    )


def write(path: str | PathLike[str], html: str) -> None:
    """Writes a page to a file: readers see the old page or the new one, never a part.

    Raises:
        ValueError: The file cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(html.encode("utf-8", "replace"))
        part.replace(path)
    except OSError as error:
        raise ValueError(
            f"cannot write the page {path}: {error.strerror}; "
            "give the name of a file in a folder that exists and can be written"
        ) from error
    finally:
        with suppress(OSError):  # it is gone if all went well
            part.unlink()


def _section(section: Section) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>"]
    parts += [f"<p>{escape(paragraph)}</p>" for paragraph in section.text]
    parts += [_figure(figure) for figure in section.figures]
    parts += [_table(table) for table in section.tables]
    return "\n".join(["<section>", *parts, "</section>"])


def _figure(figure: Figure) -> str:
    # In a script of JSON nothing but "</script" and "<!--" has a meaning to the browser.
    content = figure.to_json().replace("<", "\\u003c")
    height = figure.layout.height or 450
    return (
        f'<div class="figure" style="height: {height:g}px"></div>\n'
        f'<script type="application/json">{content}</script>'
    )


def _table(table: Table) -> str:
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.header)
    marks = [' class="number"' if _is_numeric(column) else "" for column in columns]
    head = "".join(
        f"<th{mark}>{escape(name)}</th>" for name, mark in zip(table.header, marks, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            f"<td{mark}>{escape(_text(cell))}</td>" for cell, mark in zip(row, marks, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _is_numeric(column: Sequence[Cell]) -> bool:
    texts = [_text(cell) for cell in column]
    values = [text for text in texts if text not in _MISSING]
    return bool(values) and all(_NUMBER.fullmatch(text) for text in values)


def _text(cell: Cell) -> str:
    if isinstance(cell, float):
        return "–" if math.isnan(cell) else f"{cell:.4g}"
    return str(cell)


def _facts(facts: Mapping[str, str]) -> str:
    if not facts:
        return ""
    items = [
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    ]
    return "\n".join(["<dl>", *items, "</dl>"])


def _scripts() -> str:
    from plotly.offline import get_plotlyjs

    return (
        "<noscript><main><p>The figures need JavaScript.</p></main></noscript>\n"
        f"<script>{get_plotlyjs()}</script>\n<script>{_DRAW}</script>\n"
    )
