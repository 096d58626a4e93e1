"""What makes a page look and work: its template, its style, its scripts and what they may do."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from string import Template

STYLE = """
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
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid #0072B2; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
.number { text-align: right; white-space: nowrap; padding: 6px 16px; }
"""

PAGE = Template("""<!DOCTYPE html>
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

# A click on a heading sorts by its column, another one in the other order. Missing values come
# last in both.
_SORT = """
function value(row, column) {
  const cell = row.cells[column];
  const text = cell.textContent.trim();
  if (["", "-", "\u2013", "\u2014"].includes(text)) return null;
  return "value" in cell.dataset ? Number(cell.dataset.value) : text;
}
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
for (const heading of document.querySelectorAll("th")) {
  heading.querySelector("button").addEventListener("click", () => {
    const table = heading.closest("table");
    const up = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, heading.cellIndex), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return up ? compare(a, b) : compare(b, a);
    });
    for (const [, row] of rows) body.append(row);
  });
}
"""


def scripts(*, figures: bool, tables: bool) -> list[str]:
    """The scripts of a page: Plotly and one that draws all figures, and one that sorts tables.

    Args:
        figures: Whether the page has figures.
        tables: Whether the page has tables.

    Example:
        >>> len(scripts(figures=False, tables=True))
        1
    """
    needed = [_SORT] if tables else []
    if figures:
        # Imported late, since pages without figures must not wait for Plotly.
        from plotly.offline import get_plotlyjs

        needed += [get_plotlyjs(), _DRAW]

    # Browsers read all ends of lines as this one, and take the hash of what they read.
    return [re.sub("\r\n?", "\n", script) for script in needed]


def script_tags(of_page: Sequence[str], *, figures: bool) -> str:
    r"""The scripts of a page as HTML.

    Example:
        >>> script_tags(["sort();"], figures=False)
        '<script>sort();</script>\n'
    """
    notice = "<noscript><main><p>The figures need JavaScript.</p></main></noscript>\n"
    tags = "".join(f"<script>{script}</script>\n" for script in of_page)
    return notice + tags if figures else tags


def policy(of_page: Sequence[str]) -> str:
    """The content security policy of a page with these scripts.

    Example:
        >>> "script-src" in policy([])
        False
    """
    digests = [hashlib.sha256(script.encode()).digest() for script in of_page]
    sources = " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)
    return f"{_POLICY}; script-src {sources}" if sources else _POLICY
