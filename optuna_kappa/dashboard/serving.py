"""Serves optuna-dashboard with what this package shows of each study."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna.storages import BaseStorage

from optuna_kappa.dashboard.showing import Shown, showing
from optuna_kappa.dashboard.watching import Watcher

_INSTALL = "pip install 'optuna-kappa[dashboard]'"


class Server(ThreadingMixIn, WSGIServer):
    """A server that answers several requests at once, none of which keeps the process alive."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Prints no line for each request."""

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def served(storage: BaseStorage, host: str, port: int) -> Iterator[Server]:
    """A server of the dashboard, and the thread that keeps it up to date.

    Args:
        storage: Storage of the studies.
        host: Name or address to listen at.
        port: Port; 0 for any that is free.

    Returns:
        The server, which listens; `serve_forever` answers.

    Raises:
        ValueError: optuna-dashboard is not installed, or one cannot listen there.
    """
    try:
        from optuna_dashboard import wsgi
    except ImportError as error:
        raise ValueError(
            f"the dashboard needs the package optuna-dashboard ({error}); install it by {_INSTALL}"
        ) from error

    shown = Shown()
    app = wsgi(showing(storage, shown))
    server = _listening(app, host, port)
    watcher = Watcher(storage, shown)
    watcher.start()
    try:
        yield server
    finally:
        watcher.stop()
        server.server_close()


def url_of(server: Server) -> str:
    """Where a server is found by a browser on this machine."""
    host, port = server.server_address[:2]
    shown = str(host)
    if shown in ("0.0.0.0", "::", ""):
        shown = "127.0.0.1"
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


def _listening(app: Any, host: str, port: int) -> Server:
    try:
        return make_server(host, port, app, server_class=Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise ValueError(
                f"port {port} of {host} is in use, maybe by another dashboard; give another one "
                "as --port, or 0 for any that is free"
            ) from error
        raise ValueError(f"cannot listen at port {port} of {host}: {error}") from error
