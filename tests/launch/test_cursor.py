"""What a text takes in a terminal, and where it leaves the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optuna_kappa.launch.cursor import Cursor, cut, width_of, without_controls


@given(st.text("ab学é", max_size=30), st.integers(0, 30))
def test_cut(text: str, width: int) -> None:
    start = cut(text, width)
    assert text.startswith(start) and width_of(start) <= width
    assert start == text or width_of(text[: len(start) + 1]) > width


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("x" * 10, (10, 0, 10)),  # the last column is taken, the next row not begun
        ("x" * 11, (1, 0, 1)),
        ("学" * 5 + "a", (1, 0, 1)),
        ("x" * 9 + "学", (2, 0, 2)),  # a wide character is not parted
        ("a\tb", (9, 0, 9)),
        ("ab\b", (1, 0, 2)),
        ("10 %\r", (0, 0, 4)),
        ("10 %\r    \r", (0, 0, 0)),  # removed
        ("10 %\r   1", (4, 0, 4)),
        ("ab c\b  ", (5, 0, 3)),
        ("10 %\x1b[2K\r", (0, 0, 0)),
        ("10 %\r1\x1b[K", (1, 0, 1)),
        ("10 %\n", (0, 0, 0)),
        ("\x1b]0;title\x07", (0, 0, 0)),
        ("\x1b[1;31mred\x1b[0m", (3, 0, 3)),
        ("a\nb\nc\x1b[2A", (1, 2, 1)),
        ("a\nb\x1b[Ax\n", (0, 0, 1)),
        ("a\n\x1b[Ax", (1, 1, 0)),
        ("a\nb\x1b[5F", (0, 5, 1)),
        ("abc\x1b[2D\x1b[C", (2, 0, 3)),
        ("abc\x1b[4G", (3, 0, 3)),
        ("abc\x1b[H", (0, 0, 0)),
        ("abc\x1b", (3, 0, 3)),
    ],
    ids=range(23),
)
def test_where_a_text_leaves_the_cursor(text: str, cursor: tuple[int, int, int]) -> None:
    assert Cursor().after(text, columns=10)[:3] == cursor


def test_what_is_left_of_a_line() -> None:
    assert without_controls("\x1b[32mgreen\x1b[0m\x1b[2K\x07") == "\x1b[32mgreen\x1b[0m"
    assert without_controls("10 %\r100 %\r\n".rstrip("\n")) == "100 %"
