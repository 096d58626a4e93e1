"""Storages to measure on, new and empty, each for as long as it is needed."""

from __future__ import annotations

import multiprocessing
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studies.scale.postgres import missing, postgres

PLACES = ("sqlite", "journal", "postgresql", "grpc")
"""Names of the kinds of storages."""


@contextmanager
def new_storage(place: str) -> Iterator[tuple[str, Path]]:
    """A new storage of a kind, and a folder beside it.

    Args:
        place: Its kind, one of `PLACES`.

    Raises:
        ValueError: There is no such kind, or what it needs is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="kappa-scale-") as name:
        folder = Path(name)
        if place in ("sqlite", "journal"):
            yield f"{place}:///{folder / 'kappa.db'}", folder
        elif place in ("postgresql", "grpc"):
            reason = missing()
            if reason:
                raise ValueError(f"{place} cannot be measured: {reason}")
            with postgres() as server:
                if place == "postgresql":
                    yield server.url, folder
                else:
                    with proxy(server.url) as url:
                        yield url, folder
        else:
            raise ValueError(f"a storage is one of {', '.join(PLACES)}, got {place!r}")


@contextmanager
def proxy(url: str) -> Iterator[str]:
    """Optuna's gRPC proxy in front of a database, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(url, port), daemon=True)
    process.start()
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        process.kill()
        process.join()


def _serve(url: str, port: int) -> None:
    from optuna.storages import get_storage, run_grpc_proxy_server

    from optuna_kappa.study.storage import open_storage

    warnings.simplefilter("ignore")  # that it is experimental
    storage = get_storage(open_storage(url, heartbeat=None))
    run_grpc_proxy_server(storage, host="127.0.0.1", port=port)
