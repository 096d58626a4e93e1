"""Figures as pictures, drawn by a browser without a window."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import plotly
from PIL import Image
from plotly.graph_objects import Figure

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WIDTH = 900  # pixels of a page
_MARGIN = 10
_SCALE = 1.5  # pixels of a picture for each of the page, so that texts are sharp
_COLORS = 128  # of a picture; figures have few, and such pictures are half as large
_SECONDS = 120  # after which the browser is given up
_SCRIPT = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

_PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><style>
body {{ margin: {margin}px; background: {background}; }}
</style></head><body>
<div id="figure" style="width: {width}px; height: {height}px"></div>
<script src="{script}"></script>
<script>
const figure = {figure};
Plotly.newPlot("figure", figure.data, figure.layout, {{ displayModeBar: false }});
</script></body></html>
"""


def find_browser() -> str:
    """Path of the browser that draws.

    Raises:
        ValueError: There is none.
    """
    for name in BROWSERS:
        path = shutil.which(name)
        if path is not None:
            return path

    raise ValueError(
        f"no browser to draw pictures with, none of {', '.join(BROWSERS)}: install Chromium, as "
        "with apt-get install chromium"
    )


def draw(figure: Figure, path: Path, browser: str) -> None:
    """Draw a figure as a PNG file.

    Args:
        figure: The figure.
        path: File to write.
        browser: Path of the browser.

    Raises:
        ValueError: The browser fails.
    """
    height = int(figure.layout.height)
    page = _PAGE.format(
        width=_WIDTH - 2 * _MARGIN,
        height=height,
        margin=_MARGIN,
        background=figure.layout.template.layout.paper_bgcolor,
        script=_SCRIPT.as_uri(),
        # Nothing in a figure can end the script that holds it.
        figure=figure.to_json().replace("</", "<\\/"),
    )
    with tempfile.TemporaryDirectory(prefix="gallery-") as folder:
        html = Path(folder) / "page.html"
        html.write_text(page, encoding="utf-8")
        picture = Path(folder) / "picture.png"
        _screenshot(browser, html, picture, height + 2 * _MARGIN)

        with Image.open(picture) as drawn:
            # This method keeps colors that few pixels have, such as those of thin lines.
            method = Image.Quantize.MAXCOVERAGE
            few = drawn.convert("RGB").quantize(_COLORS, method, dither=Image.Dither.NONE)
            few.save(path, optimize=True)


def _screenshot(browser: str, html: Path, picture: Path, height: int) -> None:
    command = [
        browser,
        "--headless",
        "--no-sandbox",  # which containers cannot have; the page is our own
        "--disable-gpu",
        "--hide-scrollbars",
        "--allow-file-access-from-files",
        f"--user-data-dir={picture.parent / 'profile'}",
        f"--force-device-scale-factor={_SCALE}",
        f"--window-size={_WIDTH},{height}",
        "--virtual-time-budget=5000",
        f"--screenshot={picture}",
        html.as_uri(),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"{browser} cannot draw: {error}") from error

    if done.returncode or not picture.exists():
        said = " ".join(done.stderr.split()[-20:])
        raise ValueError(f"{browser} drew nothing (exit code {done.returncode}): {said}")
