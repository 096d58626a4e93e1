"""Whatever files, tables and studies hold: a finite result, or one sentence."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa import KappaPruner, KappaSampler, Law, RunTable, fit, run_table
from optuna_kappa.cli import main
from optuna_kappa.runs import example_runs
from optuna_kappa.study import explain, kills

LR = FloatDistribution(1e-5, 1.0, log=True)
CSV = "run,lr,schedule,horizon,step,loss,width\n" + "".join(
    f"{i},{0.001 * 3**i},constant,{8 * (i % 2 + 1)},8,{1 + (i - 2) ** 2},64\n" for i in range(6)
)
LAW = fit(example_runs()).to_json()


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Some inputs are names of files that can be written: not into the project's folder."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("hostile"))
    yield
    os.chdir(before)


@hostile.few
@given(columns=hostile.broken_columns())
def test_tables(columns: dict[Any, Any]) -> None:
    table = hostile.outcome(lambda: RunTable.from_columns(columns))
    if table is not None:
        law = hostile.outcome(lambda: fit(table))
        if law is not None:
            hostile.use_law(law, horizon=1e3)


@hostile.few
@given(columns=hostile.wild_columns(), horizon=hostile.numbers)
def test_tables_at_the_end_of_the_range(columns: dict[str, Any], horizon: float) -> None:
    table = hostile.outcome(lambda: RunTable.from_columns(columns))
    law = None if table is None else hostile.outcome(lambda: fit(table))
    if law is not None:
        hostile.use_law(law, horizon)
        assert Law.from_json(law.to_json()) == law


@hostile.few
@given(text=hostile.broken_laws(), horizon=hostile.numbers)
def test_laws(text: str, horizon: float) -> None:
    law = hostile.outcome(lambda: Law.from_json(text))
    if law is not None:
        hostile.use_law(law, horizon)


def command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command ends with 0 and finite results, or with 2 and one line."""
    capsys.readouterr()
    code = main(words)
    out, err = capsys.readouterr()
    if code == 0:
        if "--json" in words:
            json.loads(out, parse_constant=pytest.fail)
        return
    assert code == 2
    assert out == ""
    errors = [line for line in err.splitlines() if not line.startswith(("note: ", " "))]
    assert errors[-1:] == err.splitlines()[-1:]
    assert errors[-1].startswith("error: ")


FILES = st.one_of(
    hostile.broken_texts(CSV),
    hostile.broken_texts(LAW),
    st.binary(max_size=99),
    hostile.broken_laws().map(str.encode),
)


@hostile.few
@given(
    data=FILES,
    horizon=hostile.numbers.map(str),
    start=st.sampled_from(
        ["fit", "fit --context width", "backtest", "propose --horizon 64", "propose --law"]
    ),
)
def test_files(data: bytes, horizon: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input")
        path.write_bytes(data)
        first, *others = start.split()
        if others[:1] == ["--law"]:
            words = [first, "--law", str(path), f"--horizon={horizon}"]
        else:
            words = [first, str(path), *others]
        command([*words, "--json"], capsys)
        command(words, capsys)


@hostile.few
@given(
    words=st.lists(st.text(max_size=9), max_size=3),
    option=st.sampled_from(
        [
            "",
            "--storage",
            "--figure",
            "--save",
            "--law",
            "--where",
            "--context",
            "--study",
            "--horizon",
        ]
    ),
)
def test_words(words: list[str], option: str, capsys: pytest.CaptureFixture[str]) -> None:
    given_words = [word for word in words if word.strip("-h")]
    command(["propose", *([option] if option else []), *given_words], capsys)


@st.composite
def studies(draw: st.DrawFn) -> optuna.Study:
    """A study whose trials have attributes and values of all kinds."""
    study = optuna.create_study(sampler=KappaSampler(24, seed=0), pruner=KappaPruner())
    for _ in range(draw(st.integers(0, 5))):
        study.add_trial(draw(trials()))
    return study


@st.composite
def trials(draw: st.DrawFn) -> FrozenTrial:
    floats = st.one_of(st.floats(0.01, 9), st.floats(), st.sampled_from([1e308, -1e308]))
    steps = st.one_of(st.sampled_from([1, 8, 24]), st.integers(0, 2**31 - 1))
    state = draw(st.sampled_from([TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]))
    value = draw(st.floats(allow_nan=False)) if state == TrialState.COMPLETE else None

    plan = {
        "horizon": 24,
        "kind": draw(st.sampled_from(["probe", "law", "base"])),
        "schedule": "constant",
    }
    plan |= draw(
        st.dictionaries(
            st.sampled_from(["horizon", "kind", "schedule", "new"]),
            hostile.json_values,
            max_size=1,
        )
    )
    pruned = {"prune": True, "step": 8, "probability": 0.1, "reason": "behind"}
    pruned |= draw(
        st.dictionaries(
            st.sampled_from(["step", "probability", "reason", "new"]),
            hostile.json_values,
            max_size=1,
        )
    )
    attributes = {
        "kappa:plan": draw(st.one_of(st.just(plan), hostile.json_values)),
        "kappa:pruned": draw(st.one_of(st.just(pruned), hostile.json_values)),
    }
    kept = draw(st.sets(st.sampled_from(list(attributes))))
    return create_trial(
        state=state,
        value=value,
        params={"lr": draw(st.sampled_from([1e-5, 1e-3, 0.1, 1.0]))},
        distributions={"lr": LR},
        intermediate_values=draw(st.dictionaries(steps, floats, max_size=4)),
        user_attrs={name: attributes[name] for name in sorted(kept)},
    )


@hostile.few
@given(study=studies())
def test_studies(study: optuna.Study) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        hostile.outcome(lambda: fit(run_table(study)))
        hostile.outcome(lambda: kills(study))
        hostile.outcome(lambda: explain(study, 0))
        hostile.outcome(lambda: KappaSampler(24).recommend(study))

        def ask() -> None:
            trial = study.ask()
            assert 1e-5 <= trial.suggest_float("lr", 1e-5, 1.0, log=True) <= 1
            trial.report(0.5, step=8)
            trial.should_prune()

        hostile.outcome(ask)
