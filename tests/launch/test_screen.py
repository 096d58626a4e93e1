"""A block at the bottom of a terminal: what is printed above it stays whole."""

from __future__ import annotations

import io
import logging
import os
import pty
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminals import Terminal

from optuna_kappa.launch.above import Above
from optuna_kappa.launch.screen import Screen, can_update


class Shown:
    """A screen of 80 columns, and what is seen of it."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.stream = io.TextIOWrapper(io.BytesIO(), encoding)
        self.screen = Screen(self.stream)

    @property
    def lines(self) -> list[str]:
        terminal = Terminal()
        data = self.stream.buffer.getvalue()
        terminal.feed(data.decode(self.stream.encoding))
        return terminal.lines


def test_a_block_is_updated_in_place() -> None:
    shown = Shown()
    shown.screen.show(["one", "two"])
    shown.screen.print("first\n")
    shown.screen.show(["three"])
    shown.screen.say("second")
    assert shown.lines == ["first", "second", "three"]
    shown.screen.show([])
    assert shown.lines == ["first", "second"]


def test_the_same_block_is_written_once() -> None:
    shown = Shown()
    shown.screen.show(["one"])
    written = shown.stream.buffer.tell()
    shown.screen.show(["one"])
    assert shown.stream.buffer.tell() == written > 0


def test_a_bar_is_updated_above_the_block() -> None:
    shown = Shown()
    shown.screen.show(["block"])
    for percent in (10, 50, 100):
        shown.screen.print(f"\r{percent} % |")
        assert shown.lines == [f"{percent} % |", "block"]
    shown.screen.say("an event")  # does not go on in the line of the bar
    assert shown.lines == ["100 % |", "an event", "block"]


def test_a_line_that_will_be_overwritten_is_seen() -> None:
    shown = Shown()
    shown.screen.show(["block"])
    for percent in (10, 100):
        shown.screen.print(f"{percent} %\r")
        assert shown.lines == [f"{percent} %", "block"]


def test_bars_below_each_other_are_updated_above_the_block() -> None:
    shown = Shown()
    shown.screen.show(["block"])
    shown.screen.print("\router 1")
    for step in (1, 2):  # as tqdm writes the bar in the second row
        for part in ("\n", f"\rinner {step}", "\x1b[A"):
            shown.screen.print(part)
    shown.screen.print("\router 2")
    assert shown.lines == ["outer 2", "inner 2", "block"]
    shown.screen.say("an event")
    assert shown.lines == ["outer 2", "inner 2", "an event", "block"]


def test_a_bar_that_is_removed_leaves_no_empty_line() -> None:
    shown = Shown()
    shown.screen.show(["block"])
    for part in ("\router", "\n", "\rinner", "\r     \r", "\x1b[A", "\n"):
        shown.screen.print(part)
    shown.screen.say("an event")
    assert shown.lines == ["outer", "an event", "block"]


def test_many_prints_at_once_are_all_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)  # no time passes between them
    shown = Shown()
    shown.screen.show(["block"])
    written = 0
    for i in range(1000):
        before = shown.stream.buffer.tell()
        shown.screen.print(f"line {i}\n")
        written += shown.stream.buffer.tell() > before
    assert written < 1000  # the block is not drawn with each
    shown.screen.say("an event")
    assert shown.lines == [*(f"line {i}" for i in range(1000)), "an event", "block"]


def test_what_waits_is_printed_soon() -> None:
    shown = Shown()
    shown.screen.show(["block"])
    for i in range(1000):
        shown.screen.print(f"line {i}\n")
    deadline = time.monotonic() + 60
    while shown.lines[-2:] != ["line 999", "block"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_lines_fit_and_do_nothing_else() -> None:
    shown = Shown()
    shown.screen.show(["x" * 200, "学" * 100, "\x1b[2J\nκ"])
    assert shown.lines == ["x" * 79, "学" * 39, "\\x1b[2J\\nκ"]


def test_a_terminal_that_cannot_show_all() -> None:
    shown = Shown("ascii")
    shown.screen.show(["κ 学"])
    shown.screen.say("é")
    assert shown.lines == ["\\xe9", "\\u03ba \\u5b66"]


PIECES = st.lists(
    st.one_of(
        st.text("ab 学é\n\r", max_size=100),
        st.sampled_from(["\x1b[31m", "\x1b[0m", "\n", "\r", "x" * 80, "\nbelow\x1b[A"]),
    )
)


@given(st.lists(st.tuples(PIECES, st.lists(st.text("block ", max_size=90), max_size=4))))
def test_no_trace_of_a_block_is_left(prints: list[tuple[list[str], list[str]]]) -> None:
    shown, alone = Shown(), Terminal()
    for pieces, lines in prints:
        for piece in pieces:
            shown.screen.print(piece)
            alone.feed(piece)
        shown.screen.show(lines)

    shown.screen.show([])
    shown.screen.print("end")
    alone.feed("end")
    assert shown.lines == alone.lines


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[io.TextIOWrapper, bytearray]]:
    """A stream that is a terminal, as `sys.stdout` and `sys.stderr`, and what it was sent."""
    ours, theirs = pty.openpty()
    sent = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 1 << 16):
                sent.extend(data)
        except OSError:  # closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    stream = open(theirs, "w", encoding="utf-8")
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, stream)
    try:
        yield stream, sent
    finally:
        stream.close()
        reader.join()
        os.close(ours)


def seen(sent: bytearray) -> list[str]:
    screen = Terminal()
    screen.feed(sent.decode().replace("\r\n", "\n"))
    return screen.lines


def test_the_streams_of_python_print_above(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as (stream, sent):
        screen = Screen(stream)
        with screen.open():
            screen.show(["block"])
            print("out")
            print("err", file=sys.stderr)
            handler = logging.StreamHandler()  # keeps the stream that it finds
            print("not whole", end="")
            assert sys.stdout.isatty() and sys.stdout.fileno() == stream.fileno()
            with pytest.raises(TypeError):
                sys.stdout.write(b"bytes")  # type: ignore[arg-type]

        assert sys.stdout is stream and sys.stderr is stream
        print(" until now")
        handler.handle(logging.makeLogRecord({"msg": "logged"}))

    assert seen(sent) == ["out", "err", "not whole until now", "logged"]


def test_a_stream_that_somebody_has_replaced_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as (stream, _):
        other = io.StringIO()
        with Screen(stream).open():
            sys.stdout = other
        assert sys.stdout is other and sys.stderr is stream


def test_an_output_that_goes_elsewhere_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as (stream, sent):
        elsewhere = io.StringIO()
        monkeypatch.setattr(sys, "stdout", elsewhere)
        with Screen(stream).open():
            print("result")
            print("note", file=sys.stderr)
    assert elsewhere.getvalue() == "result\n"
    assert seen(sent) == ["note"]


def test_the_block_goes_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as (stream, sent):
        screen = Screen(stream)
        with pytest.raises(RuntimeError), screen.open():
            screen.show(["block"])
            raise RuntimeError
        assert sys.stdout is stream
    assert seen(sent) == []


def test_a_fork_prints_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with shown.screen._lock:  # another thread's, at the moment of the fork
        thread = threading.Thread(target=shown.screen.print, args=("forked",))
        thread.start()
        thread.join(timeout=30)
    assert not thread.is_alive() and shown.lines == ["forked"]


def test_what_a_stream_cannot_show_is_its_own_error() -> None:
    strict = Above(io.TextIOWrapper(io.BytesIO(), "ascii"), print, "utf-8")
    with pytest.raises(UnicodeEncodeError):
        strict.write("κ")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
    ],
    ids=range(5),
)
def test_where_lines_can_be_updated(
    variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with terminal(monkeypatch) as (stream, _):
        assert can_update(stream) == expected
    assert not can_update(io.StringIO()) and not can_update(None)


def test_an_output_that_may_come_out_at_the_same_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ours, theirs = os.pipe()
    with terminal(monkeypatch) as (stream, _), open(ours), open(theirs, "w") as to_tee:
        assert can_update(stream)
        monkeypatch.setattr(sys, "stdout", to_tee)
        assert not can_update(stream)
