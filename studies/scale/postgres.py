"""A PostgreSQL server of our own, for as long as it is needed; none that runs is touched."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_USER = "postgres"  # of Debian's package; a server refuses to run as root
# A server that is thrown away need not survive a crash of the machine.
_FASTER = "-c fsync=off -c max_connections=200"


class Postgres:
    """A server in a folder of its own.

    Attributes:
        url: URL of its database.
    """

    def __init__(self, folder: Path) -> None:
        """Set up a server; it does not run yet."""
        self._folder = folder
        self._port = free_port()
        self.url = f"postgresql+psycopg://{_USER}@127.0.0.1:{self._port}/postgres"
        _call("initdb", "-D", str(folder / "data"), "-U", _USER, "-A", "trust", "-N")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = f"-p {self._port} -c unix_socket_directories={self._folder} {_FASTER}"
        log = str(self._folder / "log")
        _call("pg_ctl", "-D", str(self._folder / "data"), "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        """End the server at once; its clients lose their connections."""
        _call("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def restart(self) -> None:
        """End the server at once, and start it again; it recovers what was told."""
        self.stop()
        self.start()


def missing() -> str | None:
    """Why there is no PostgreSQL here; None if there is."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return None if _program("initdb") else "PostgreSQL is not installed"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that runs, and is stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="kappa-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        server = Postgres(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _call(name: str, *arguments: str) -> None:
    program = _program(name)
    if program is None:
        raise FileNotFoundError(f"{name} of PostgreSQL is not installed")

    command = [program, *arguments]
    if os.geteuid() == 0 and getpass.getuser() != _USER:
        command = ["runuser", "-u", _USER, "--", *command]
    # To files: a pipe would stay open for as long as the server runs.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, stdout=output, stderr=output, cwd="/", check=False)
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{name}: {output.read().decode(errors='replace')}")


def _program(name: str) -> str | None:
    """A program of PostgreSQL; Debian keeps the server's out of the way."""
    found = shutil.which(name)
    if found:
        return found
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(kept[-1]) if kept else None


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
