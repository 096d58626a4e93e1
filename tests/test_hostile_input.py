"""Whatever files, tables and studies hold: a finite result, or one sentence."""

from __future__ import annotations

import json
import math
import os
import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hostile
import hostile_studies
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from optuna_kappa import KappaSampler, Law, RunTable, fail_interrupted, fit, horizon, run_table
from optuna_kappa.cli import main
from optuna_kappa.runs import example_runs
from optuna_kappa.study import explain, kills
from optuna_kappa.study.storage import open_database
from optuna_kappa.visualization import plot_pruning

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


def float_or_inf(number: float) -> float:
    """A number as objectives return it."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


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


@hostile.few
@given(study=hostile_studies.studies(), number=st.integers(0, 9))
def test_studies(study: optuna.Study, number: int) -> None:
    sampler = study.sampler
    assert isinstance(sampler, KappaSampler)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        table = hostile.outcome(lambda: run_table(study))
        if table is not None:
            hostile.outcome(lambda: fit(table))
            hostile.outcome(lambda: KappaSampler(24, sources=[study]))
        hostile.outcome(lambda: kills(study))
        hostile.outcome(lambda: explain(study, number))
        hostile.outcome(lambda: plot_pruning(study))
        recommended = hostile.outcome(lambda: sampler.recommend(study))
        assert recommended is None or 0 < recommended < math.inf
        law = hostile.outcome(lambda: sampler.law(study))
        if law is not None:
            hostile.use_law(law, horizon=24)


@hostile.few
@given(
    study=hostile_studies.studies(),
    ends=st.sampled_from([(1e-5, 1.0), (1e-4, 1e-3), (1e-300, 1e300), (0.1, 0.1)]),
    loss=hostile.numbers.map(float_or_inf),
)
def test_searches(study: optuna.Study, ends: tuple[float, float], loss: float) -> None:
    n_before = len(study.trials)

    def trial(number: int) -> None:
        asked = study.ask()
        if asked.number < n_before:  # enqueued, with parameters that may be of another range
            study.tell(asked, state=TrialState.FAIL)
            return

        lr = asked.suggest_float("lr", *ends, log=True)
        assert hostile_studies.in_range(lr, *ends)
        asked.suggest_categorical("optimizer", ["adam", "sgd"])
        assert horizon(asked) >= 1
        for step in (number, 24):
            asked.report(loss, step=step)
            asked.should_prune()
        is_number = loss == loss
        if is_number:
            study.tell(asked, loss)
        else:
            study.tell(asked, state=TrialState.FAIL)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        hostile.outcome(lambda: fail_interrupted(study))
        for number in range(3):
            hostile.outcome(partial(trial, number))


@hostile.fewer
@given(study=hostile_studies.studies())
def test_studies_in_storages(study: optuna.Study, capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/my.db"
        storage = open_database(url)
        kept = optuna.create_study(storage=storage, directions=study.directions)
        try:
            kept.add_trials(study.get_trials(deepcopy=False))
        except Exception:  # what Optuna does not store is not read either
            return
        finally:
            storage.engine.dispose()

        for words in ("fit", "propose --horizon 64", "backtest", "explain", "explain --trial 0"):
            command([*words.split(), "--storage", url, "--json"], capsys)
            command([*words.split(), "--storage", url], capsys)
