"""How the command lines of the studies end: in an exit code, and at most one line of an error."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable

_USAGE = 2  # exit code: wrong input
_STOPPED = 130  # exit code: interrupted


def run_command(run: Callable[[Namespace], object], options: Namespace) -> int:
    """Run a command and return its exit code.

    Args:
        run: The command. What is wrong with its options it raises as a ValueError.
        options: Its options.
    """
    try:
        run(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _STOPPED
    return 0
