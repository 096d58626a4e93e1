"""Downloads MNIST by torchvision, in a child process that can be given up at any moment.

torchvision's own download waits on a silent network without limit, prints progress bars, and
unpacks in place, so that an interrupted run leaves half a file which the next one takes for the
whole. Here it works in a scratch folder, its output is captured, it is ended once no byte has
arrived for a while, and only complete files are moved into place.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""The four unpacked files of MNIST, as torchvision names them, in `<root>/MNIST/raw`."""

# torchvision's first mirror, asked before torchvision is: importing it takes seconds, and a
# machine without a network should not wait that long to learn so.
_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_REACH_SECONDS = 5.0
_STALL_SECONDS = 15.0
_SCRIPT = "import sys; from torchvision.datasets import MNIST; MNIST(sys.argv[1], download=True)"


class DownloadError(RuntimeError):
    """MNIST could not be downloaded; the message is the reason, to stand within a sentence."""


def download(root: Path) -> None:
    """Downloads MNIST into `<root>/MNIST/raw`, or changes nothing there.

    Args:
        root: Folder for the data, created if it is missing.

    Raises:
        DownloadError: If the mirror cannot be reached within 5 s, no byte arrives for 15 s,
            torchvision fails, or the folder cannot be written.
    """
    if not _reachable(_MIRROR):
        raise DownloadError("the download mirror cannot be reached")
    raw = root / "MNIST" / "raw"
    try:
        raw.mkdir(parents=True, exist_ok=True)
        # On the same file system as the destination: a move is then one atomic rename.
        with tempfile.TemporaryDirectory(prefix="download-", dir=root) as scratch:
            _run_torchvision(Path(scratch))
            for name in FILES:
                os.replace(Path(scratch) / "MNIST" / "raw" / name, raw / name)
    except OSError as error:
        raise DownloadError(f"the cache folder cannot be written: {error.strerror}") from error


def torchvision_reason(message: str) -> str:
    """Turns the message of a failed torchvision import or call into one sentence's worth.

    Args:
        message: The text of an exception or a whole traceback.

    Returns:
        What to do, if torchvision is missing or was built for another torch; otherwise the
        last line of the message, which in a traceback names the exception.
    """
    if "No module named 'torchvision'" in message:
        return "torchvision is not installed: run `pip install torch torchvision`"
    if any(sign in message for sign in ("torchvision::", "undefined symbol", "custom C++ ops")):
        return (
            "torchvision was built for another torch than the installed one: install the two "
            "together, `pip install --upgrade torch torchvision`"
        )
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[-1] if lines else "torchvision gave no reason"


def _reachable(url: str) -> bool:
    """Tells whether a server answers, whatever it answers, within 5 s."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            urllib.request.urlopen(url, timeout=_REACH_SECONDS).close()
        except urllib.error.HTTPError as error:
            error.close()
        except (OSError, ValueError):
            return
        answers.append(True)

    # A thread, since a time limit on the socket does not cover the look-up of the host's name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_REACH_SECONDS)
    return bool(answers)


def _run_torchvision(scratch: Path) -> None:
    """Lets torchvision download into a folder, and ends it once that folder stops growing."""
    command = [sys.executable, "-c", _SCRIPT, str(scratch)]
    # stderr goes to a file: a pipe that nobody reads while the child runs could block it.
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=output) as child,
    ):
        try:
            finished = _wait_while_growing(child, scratch)
        finally:
            child.kill()
        if not finished:
            raise DownloadError(f"no data arrived for {_STALL_SECONDS:g} s")
        if child.returncode != 0:
            output.seek(0)
            raise DownloadError(torchvision_reason(output.read()))


def _wait_while_growing(child: subprocess.Popen[bytes], folder: Path) -> bool:
    """Waits for a child to end (True) or its folder to stop growing for 15 s (False)."""
    size, deadline = 0, time.monotonic() + _STALL_SECONDS
    while time.monotonic() < deadline:
        try:
            child.wait(timeout=0.2)
            return True
        except subprocess.TimeoutExpired:
            pass
        grown = _size(folder)
        if grown != size:
            size, deadline = grown, time.monotonic() + _STALL_SECONDS
    return False


def _size(folder: Path) -> int:
    """Adds up the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
