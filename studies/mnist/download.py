"""Downloads MNIST with torchvision, in a child process that can be ended at any moment.

torchvision's own download has three faults. It waits without limit when the network is silent. It
prints progress bars. And it unpacks in place, so an interrupted run leaves half a file, which the
next run takes for a whole one. Here torchvision works in a scratch folder and its output is
captured. It is ended when no byte has arrived for a while. Only complete files are moved into
place.
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

# torchvision's first mirror. It is tried before torchvision is imported: the import takes seconds,
# and on a machine without a network they would be wasted.
_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_REACH_SECONDS = 5.0
_STALL_SECONDS = 15.0
_SCRIPT = "import sys; from torchvision.datasets import MNIST; MNIST(sys.argv[1], download=True)"
# What an error message contains if torchvision was built for another version of torch.
_MISMATCH_SIGNS = ("torchvision::", "undefined symbol", "custom C++ ops")


class DownloadError(RuntimeError):
    """MNIST could not be downloaded. The message is the reason, as a part of a sentence."""


def download(root: Path) -> None:
    """Download MNIST into `<root>/MNIST/raw`, or change nothing there.

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
        # On the same file system as the destination, so that a move is one atomic rename.
        with tempfile.TemporaryDirectory(prefix="download-", dir=root) as scratch:
            _run_torchvision(Path(scratch))
            scratch_raw = Path(scratch) / "MNIST" / "raw"
            for name in FILES:
                os.replace(scratch_raw / name, raw / name)
    except OSError as error:
        raise DownloadError(f"the cache folder cannot be written: {error.strerror}") from error


def torchvision_reason(message: str) -> str:
    """Turn the message of a failed torchvision import or call into a part of a sentence.

    Args:
        message: The text of an exception or a whole traceback.

    Returns:
        What to do, if torchvision is missing or was built for another version of torch.
        Otherwise the last line of the message, which in a traceback names the exception.
    """
    if "No module named 'torchvision'" in message:
        return "torchvision is not installed: run `pip install torch torchvision`"

    if any(sign in message for sign in _MISMATCH_SIGNS):
        return (
            "torchvision was built for another version of torch than the installed one: install "
            "the two together, `pip install --upgrade torch torchvision`"
        )

    lines = message.strip().splitlines()
    return lines[-1].strip() if lines else "torchvision gave no reason"


def _reachable(url: str) -> bool:
    """Whether a server gives any answer at all within 5 s."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            urllib.request.urlopen(url, timeout=_REACH_SECONDS).close()
        except urllib.error.HTTPError as error:
            error.close()
        except (OSError, ValueError):
            return
        answers.append(True)

    # In a thread, since the time limit of a socket does not cover looking up the host's name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_REACH_SECONDS)
    return bool(answers)


def _run_torchvision(scratch: Path) -> None:
    """Let torchvision download into a folder, and end it when that folder stops growing."""
    command = [sys.executable, "-c", _SCRIPT, str(scratch)]
    # stderr goes to a file: a full pipe that nobody reads would block the child.
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
    """Wait until a child ends (True) or its folder has not grown for 15 s (False)."""
    size = 0
    deadline = time.monotonic() + _STALL_SECONDS
    while time.monotonic() < deadline:
        try:
            child.wait(timeout=0.2)
            return True
        except subprocess.TimeoutExpired:
            pass

        new_size = _size(folder)
        if new_size != size:
            size = new_size
            deadline = time.monotonic() + _STALL_SECONDS

    return False


def _size(folder: Path) -> int:
    """Total bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
