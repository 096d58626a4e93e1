"""What commands that search share: their limits, and how they end when they are interrupted."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from optuna_kappa.launch.limits import Limits, parse_certified, parse_seconds
from optuna_kappa.launch.progress import Progress
from optuna_kappa.launch.search import ObjectiveError
from optuna_kappa.study.storage import shown
from optuna_kappa.study.troubles import StorageError

_FAILED = 1
_TERMINATED = 143  # as shells report a program that SIGTERM ended


def add_limits(command: argparse.ArgumentParser, text: str, default: str) -> None:
    """Add the options that say when a search ends.

    Args:
        command: Parser of the command.
        text: What is said of them.
        default: The budget that counts by default, in words.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_limits(parser, "What comes first counts.", "none")
        >>> parser.parse_args(["--trials", "30"]).trials
        30
    """
    limits = command.add_argument_group("when to end", text)
    limits.add_argument(
        "--budget",
        type=float,
        metavar="B",
        help=f"full runs that all trials may cost (default: {default})",
    )
    limits.add_argument("--trials", type=int, metavar="N", help="number of trials")
    limits.add_argument("--timeout", metavar="T", help="such as 10m or 2h; counts from now on")
    limits.add_argument(
        "--certify",
        metavar="P:R",
        help="end when the recommended lr is within R of the best with probability P, as 0.9:0.02",
    )


def given_limits(options: argparse.Namespace) -> Limits:
    """The limits that the options give.

    Raises:
        ValueError: One is not allowed.
    """
    seconds = None if options.timeout is None else parse_seconds(options.timeout)
    certified = None if options.certify is None else parse_certified(options.certify)
    return Limits(options.budget, options.trials, seconds, certified)


def run_search(run: Callable[[], None], progress: Progress, url: str) -> None:
    """Run a search; an interrupt or an error of the objective leaves it as it can go on.

    Args:
        run: Runs it.
        progress: Is told how to go on.
        url: URL of the storage.

    Raises:
        SystemExit: The objective raised an error, or the process was terminated.
        KeyboardInterrupt: It was interrupted.
        StorageError: The storage failed for good.
    """
    terminated: list[int] = []
    try:
        with _terminable(terminated):
            run()
    except ObjectiveError as error:
        print(error.text, end="", file=sys.stderr)
        _say_how_to_go_on(progress, url)
        raise SystemExit(_FAILED) from None
    except ChildProcessError as error:
        print(f"error: {error}", file=sys.stderr)
        _say_how_to_go_on(progress, url)
        raise SystemExit(_FAILED) from None
    except StorageError:
        _say_how_to_go_on(progress, url)
        raise
    except KeyboardInterrupt:
        _say_how_to_go_on(progress, url)
        if terminated:
            raise SystemExit(_TERMINATED) from None
        raise


@contextmanager
def _terminable(terminated: list[int]) -> Iterator[None]:
    """Take SIGTERM, which Slurm and Kubernetes send, for an interrupt, unless it is ignored."""

    def end(number: int, _: FrameType | None) -> None:
        terminated.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGTERM)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before in (signal.SIG_IGN, None):
        yield
        return

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say_how_to_go_on(progress: Progress, url: str) -> None:
    progress.say("everything is kept; this goes on with it:")
    progress.say(f"  {_this_command(sys.argv[1:], url)}")


def _this_command(words: Sequence[str], url: str) -> str:
    """The command that goes on, also if the storage came from the environment."""
    command = shlex.join(["optuna-kappa", *words])
    if os.environ.get("OPTUNA_STORAGE") != url:
        return command

    has_password = shown(url) != url  # it is not printed
    place = '"$OPTUNA_STORAGE"' if has_password else shlex.quote(url)
    return f"{command} --storage {place}"
