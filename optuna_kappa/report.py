"""A self-contained page from texts, tables and figures.

The page loads nothing from a network and sends nothing: Plotly's script is part of it, and its
content security policy forbids all other scripts, by their hashes. Every text is escaped. Figures
escape their own texts (`optuna_kappa.visualization.theme.escape`), and none can end the script
that holds it.
"""

from __future__ import annotations

import hashlib
import math
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from os import PathLike
from string import Template
from typing import TYPE_CHECKING

from optuna_kappa._files import write_file
from optuna_kappa._validation import check_items, check_mapping, check_type

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Cell = str | float | int
"""A cell of a table. Texts are shown as they are, floats with four digits, NaN as a dash."""

# Numbers as people write them: "1.8e-3", "1,024", "22.5k", "± 3", "> 24", "12 %".
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
<meta http-equiv="Content-Security-Policy" content="$policy">
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

# What a page may do: show images that it makes, and style itself, as Plotly does. It loads and
# sends nothing. The hashes of its scripts are added, and no other may run.
_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; "
    "style-src 'unsafe-inline'"
)

_DRAW = """
for (const place of document.querySelectorAll(".figure")) {
  const { data, layout } = JSON.parse(place.nextElementSibling.textContent);
  const modeBarButtons = [["toImage", "zoom2d", "pan2d", "resetScale2d"]];
  Plotly.newPlot(place, data, layout, { responsive: true, displaylogo: false, modeBarButtons });
}
"""


@dataclass(frozen=True)
class Table:
    """A table. Columns of numbers are aligned to the right.

    Attributes:
        header: Names of the columns.
        rows: Cells of each row, one for each column.

    Raises:
        ValueError: A row has too few or too many cells.

    Example:
        >>> Table(("horizon", "lr"), [(1, 0.01), (64, 0.0002)]).rows[1]
        (64, 0.0002)
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        n_columns = len(check_items("header", self.header, str, "it names the columns"))
        rows: list[Sequence[Cell]] = check_items("rows", self.rows, Sequence, "each has cells")
        for i, row in enumerate(rows):
            if len(row) != n_columns:
                raise ValueError(
                    f"row {i} has {len(row)} cells, but the table has {n_columns} columns"
                )


@dataclass(frozen=True)
class Section:
    """A part of a page: texts, then figures, then tables.

    Attributes:
        title: Heading.
        text: Paragraphs.
        figures: Plotly figures.
        tables: Tables.

    Example:
        >>> Section("Probes", ["Six short runs."]).title
        'Probes'
    """

    title: str
    text: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()

    def __post_init__(self) -> None:
        check_type("title", self.title, str, "it is the heading of the section")
        check_items("text", self.text, str, "each is a paragraph")
        check_items("figures", self.figures, object, "each is a figure")
        check_items("tables", self.tables, Table, "each is a table")


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
    scripts = _scripts() if has_figures else []
    return _PAGE.substitute(
        policy=_policy(scripts),
        title=escape(title),
        style=_STYLE,
        lead=f'<p class="lead">{escape(lead)}</p>' if lead else "",
        facts=_facts(facts or {}),
        sections="\n".join(_section(section) for section in sections),
        scripts=_script_tags(scripts),
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

    head = _row("th", table.header, styles)
    body = "\n".join(_row("td", row, styles) for row in table.rows)
    return (
        f'<div class="table"><table>\n<thead>{head}</thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _row(tag: str, cells: Sequence[Cell], styles: Sequence[str]) -> str:
    row = ""
    for cell, style in zip(cells, styles, strict=True):
        row += f"<{tag}{style}>{escape(_text(cell))}</{tag}>"

    return f"<tr>{row}</tr>"


def _is_numeric(column: Sequence[Cell]) -> bool:
    """Whether all cells are numbers, apart from missing values."""
    texts = [_text(cell) for cell in column]
    values = [text for text in texts if text not in _MISSING]
    return bool(values) and all(map(_NUMBER.fullmatch, values))


def _text(cell: Cell) -> str:
    if not isinstance(cell, float):
        return str(cell)

    return "–" if math.isnan(cell) else f"{cell:.4g}"


def _scripts() -> list[str]:
    """Plotly, and the script that draws all figures of the page."""
    # Imported late, since pages without figures must not wait for Plotly.
    from plotly.offline import get_plotlyjs

    # Browsers read all ends of lines as this one, and take the hash of what they read.
    return [re.sub("\r\n?", "\n", script) for script in (get_plotlyjs(), _DRAW)]


def _script_tags(scripts: Sequence[str]) -> str:
    if not scripts:
        return ""

    notice = "<noscript><main><p>The figures need JavaScript.</p></main></noscript>\n"
    return notice + "".join(f"<script>{script}</script>\n" for script in scripts)


def _policy(scripts: Sequence[str]) -> str:
    """The content security policy of a page with these scripts."""
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    sources = " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)
    return f"{_POLICY}; script-src {sources}" if sources else _POLICY
