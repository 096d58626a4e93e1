"""`optuna-kappa dashboard`: optuna-dashboard with the note and figures of this package."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser

from optuna_kappa.cli.output import print_text
from optuna_kappa.cli.storages import STORAGE_HELP, default_storage, readable, storage_url
from optuna_kappa.dashboard.serving import served, url_of
from optuna_kappa.study.opening import open_any, shown
from optuna_kappa.study.storage import close_storage

SUMMARY = "watch studies in the browser"
USAGE = "optuna-kappa dashboard [STORAGE] [options]"
DESCRIPTION = """\
Start optuna-dashboard, and show with each study the recommended lr, the
verdict on the law behind it, what decides next, and figures. They follow the
study while it runs. Nothing is written to the storage. Ctrl-C ends it.
"""
EXAMPLES = """\
examples:
  optuna-kappa dashboard sqlite:///my.db
  optuna-kappa dashboard sqlite:///my.db --port 8081 --no-browser
"""
HAS_RESULTS = False

_PORT = 8080  # that of optuna-dashboard
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `dashboard`."""
    command.add_argument(
        "storage",
        nargs="?",
        default=default_storage(),
        metavar="STORAGE",
        help=STORAGE_HELP,
    )
    command.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="NAME",
        help="address to listen at (default: 127.0.0.1, this machine only)",
    )
    command.add_argument(
        "--port",
        type=int,
        default=_PORT,
        metavar="N",
        help=f"port to listen at, 0 for any that is free (default: {_PORT})",
    )
    command.add_argument("--no-browser", action="store_true", help="open no browser")


def run(options: argparse.Namespace) -> None:
    """Serve the dashboard until it is interrupted.

    Raises:
        ValueError: The storage cannot be opened, optuna-dashboard is not installed, or one cannot
            listen at the port.
    """
    url = storage_url(options)
    storage = open_any(url)
    try:
        with readable(url):
            storage.get_all_studies()
        with served(storage, options.host, options.port) as server:
            place = url_of(server)
            print_text(f"{shown(url)} is shown at {place} (Ctrl-C ends it)")
            if options.host not in _THIS_MACHINE:
                print_text("Whoever reaches this machine can see and change the studies.")

            sys.stdout.flush()
            if not options.no_browser and _has_screen():
                webbrowser.open(place)
            server.serve_forever()
    finally:
        close_storage(storage)


def _has_screen() -> bool:
    """Whether a browser would have a window; one of a terminal would take it over."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
