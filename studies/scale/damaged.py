"""What is stored, by kind, and how it is read: whole, or damaged by a random generator.

Each kind is a function of a generator, None for nothing damaged, and of a folder for files. It
returns the readings to try, one after the other.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa import KappaPruner, KappaSampler, Law, fail_interrupted, fit, read_csv, run_table
from optuna_kappa.cli import main
from optuna_kappa.launch.joining import LIMITS, join, limits_of
from optuna_kappa.launch.limits import Limits
from optuna_kappa.launch.search import WORKER, forget_dead, open_study
from optuna_kappa.launch.settings import Settings
from optuna_kappa.psi import Curve, LossLaw, Psi, read_curves
from optuna_kappa.runs import RunTable, example_runs
from optuna_kappa.study import explain, kills
from optuna_kappa.study.imported import IMPORTED, Origin
from optuna_kappa.study.interrupted import INTERRUPTED
from optuna_kappa.study.outlook import certainty
from optuna_kappa.study.plans import PLAN, PRUNED, horizon
from optuna_kappa.study.rebuilding import SETTINGS, sampler_of
from optuna_kappa.study.storage import open_storage
from optuna_kappa.study.summary import counts
from studies.scale import task
from studies.scale.damage import damaged_attribute, damaged_json, damaged_text

Readings = Sequence[Callable[[], object]]
Reader = Callable[[random.Random | None, Path], Readings]

_N_TRIALS = 14  # ten probes and four full runs
_SCATTER = 0.005
_LAW_OF_LOSSES = (2.0, -1.0, -0.7, -0.5, 3.0, 0.6, -0.6, 0.0, 0.3)


class CommandError(Exception):
    """A command ended with exit code 2 and one line of an error."""


def _law(rng: random.Random | None, _: Path) -> Readings:
    text = _text(_law_text(), rng)

    def read() -> None:
        law = Law.from_json(text)
        proposal = law.propose(1e3, "cosine")
        assert 0 < proposal.low <= proposal.lr <= proposal.high, proposal
        assert str(law.verdict) and Law.from_json(law.to_json()) == law

    return [read]


def _loss_law(rng: random.Random | None, _: Path) -> Readings:
    text = _text(_loss_law_text(), rng)

    def read() -> None:
        law = LossLaw.from_json(text)
        assert LossLaw.from_json(law.to_json()).to_json() == law.to_json()
        step = np.arange(1.0, 20.0)
        law.predict(Curve("a", step, 0.1 / step, 3 / step))

    return [read]


def _psi(rng: random.Random | None, _: Path) -> Readings:
    text = _text(_psi_text(), rng)

    def read() -> None:
        psi = Psi.from_json(text)
        rate = psi(psi.expected_loss(0.5), 0.5)
        assert 0 < rate < np.inf, rate
        assert psi.open_loop().mean > 0

    return [read]


def _runs(rng: random.Random | None, folder: Path) -> Readings:
    path = _file(folder / "runs.csv", _runs_text(), rng)

    def read() -> None:
        table = read_csv(path)
        law = fit(table)
        assert law.propose(1e4, "constant").lr > 0

    return [read, lambda: _command("backtest", str(path), "--json")]


def _curves(rng: random.Random | None, folder: Path) -> Readings:
    path = _file(folder / "curves.csv", _curves_text(), rng)
    return [lambda: read_curves(path)]


def _plans(rng: random.Random | None, _: Path) -> Readings:
    """A study, some of whose trials have a plan that is damaged."""
    return _study_readings(_with_damaged(rng, (PLAN,)))


def _attributes(rng: random.Random | None, _: Path) -> Readings:
    """A study, some of whose trials have other attributes that are damaged."""
    names = (PRUNED, INTERRUPTED, IMPORTED, WORKER, "failed_trial", "retry_history")
    return _study_readings(_with_damaged(rng, (*names, "fixed_params")))


def _settings(rng: random.Random | None, _: Path) -> Readings:
    """A study whose settings and limits are damaged."""
    study = _new_study(_searched())
    stored = '{"horizon": 24, "schedule": "constant", "lr": "lr", "passes": 24, "seed": 0}'
    study.set_user_attr(SETTINGS, stored if rng is None else damaged_attribute(stored, rng))
    storage = study._storage

    def go_on() -> None:
        _run_one(open_study(storage, study.study_name, Settings())[0])

    limits = '{"budget": 8.0, "trials": 40, "certify": "0.9:0.02"}'
    study.set_user_attr(LIMITS, limits if rng is None else damaged_attribute(limits, rng))
    return [
        lambda: sampler_of(study).recommend(study),
        go_on,
        lambda: join(study),
        lambda: limits_of(study, Limits()),
    ]


def _journal(rng: random.Random | None, folder: Path) -> Readings:
    """A journal in which lines are damaged, read by commands."""
    path = _file(folder / "damaged.log", _journal_text(str(folder)), rng)
    place = ("--storage", f"journal:///{path}", "--json")
    return [lambda: _command("studies", *place), lambda: _command("explain", *place)]


KINDS: Mapping[str, Reader] = {
    "law": _law,
    "loss law": _loss_law,
    "psi": _psi,
    "runs": _runs,
    "curves": _curves,
    "plans": _plans,
    "attributes": _attributes,
    "settings": _settings,
    "journal": _journal,
}
"""Readers of what is stored, by kind."""


def _text(whole: str, rng: random.Random | None) -> Any:
    """The text of a JSON file: whole, with damaged values, or damaged as a text."""
    if rng is None:
        return whole
    if rng.random() < 0.7:
        return json.dumps(damaged_json(json.loads(whole), rng))
    return damaged_text(whole.encode(), rng).decode(errors="replace")


def _file(path: Path, whole: str, rng: random.Random | None) -> Path:
    content = whole.encode()
    path.write_bytes(content if rng is None else damaged_text(content, rng))
    return path


def _command(*words: str) -> None:
    """Run a command; it ends well, or with one line of an error.

    Raises:
        CommandError: It printed such a line.
        AssertionError: It did something else.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    if code == 0:
        json.loads(out.getvalue())
        return

    last = err.getvalue().splitlines()[-1]
    if code != 2 or out.getvalue() or not last.startswith("error: "):
        raise AssertionError(f"{' '.join(words)}: {code}, {out.getvalue()!r}, {err.getvalue()!r}")
    raise CommandError(last)


def _study_readings(study: optuna.Study) -> Readings:
    """All that is asked of a study, also by a trial that goes on with it."""
    sampler = cast("KappaSampler", study.sampler)

    def recommend() -> None:
        assert 0 < sampler.recommend(study) < np.inf

    return [
        lambda: fit(run_table(study)),
        lambda: kills(study),
        lambda: explain(study, 3),
        lambda: explain(study, _N_TRIALS - 1),
        recommend,
        lambda: certainty(study),
        lambda: counts(study, sampler),
        lambda: sampler_of(study).recommend(study),
        lambda: _run_one(study),
        lambda: forget_dead(study),
        lambda: fail_interrupted(study),
        lambda: _run_one(study),
    ]


def _run_one(study: optuna.Study) -> None:
    """Run a trial that is pruned or told."""
    trial = study.ask()
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    assert 1e-5 <= lr <= 1e-1
    for step in range(1, horizon(trial, default=task.TARGET) + 1):
        trial.report(task.loss_at(lr, step), step)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return
        if step >= task.TARGET:
            break
    study.tell(trial, task.loss_at(lr, task.TARGET))


def _with_damaged(rng: random.Random | None, names: Sequence[str]) -> optuna.Study:
    """A study of a few trials, with some attributes of these names damaged."""
    trials = [_copied(trial) for trial in _searched()]
    _give_attributes(trials)
    if rng is not None:
        for _ in range(rng.randint(1, 4)):
            _damage_attribute(rng.choice(trials), rng.choice(names), rng)
    return _new_study(trials)


def _give_attributes(trials: Sequence[FrozenTrial]) -> None:
    """Give trials what enqueued, imported, retried and interrupted ones have."""
    trials[3].user_attrs[IMPORTED] = Origin("runs.csv", "a", "0f").text
    trials[4].system_attrs.update({"failed_trial": 2, "retry_history": [2]})
    trials[5].system_attrs["fixed_params"] = {"lr": 0.01}
    trials[6].user_attrs[INTERRUPTED] = True
    trials[7].user_attrs[PRUNED] = '{"step": 3, "probability": 0.01, "reason": "behind"}'
    trials[8].user_attrs[WORKER] = "elsewhere 17 4711"
    trials[-1].state, trials[-1].values = TrialState.RUNNING, None
    trials[-1].datetime_complete = None


def _damage_attribute(trial: FrozenTrial, name: str, rng: random.Random) -> None:
    attrs = trial.user_attrs if name.startswith("kappa:") else trial.system_attrs
    usual = {WORKER: "elsewhere 17 4711", "retry_history": [2], "fixed_params": {"lr": 0.01}}
    stored = attrs.get(name, usual.get(name, 2))
    attrs[name] = damaged_attribute(stored, rng)


def _new_study(trials: Sequence[FrozenTrial]) -> optuna.Study:
    study = optuna.create_study(sampler=KappaSampler(task.TARGET, seed=0), pruner=KappaPruner())
    for trial in trials:
        study._storage.create_new_trial(study._study_id, template_trial=trial)
    return study


def _copied(trial: FrozenTrial) -> FrozenTrial:
    return FrozenTrial(
        number=trial.number,
        trial_id=trial._trial_id,
        state=trial.state,
        value=None,
        values=trial.values,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=dict(trial.user_attrs),
        system_attrs=dict(trial.system_attrs),
        intermediate_values=trial.intermediate_values,
    )


@cache
def _searched() -> tuple[FrozenTrial, ...]:
    study = optuna.create_study(sampler=KappaSampler(task.TARGET, seed=0), pruner=KappaPruner())
    study.optimize(task.objective(0.0), n_trials=_N_TRIALS)
    return tuple(study.trials)


@cache
def _law_text() -> str:
    return fit(example_runs(horizons=[1, 8, 64])).to_json()


@cache
def _loss_law_text() -> str:
    law = LossLaw(np.array(_LAW_OF_LOSSES), np.eye(9) * 1e-4, 0.4, 20.0, 1e-4, _SCATTER)
    return law.to_json()


@cache
def _psi_text() -> str:
    return Psi.from_law(LossLaw.from_json(_loss_law_text()), 1000.0).to_json()


@cache
def _runs_text() -> str:
    table: RunTable = example_runs(horizons=[1, 8])
    lines = ["run,lr,schedule,horizon,step,loss,width"]
    columns = (table.run, table.lr, table.schedule, table.horizon, table.step, table.loss)
    for row in zip(*columns, strict=True):
        lines.append(",".join([*map(str, row), "64"]))
    return "\n".join([*lines, ""])


@cache
def _curves_text() -> str:
    lines = ["run,step,rate,loss"]
    for run, peak in (("a", 0.1), ("b", 0.2)):
        lines += [f"{run},{step},{peak},{3.0 / step**0.3}" for step in range(1, 20)]
    return "\n".join([*lines, ""])


@cache
def _journal_text(folder: str) -> str:
    path = Path(folder, "whole.log")
    path.unlink(missing_ok=True)
    study = optuna.create_study(
        study_name="mine",
        storage=open_storage(f"journal:///{path}"),
        sampler=KappaSampler(task.TARGET, seed=0),
        pruner=KappaPruner(),
    )
    study.optimize(task.objective(0.0), n_trials=_N_TRIALS)
    return path.read_text()
