"""Hypothesis strategies of hostile input, and what must hold whatever is given.

The tests that use them try a few examples of each. HOSTILE_EXAMPLES=10000 asks for more.
"""

from __future__ import annotations

import json
import math
import os
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import numpy as np
import optuna
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import optuna_kappa
from optuna_kappa import Law, fit
from optuna_kappa.runs import COLUMNS, example_runs

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "0"))
PACKAGE = str(Path(optuna_kappa.__file__).parent)

# A few examples are the same in each run; many are new ones.
few = settings(
    max_examples=EXAMPLES or 25,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

# For what takes a tenth of a second.
fewer = settings(few, max_examples=max(EXAMPLES // 10, 5))

EDGES = [
    *(0, -1, 1, 0.5, 1e-320, 1e-300, 1e-100, 1e99, 1e101, 1e300, 1e308, -1e308, 10**400),
    *(-0.0, 2**31 - 1, 2**31, 2**63, -(2**63) - 1, 1e-9, 1 + 1e-15, 0.1 + 0.2),
]
ODD = [math.nan, math.inf, -math.inf, None, True, "", "text", b"bytes", [], [1], {}, {"a": 1}]


class Unshowable:
    """An object whose text cannot be had."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Level(IntEnum):
    """Numbers with names."""

    LOW = 1


def _endless() -> dict[str, Any]:
    """A dictionary that contains itself."""
    inner: dict[str, Any] = {}
    inner["inner"] = inner
    return inner


OBJECTS: list[Any] = [
    *(object(), len, type, set(), (1, 2), 1j, Unshowable(), Level.LOW, range(3), Ellipsis),
    *(Decimal("0.5"), Decimal("sNaN"), Decimal("1e5000"), Fraction(1, 3), Fraction(10**400)),
    *(datetime(2026, 1, 1), timedelta(days=1), Path("no such file"), bytearray(b"1"), UUID(int=1)),
    *(
        memoryview(b"1"),
        frozenset({1}),
        {1: 2},
        {None: None},
        _endless(),
        [[[]]],
        [None],
        [[1], 2],
    ),
    *(np.array([1.0, np.nan]), np.array(3.0), np.array([]), np.ones((2, 2)), np.array(["a"])),
    *(np.array([None, {}]), np.array([b"a"]), np.zeros(2, dtype="f8,i4"), np.ma.masked),
    *(np.ma.array([1.0, 2.0], mask=[True, False]), np.array([1j]), np.array(["2026"], "M8[D]")),
    *(
        np.float32(2),
        np.float64("nan"),
        np.float16("inf"),
        np.int64(8),
        np.uint8(0),
        np.bool_(True),
    ),
    *(np.str_("constant"), np.bytes_(b"a"), np.datetime64("NaT"), np.timedelta64(1, "s")),
    *(
        "a" * 5000,
        "\x1b[31mred\x07",
        "\ud800",
        "\udce9",
        "a\0b",
        "\u202e",
        " ",
        "\n",
        "nan",
        "1e400",
    ),
    *("\u0661", "constant", "cosine(warmup=2)", "step(n=1e9)", "cosine(" * 99, "lr", "-", "."),
    *(10**5000, optuna.samplers.TPESampler, optuna.create_study(), MagicMock()),
    *(optuna.trial.create_trial(value=0.5), lambda *_, **__: None),
]

numbers = st.one_of(st.sampled_from(EDGES), st.floats(), st.integers())
_one = st.one_of(
    numbers,
    st.sampled_from(ODD),
    st.sampled_from(OBJECTS),
    st.text(max_size=9),
    st.text(alphabet=st.characters(), max_size=9),
    st.decimals(),
    st.fractions(),
    st.builds(lambda: iter([1])),
)
anything = st.one_of(
    _one,
    st.lists(_one, max_size=3),
    st.lists(_one, max_size=3).map(tuple),
    st.dictionaries(st.text(max_size=9), _one, max_size=3),
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def wild_columns(draw: st.DrawFn) -> dict[str, Any]:
    """Columns of a run table that are allowed, but at the ends of what is."""
    n = draw(st.integers(0, 12))
    within = st.one_of(st.floats(1e-6, 1e3), st.sampled_from([1e-100, 1e-30, 1.0, 1e30, 1e100]))
    losses = st.one_of(numbers, st.floats(0, 3))
    horizon = draw(st.lists(within, min_size=n, max_size=n))
    names = st.sampled_from(["constant", "cosine", "step(n=4)", "mine", "step(period=1)"])

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=n, max_size=n))

    return {
        "run": list(range(n)),
        "lr": column(within),
        "schedule": [draw(names)] * n,
        "horizon": horizon,
        "step": horizon,
        "loss": column(losses),
    }


@st.composite
def broken_columns(draw: st.DrawFn) -> dict[Any, Any]:
    """Columns of a run table, some of them with values that no table has, missing or of a type."""
    columns: dict[Any, Any] = dict(draw(wild_columns()))
    for name in draw(st.lists(st.sampled_from([*COLUMNS, "width"]), max_size=3)):
        damage = draw(st.sampled_from(["value", "column", "missing", "type"]))
        values = columns.get(name)
        if damage == "value" and isinstance(values, list) and values:
            columns[name] = [*values[:-1], draw(anything)]
        elif damage == "column":
            columns[name] = draw(st.lists(anything, max_size=5))
        elif damage == "missing":
            columns.pop(name, None)
        else:
            columns[name] = draw(anything)
    return columns


@st.composite
def broken_texts(draw: st.DrawFn, text: str) -> bytes:
    """A text with parts replaced, repeated or cut."""
    data = text.encode()
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        new = draw(st.one_of(st.binary(max_size=9), st.just(b"1e999"), st.just(data[at:to] * 3)))
        data = data[:at] + new + data[to:]
    return data


@st.composite
def broken_laws(draw: st.DrawFn) -> str:
    """The text of a law, with some of its values replaced."""
    law = json.loads(_LAW)
    for _ in range(draw(st.integers(0, 3))):
        part = draw(st.sampled_from([law, *law.get("optima", [])] if _is_law(law) else [law]))
        key = draw(st.sampled_from([*part, "new"]))
        if draw(st.booleans()):
            part[key] = draw(json_values)
        else:
            part.pop(key, None)
    return json.dumps(law)


def _is_law(law: dict[str, Any]) -> bool:
    optima = law.get("optima")
    return isinstance(optima, list) and all(isinstance(one, dict) for one in optima)


_LAW = fit(example_runs(horizons=[1, 8])).to_json()


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns; None if it raises an error that is one sentence of this package."""
    try:
        return call()
    except (TypeError, ValueError) as error:
        raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
        assert raised_in.startswith(PACKAGE), (raised_in, repr(error))
        assert " " in str(error)
        assert len(str(error).splitlines()) == 1, str(error)
        return None


def use_law(law: Law, horizon: float) -> None:
    """Ask a law for everything; proposals are finite."""
    assert str(law.verdict)
    assert law.checks.horizons == len(law.optima)
    json.dumps([law.checks.left_out, law.checks.kappa_cv, law.checks.alone], allow_nan=False)
    outcome(lambda: law.slope)

    proposal = outcome(lambda: law.propose(horizon, "cosine"))
    if proposal is not None:
        assert 0 < proposal.low <= proposal.lr <= proposal.high < math.inf
        assert 0 < proposal.kappa < math.inf
        assert "nan" not in str(proposal)
