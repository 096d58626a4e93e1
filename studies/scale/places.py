"""Storages to measure on, new and empty, each for as long as it is needed."""

from __future__ import annotations

import multiprocessing
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from studies.scale.postgres import free_port, missing, postgres

PLACES = ("sqlite", "journal", "postgresql", "grpc")
"""Names of the kinds of storages."""


class Place(NamedTuple):
    """A new storage.

    Attributes:
        url: Its URL.
        folder: A folder beside it, for what belongs to it.
        restart: Ends its server at once, and starts it again; None if it has none.
    """

    url: str
    folder: Path
    restart: Callable[[], None] | None = None


@contextmanager
def new_storage(kind: str) -> Iterator[Place]:
    """A new storage of a kind, for as long as it is needed.

    Args:
        kind: One of `PLACES`.

    Raises:
        ValueError: There is no such kind, or what it needs is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="kappa-scale-") as name:
        folder = Path(name)
        if kind in ("sqlite", "journal"):
            yield Place(f"{kind}:///{folder / 'kappa.db'}", folder)
            return
        if kind not in PLACES:
            raise ValueError(f"a storage is one of {', '.join(PLACES)}, got {kind!r}")

        reason = missing()
        if reason:
            raise ValueError(f"{kind} cannot be measured: {reason}")
        with postgres() as server:
            if kind == "postgresql":
                yield Place(server.url, folder, server.restart)
                return
            proxy = Proxy(server.url)
            try:
                yield Place(proxy.url, folder, proxy.restart)
            finally:
                proxy.stop()


class Proxy:
    """Optuna's gRPC proxy in front of a database, in a process of its own.

    Attributes:
        url: Its URL.
    """

    def __init__(self, database: str) -> None:
        """Start it.

        Args:
            database: URL of the database.
        """
        self._database = database
        self._port = free_port()
        self.url = f"grpc://127.0.0.1:{self._port}"
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        given = (self._database, self._port)
        self._process = context.Process(target=_serve, args=given, daemon=True)
        self._process.start()

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.join()

    def restart(self) -> None:
        """End it at once, and start another."""
        self.stop()
        self._start()


def _serve(url: str, port: int) -> None:
    from optuna.storages import get_storage, run_grpc_proxy_server

    from optuna_kappa.study.storage import open_storage

    warnings.simplefilter("ignore")  # that it is experimental
    storage = get_storage(open_storage(url, heartbeat=None))
    run_grpc_proxy_server(storage, host="127.0.0.1", port=port)
