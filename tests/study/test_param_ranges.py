"""Ranges of parameters as texts."""

from __future__ import annotations

import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from optuna_kappa.study.param_ranges import param_value, parse_range


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("width=int(64,1024,log)", IntDistribution(64, 1024, log=True)),
        (" depth = int(1, 8)", IntDistribution(1, 8)),
        ("dropout=float(0, 0.5)", FloatDistribution(0, 0.5)),
        ("batch=categorical(16, 64)", CategoricalDistribution([16, 64])),
        ("optimizer=categorical(adam,sgd)", CategoricalDistribution(["adam", "sgd"])),
        ("nesterov=categorical(true,false)", CategoricalDistribution([True, False])),
    ],
)
def test_what_objectives_suggest(text: str, expected: BaseDistribution) -> None:
    assert parse_range(text)[1] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width", "must be NAME=RANGE, such as width=int"),
        ("width=64", "must be NAME=RANGE"),
        ("width=int(64)", "a range has two ends; write one such as"),
        ("width=int(a,b)", "invalid literal for int"),
        ("width=int(64,1)", "write one such as"),
        ("optimizer=categorical()", "a choice is empty"),
    ],
)
def test_other_texts(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_range(text)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("64", IntDistribution(1, 100), 64),
        ("64.0", IntDistribution(1, 100), 64),
        ("1e-3", FloatDistribution(0, 1), 1e-3),
        ("16.0", CategoricalDistribution([16.0, 64.0]), 16.0),
        ("True", CategoricalDistribution([True, False]), True),
        ("adam", CategoricalDistribution(["adam", "sgd"]), "adam"),
    ],
)
def test_values_in_a_range(text: str, values: BaseDistribution, expected: object) -> None:
    found = param_value("x", text, values)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("64.5", IntDistribution(1, 100)),
        ("640", IntDistribution(1, 100)),
        ("wide", FloatDistribution(0, 1)),
        ("nan", FloatDistribution(0, 1)),
        ("lion", CategoricalDistribution(["adam", "sgd"])),
    ],
)
def test_values_beyond_a_range(text: str, values: BaseDistribution) -> None:
    with pytest.raises(ValueError, match=f"x '{text}' of a run is not in the range"):
        param_value("x", text, values)
