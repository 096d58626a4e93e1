"""The command line's entry, which can be interrupted at any time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

_INTERRUPTED = 130  # as shells report a program that Ctrl-C ended


class _Interrupt(KeyboardInterrupt):
    """Ctrl-C.

    Of a KeyboardInterrupt itself, Python remembers if it went through code that `exec` ran, as all
    dataclasses do. It then ends with a signal of its own, whatever exit code it is given.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The words after `optuna-kappa`; by default the arguments of the process.

    Returns:
        The exit code: 0, 2 for wrong input, 130 when interrupted, 141 when nobody reads the
        output any more.

    Example:
        >>> import tempfile
        >>> from optuna_kappa.runs import example_runs
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     example_runs().to_csv(f"{folder}/runs.csv")
        ...     exit_code = main(["propose", f"{folder}/runs.csv", "--horizon", "256"])
        constant
        ...
    """
    interrupts: list[int] = []
    with _noted(interrupts):
        try:
            # Imported here, since Ctrl-C in the second that it takes must not show a traceback.
            from optuna_kappa.cli.commands import run_command

            code = run_command(arguments)
        except KeyboardInterrupt:
            return _INTERRUPTED
        except BaseException:
            # A library that is interrupted while it is imported may make any error of it.
            if interrupts:
                return _INTERRUPTED
            raise

    return _INTERRUPTED if interrupts else code


@contextmanager
def _noted(interrupts: list[int]) -> Iterator[None]:
    """Add each Ctrl-C to a list, and raise KeyboardInterrupt as usual."""

    def interrupt(number: int, _: FrameType | None) -> None:
        interrupts.append(number)
        raise _Interrupt

    # A program that calls `main` may handle Ctrl-C in a way of its own, or in another thread.
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
