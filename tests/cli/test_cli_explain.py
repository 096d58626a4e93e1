"""The command `explain`, on studies of several kinds."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial
from searching import SIMPLE, objective

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.cli.main import main
from optuna_kappa.law import Prior, fit, prior_for
from optuna_kappa.law.class_shares import shares_text
from optuna_kappa.study.explain import explain, kills
from optuna_kappa.study.storage import open_database
from optuna_kappa.study.trials import run_table

LR = FloatDistribution(1e-5, 1.0, log=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Databases: one of many studies, one of a single study, and one of none."""
    path: Path = tmp_path_factory.mktemp("explained")
    storage = open_database(f"sqlite:///{path}/many.db")
    for name, sampler, pruner in (
        ("tpe", TPESampler(seed=0), KappaPruner()),
        ("kappa", KappaSampler(64, n_probes=6, seed=0), KappaPruner()),
        ("median", TPESampler(seed=0), MedianPruner(3)),
        ("all", TPESampler(seed=0), NopPruner()),
    ):
        study = optuna.create_study(
            study_name=name, storage=storage, sampler=sampler, pruner=pruner
        )
        # Of a trial that only ever reported NaN the median pruner makes a warning.
        problem = SIMPLE if name == "tpe" else replace(SIMPLE, diverges=math.inf)
        study.optimize(objective(problem, n_reports=7), n_trials=14)
    optuna.create_study(study_name="none", storage=storage)
    optuna.create_study(study_name="both", storage=storage, directions=["minimize"] * 2)
    storage.engine.dispose()
    storage = open_database(f"sqlite:///{path}/one.db")
    study = optuna.create_study(study_name="alone", storage=storage)
    study.add_trial(
        create_trial(
            state=TrialState.PRUNED,
            params={"rate": 0.1},
            distributions={"rate": LR},
            intermediate_values={1: 2.0, 1_000_000: math.nan},
        )
    )
    storage.engine.dispose()
    open_database(f"sqlite:///{path}/empty.db").engine.dispose()
    return path


def told(horizon: float) -> Prior:
    return prior_for(optimizer="adam", passes=32, horizon=horizon)


def study_of(folder: Path, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/many.db")


def output(arguments: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    before = [(folder / name).read_bytes() for name in ("many.db", "one.db")]
    assert main(f"explain --storage sqlite:///{folder}/{arguments}".split()) == 0
    assert [(folder / name).read_bytes() for name in ("many.db", "one.db")] == before
    out, err = capsys.readouterr()
    page = arguments.partition("--figure ")[2]
    assert err == (f"wrote the page {page}\n" if page else "")
    if "--json" not in arguments:
        assert max(map(len, out.splitlines()), default=0) <= 79
    return out


def answer(arguments: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(output(f"{arguments} --json", folder, capsys))


def test_every_pruned_trial(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = kills(study_of(folder, "tpe"))
    out = output("many.db --study tpe", folder, capsys)
    assert out.startswith(f"tpe, 14 trials: {14 - len(found)} complete, {len(found)} pruned\n\n")
    assert "    trial         lr        step         value   probability\n" in out
    words = " ".join(out.split())
    for kill in found:
        row = f"{kill.trial} {kill.lr:.3g} {kill.step} {kill.value:.6g} "
        row += "-" if kill.probability is None else f"{kill.probability:.2g}"
        assert f"{row} {kill.reason}" in words
    rows = answer("many.db --study tpe", folder, capsys)
    finite = [{**kill._asdict(), "value": number(kill.value)} for kill in found]
    assert rows == {"study": "tpe", "pruned": finite}


def number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def test_probes_are_no_kills(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = output("many.db --study kappa", folder, capsys)
    assert "6 probes that ended as planned" in out
    probes, law = out.rstrip().split("\n\n")[-2:]
    assert probes.endswith("Probes, which ended at their planned horizon: 0 to 5")
    assert law.startswith("  your runs: ")
    assert "planned to end" not in out
    rows = answer("many.db --study kappa", folder, capsys)["pruned"]
    assert [row["trial"] for row in rows if row["kind"] == "probe"] == list(range(6))


def test_a_loss_that_is_no_number(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = output("one.db --lr rate", folder, capsys)
    assert "        0        0.1     1000000           nan             -\n" in out
    (row,) = answer("one.db --lr rate", folder, capsys)["pruned"]
    assert (row["value"], row["kind"]) == (None, "diverged")


@pytest.mark.parametrize("number", [0, 5, 9, 13])
def test_one_trial(number: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = explain(study_of(folder, "tpe"), number)
    out = output(f"many.db --study tpe --trial {number}", folder, capsys)
    lines = [line.split() for line in out.splitlines()]
    assert out.startswith(f"trial {number}, lr {one.lr:.3g}: {one.state.lower()}\n")
    words = " ".join(out.split())
    assert one.outcome in words
    assert one.note in words
    for decision in one.decisions:
        what = ["end"] if decision.prune else ["go", "on"]
        if decision.probability is None:
            assert f"{decision.step} - {' '.join(what)}: {decision.reason}" in words
        else:
            assert [str(decision.step), f"{decision.probability:.2g}", *what] in lines
    told = answer(f"many.db --study tpe --trial {number}", folder, capsys)
    decisions = [decision._asdict() for decision in one.decisions]
    assert told == {"study": "tpe", **one._asdict(), "decisions": decisions}


def test_another_epsilon(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "many.db --study median --trial 13"
    assert answer(f"{arguments} --epsilon 0", folder, capsys)["note"] == ""
    note = answer(f"{arguments} --epsilon 0.999", folder, capsys)["note"]
    assert note.startswith("by these decisions it would have been ended at step 1: the study had")


def test_a_page(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pruned.html"
    shown = output(f"many.db --study kappa --trial 7 --figure {path}", folder, capsys)
    page = path.read_text()
    assert shown.startswith("trial 7")
    assert page.count('class="figure"') == 1
    assert "<h1>Pruned trials of kappa</h1>" in page
    assert "<h2>Trial 7, lr 0." in page
    assert "<p>Probes, which ended at their planned horizon: 0 to 5.</p>" in page
    output(f"many.db --study tpe --figure {path}", folder, capsys)
    page = path.read_text()
    found = kills(study_of(folder, "tpe"))
    assert page.count("<tr><td") == len(found)
    assert all(kill.reason in page for kill in found)
    assert "Trial 7" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "required: --storage; optuna-kappa explain --help shows"),
        ("--storage AT/empty.db", "AT/empty.db is a file of SQLite; write sqlite:///AT/empty.db"),
        ("--storage sqlite:///AT/no.db", "there is no database AT/no.db; give the URL"),
        ("--storage sqlite:///AT/empty.db", "there is no study in sqlite:///AT/empty.db"),
        ("--storage MANY", "has several studies; choose by --study: tpe, kappa, median, all"),
        ("--storage MANY --study x", "there is no study 'x' in MANY, only tpe, kappa, "),
        ("--storage MANY --study none", "the study 'none' has no trials yet"),
        ("--storage MANY --study both", "needs a study with one objective, the loss, but this on"),
        ("--storage MANY --study both --trial 0", "needs a study with one objective"),
        (
            "--storage MANY --study all",
            "no trial of 'all' was pruned (14 trials: 14 complete); --",
        ),
        ("--storage MANY --study tpe --trial 14", "has no trial 14; its trials are 0 to 13"),
        ("--storage MANY --study tpe --trial -1", "has no trial -1; its trials are 0 to 13"),
        ("--storage MANY --study tpe --trial x", "--trial: invalid int value: 'x'; optuna-kappa"),
        ("--storage MANY --study tpe --lr rate", "has a parameter 'rate'; they have lr: give the"),
        ("--storage sqlite:///AT/one.db --lr x", "no trial of 'alone' has a parameter 'x'; they "),
        ("--storage MANY --study tpe --epsilon 0.1", "--epsilon is for the decisions about one t"),
        (
            "--storage MANY --study tpe --trial 3 --epsilon 2",
            "epsilon must be a finite number in [0, 1)",
        ),
        ("--storage MANY --study tpe --figure AT/no/x.html", "cannot write the page AT/no/x.html"),
    ],
)
def test_one_sentence(
    arguments: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def filled(text: str) -> str:
        return text.replace("MANY", "sqlite:///AT/many.db").replace("AT", str(folder))

    assert main(["explain", *filled(arguments).split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert filled(message) in err


def test_the_law_of_a_study(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = "many.db --study kappa --optimizer adam --passes 32"
    law = fit(run_table(study_of(folder, "kappa")), prior=told(64))
    text = " ".join(output(arguments, folder, capsys).split())
    assert shares_text(law) in text
    found = answer(arguments, folder, capsys)
    assert (found["prior"], found["classes"]) == ("adaptive, repeated data", law.classes)

    output(f"{arguments} --figure {tmp_path}/page.html", folder, capsys)
    page = (tmp_path / "page.html").read_text()
    assert "The law of the learning rate" in page
    assert law.prior.source in page


def test_other_studies_have_no_law(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "your runs" not in output("many.db --study tpe", folder, capsys)
    assert "prior" not in answer("many.db --study tpe", folder, capsys)
