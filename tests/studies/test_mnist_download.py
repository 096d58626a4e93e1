from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from studies.mnist import download as module
from studies.mnist.download import FILES, DownloadError, download, torchvision_reason

PREPARE = (
    "import pathlib, sys, time\n"
    "raw = pathlib.Path(sys.argv[1]) / 'MNIST' / 'raw'\n"
    "raw.mkdir(parents=True)\n"
)
WRITE = f"for name in {FILES!r}: (raw / name).write_text(name)\n"
WRITE_SLOWLY = f"for name in {FILES!r}: (raw / name).write_text(name); time.sleep(0.4)\n"
WRITE_ONE = f"(raw / {FILES[0]!r}).write_text('half a f')\n"


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_reachable", lambda url: True)


def files_below(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_complete_files_are_moved_into_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SCRIPT", PREPARE + WRITE)
    download(tmp_path / "new")
    assert files_below(tmp_path) == sorted(FILES)
    assert (tmp_path / "new" / "MNIST" / "raw" / FILES[2]).read_text() == FILES[2]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["MNIST"]


def test_failure_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    failing = PREPARE + WRITE_ONE + "print('1 %')\nraise RuntimeError('connection lost')"
    monkeypatch.setattr(module, "_SCRIPT", failing)
    with pytest.raises(DownloadError, match="^RuntimeError: connection lost$"):
        download(tmp_path)
    assert files_below(tmp_path) == []
    assert capfd.readouterr() == ("", "")


def test_silence_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SCRIPT", PREPARE + WRITE_ONE + "time.sleep(60)")
    monkeypatch.setattr(module, "_STALL_SECONDS", 0.5)
    start = time.monotonic()
    with pytest.raises(DownloadError, match=r"no data arrived for 0\.5 s"):
        download(tmp_path)
    assert time.monotonic() - start < 10
    assert files_below(tmp_path) == []


def test_slow_but_steady_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SCRIPT", PREPARE + WRITE_SLOWLY)
    monkeypatch.setattr(module, "_STALL_SECONDS", 1.5)
    download(tmp_path)
    assert files_below(tmp_path) == sorted(FILES)


def test_unreachable_mirror_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_reachable", lambda url: False)
    with pytest.raises(DownloadError, match="cannot be reached"):
        download(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"):
        download(tmp_path / "file" / "below")


class NotFound(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), NotFound) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


class TestReachable:
    # Undoes the fixture of this module, which replaces what is tested here.
    reachable = staticmethod(module._reachable)

    def test_any_answer_will_do(self, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "*")
        assert self.reachable(server)

    def test_closed_port(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "*")
        assert not self.reachable("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("ModuleNotFoundError: No module named 'torchvision'", "pip install torch torchvision"),
        ("RuntimeError: operator torchvision::nms does not exist", "install the two together"),
        ("a.so: undefined symbol: _ZN3c10", "install the two together"),
        ("Traceback:\n  File\nURLError: refused\n\n", "URLError: refused"),
        ("", "gave no reason"),
    ],
)
def test_torchvision_reason(message: str, says: str) -> None:
    assert says in torchvision_reason(message)
