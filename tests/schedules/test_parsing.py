from __future__ import annotations

import pytest

from optuna_kappa.schedules import (
    AnySchedule,
    as_schedule,
    constant,
    cosine,
    cyclic,
    find_schedule,
    from_callable,
    is_constant,
    one_cycle,
    parse,
    polynomial,
    step,
    wsd,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("constant", constant()),
        ("constant()", constant()),
        (" Cosine ( warmup = 0.1 ) ", cosine(0.1)),
        ("cosine(0.1, 0.05)", cosine(0.1, 0.05)),
        ("cosine(0.1, floor=5e-2)", cosine(0.1, 0.05)),
        ("polynomial(2)", polynomial(2)),
        ("wsd(decay=0.1)", wsd(decay=0.1)),
        ("one-cycle", one_cycle()),
        ("step(n=13)", step(n=13)),
        ("step(period=30_000)", step(period=30000)),
        ("halving(period=30000)", step(0.5, period=30000)),
        ("halving(13)", step(0.5, n=13)),
        ("tripling(period=1e3)", cyclic(3, period=1000)),
        ("cyclic(factor=2, n=4)", cyclic(2, n=4)),
    ],
)
def test_reads(text: str, expected: AnySchedule) -> None:
    assert parse(text) == as_schedule(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosin", "must be one of constant, cosine, .*got 'cosin'. Did you mean 'cosine'?"),
        ("onecycle(start=1)", "Did you mean 'one_cycle'?"),
        ("zzz", "must be one of .*one_cycle, got 'zzz'. One made by"),
        ("torch.StepLR(n_steps=3)", "must be a name with numbers in parentheses, got 'torch"),
        ("", "must be a name with numbers"),
        ("cosine(warmup=0.1", "must be a name with numbers"),
        ("cosine(warmup=1/3)", "'warmup=1/3' where a number was expected"),
        ("cosine(warmup=__import__('os'))", "where a number was expected"),
        ("cosine(,)", "where a number was expected"),
        ("cosine(warmup=0.1, 0.2)", "'0.2' out of place: name each argument once"),
        ("cosine(warmup=0.1, warmup=0.2)", "out of place"),
        ("cosine(=0.1)", "out of place"),
        ("cosine(a=1)", "does not fit cosine: .*'a'; its parameters are: warmup, floor"),
        ("cosine(0.1, 0.2, 0.3)", "does not fit cosine: too many"),
        ("constant(1)", "its parameters are: none"),
        ("polynomial", "does not fit polynomial: missing .*'power'"),
        ("halving(factor=0.5, n=3)", "its parameters are: n, period"),
        ("halving", "exactly one of n and period"),
        ("cosine(warmup=nan)", "warmup must be a finite number"),
        ("cosine(warmup=2)", "warmup must be .* got 2"),
    ],
)
def test_rejects(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_as_schedule_takes_schedules_unchanged() -> None:
    for schedule in (cosine(), step(period=3), from_callable(lambda p: 1 - p, "mine")):
        assert as_schedule(schedule) is schedule


@pytest.mark.parametrize("value", [None, 3, cosine])
def test_as_schedule_rejects(value: object) -> None:
    with pytest.raises(ValueError, match=r"schedule must be a name .*call a constructor"):
        as_schedule(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["cosine(warmup=0.1)", " Cosine ( 0.1 ) ", "step(period=3)"])
def test_find_schedule_reads_what_parse_reads(name: str) -> None:
    assert find_schedule(name) == parse(name)


@pytest.mark.parametrize("name", ["adam8p", "", "cosine(warmup=2)", "torch.StepLR(n_steps=3)"])
def test_find_schedule_knows_no_shape_of_other_names(name: str) -> None:
    assert find_schedule(name) is None


@pytest.mark.parametrize("name", ["constant", "constant()", " Constant ( ) "])
def test_is_constant(name: str) -> None:
    assert is_constant(name)


@pytest.mark.parametrize("name", ["cosine", "linear(floor=1)", "constant rate", "adam8p", ""])
def test_is_not_constant(name: str) -> None:
    assert not is_constant(name)
