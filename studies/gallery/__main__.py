"""Command line of the gallery: `python -m studies.gallery`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import optuna

from optuna_kappa.visualization import on_dark
from studies.folders import writable
from studies.gallery.entries import ENTRIES
from studies.gallery.page import PICTURES, gallery_page
from studies.gallery.pictures import draw, find_browser
from studies.gallery.searches import gallery_studies

_DOCS = Path(__file__).parents[2] / "docs"
_WRONG_INPUT = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the gallery; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.gallery",
        description="Draw every figure, and write gallery.md with the code of each.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=_DOCS,
        metavar="FOLDER",
        help="folder of the page, with its pictures in a folder beside it (default: docs)",
    )
    options = parser.parse_args(arguments)
    try:
        _write(options.out)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _WRONG_INPUT
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _write(out: Path) -> None:
    """Write the page and its pictures.

    Raises:
        ValueError: There is no browser, or the folder cannot be written to.
    """
    browser = find_browser()
    pictures = writable(out / PICTURES, "--out")

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    studies = gallery_studies()
    for entry in ENTRIES:
        print(f"drawing {entry.id}", flush=True)
        figure = entry.figure(studies)
        draw(figure, pictures / f"{entry.id}.png", browser)
        draw(on_dark(figure), pictures / f"{entry.id}-dark.png", browser)

    page = out / "gallery.md"
    page.write_text(gallery_page(ENTRIES), encoding="utf-8")
    print(f"wrote {page}")


if __name__ == "__main__":
    sys.exit(main())
