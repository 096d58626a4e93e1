"""Reads what was damaged: each reading ends well, or in one sentence of this package.

Whatever else comes out counts as a failure: another error, an error of several lines or of another
package, a reading that does not end, or one that runs code from what it read.
"""

from __future__ import annotations

import random
import signal
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import optuna_kappa
from optuna_kappa.study.troubles import StorageError
from studies.scale.damaged import KINDS, CommandError

_PACKAGE = str(Path(optuna_kappa.__file__).parent)
_LONGEST = 60  # seconds; the slowest reading takes less than one

# https://docs.python.org/3/library/audit_events.html
_RUNS = frozenset(
    {
        *("exec", "compile", "pickle.find_class", "subprocess.Popen"),
        *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork"),
    }
)


@dataclass(frozen=True)
class Failure:
    """A reading that did not end as it should.

    Attributes:
        kind: What was read, one of `KINDS`.
        index: Which damage, so that it can be repeated.
        text: What came out of it.
    """

    kind: str
    index: int
    text: str


@dataclass
class Outcome:
    """What came of many readings of damaged things.

    Attributes:
        counts: Number of readings that ended well and in an error, by kind.
        errors: The messages that were seen, by kind.
        failures: Readings that did not end as they should.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    errors: dict[str, set[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


def fuzz(
    count: int, seed: int = 0, kinds: Sequence[str] = tuple(KINDS), folder: Path = Path()
) -> Outcome:
    """Damage each kind of what is stored in turn, and read it.

    Args:
        count: Number of readings, over all kinds.
        seed: Seed of the damages.
        kinds: What is damaged, names of `KINDS`.
        folder: Where files may be written.
    """
    outcome = Outcome()
    for kind in kinds:
        outcome.counts[kind] = Counter()
        outcome.errors[kind] = set()
        # What is imported and compiled at the first use would look like code that was read.
        for call in KINDS[kind](None, folder):
            call()

    for number in range(count):
        kind = kinds[number % len(kinds)]
        index = number // len(kinds)
        ended, text = read_damaged(kind, index, seed, folder)
        outcome.counts[kind][ended] += 1
        if ended == "error":
            outcome.errors[kind].add(text)
        elif ended == "failure":
            outcome.failures.append(Failure(kind, index, text))
    return outcome


def read_damaged(kind: str, index: int, seed: int, folder: Path) -> tuple[str, str]:
    """Damage one thing and read it.

    Args:
        kind: What, a name of `KINDS`.
        index: Which damage.
        seed: Seed of the damages.
        folder: Where files may be written.

    Returns:
        "read", "error" or "failure", and the message of the error or failure.
    """
    rng = random.Random(f"{kind} {seed} {index}")
    ended = ("read", "")
    for call in KINDS[kind](rng, folder):
        ran: list[str] = []
        try:
            with warnings.catch_warnings(), _within(_LONGEST), _watched(ran):
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", UserWarning)  # which is meant for users
                call()
        except CommandError as error:
            ended = ("error", str(error))
        except Exception as error:
            problem = _problem_of(error)
            if problem:
                return "failure", problem
            ended = ("error", str(error))
        if ran:
            return "failure", f"it ran code: {ran[0]}"
    return ended


def _problem_of(error: Exception) -> str:
    """Why an error is none that a user should see; empty if it is one."""
    told = "".join(traceback.format_exception(error))
    if not isinstance(error, (ValueError, StorageError)):
        return told
    raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
    if not raised_in.startswith(_PACKAGE):
        return told

    text = str(error)
    is_sentence = " " in text and text.isprintable()
    return "" if is_sentence else f"not one printable sentence: {text!r}\n{told}"


class _TooLong(BaseException):
    """A reading does not end; nothing that it calls may catch this."""


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Raise an error if what is done takes longer."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    except _TooLong:
        raise TimeoutError(f"no end after {seconds} seconds") from None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


_watchers: list[list[str]] = []


@contextmanager
def _watched(ran: list[str]) -> Iterator[None]:
    """Write down what code is run meanwhile, other than imports."""
    if not getattr(_audit, "is_on", False):
        sys.addaudithook(_audit)  # which stays until the process ends
        _audit.is_on = True  # type: ignore[attr-defined]
    _watchers.append(ran)
    try:
        yield
    finally:
        _watchers.remove(ran)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watchers and event in _RUNS and not _is_import():
        _watchers[-1].append(f"{event} {arguments!r:.200}")


def _is_import() -> bool:
    """Whether a module is being imported, somewhere up the stack."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if "importlib._bootstrap" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False
