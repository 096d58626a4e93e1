"""What reaches the terminal: no control characters, nothing that it cannot show, no traceback."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from optuna_kappa.cli import main
from optuna_kappa.runs import example_runs
from optuna_kappa.study.storage import open_database

EVIL = "a\x1b[2J\x07\u202e\u2028\n\rb"
NAMES = "κ ☃ \U0001f600 \udce9"  # the last is a byte of a file's name that is no text

# Ctrl-C at the moment at which a module is looked for.
INTERRUPT = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == {module!r}:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                {then}
                raise
sys.meta_path.insert(0, Interrupt())
from optuna_kappa.cli import main
sys.exit(main(["fit", "none.csv"]))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table and a study with names of this kind."""
    path: Path = tmp_path_factory.mktemp("names")
    runs = example_runs()
    named = np.full(len(runs), f"{EVIL} {NAMES[:-1]}")
    replace(runs, schedule=named, context={EVIL: named}).to_csv(path / "runs.csv")
    storage = open_database(f"sqlite:///{path}/my.db")
    study = optuna.create_study(study_name=EVIL, storage=storage)
    reason = {"prune": True, "step": 1, "probability": 0.1, "reason": EVIL}
    study.add_trial(
        create_trial(
            state=TrialState.PRUNED,
            intermediate_values={1: 2.0},
            user_attrs={"kappa:pruned": reason},
        )
    )
    storage.engine.dispose()
    return path


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)


COMMANDS = [
    ["fit", "runs.csv"],
    ["fit", "runs.csv", "--context", EVIL],
    ["fit", "runs.csv", "--json"],
    ["propose", "runs.csv", "--horizon", "128"],
    ["backtest", "runs.csv", "--context", EVIL],
    ["studies", "--storage", "sqlite:///my.db"],
    ["studies", "--storage", "sqlite:///my.db", "-f", "csv"],
    ["recommend", "--storage", "sqlite:///my.db"],
    ["studies", "--storage", EVIL + NAMES],
    ["report", "--storage", "sqlite:///my.db", "--study", EVIL + NAMES],
    ["explain", "--storage", "sqlite:///my.db"],
    ["explain", "--storage", "sqlite:///my.db", "--study", EVIL, "--trial", "0"],
    ["fit", f"{EVIL}{NAMES}.csv"],
    ["fit", "runs.csv", "--context", EVIL + NAMES],
    ["explain", "--storage", EVIL + NAMES],
    ["fit", "runs.csv", f"--{EVIL}{NAMES}"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=range(len(COMMANDS)))
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@pytest.mark.usefixtures("folder")
def test_output_is_printable(
    words: list[str], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = {}
    for name in ("stdout", "stderr"):
        streams[name] = io.TextIOWrapper(io.BytesIO(), encoding, errors="strict")
        monkeypatch.setattr(sys, name, streams[name])

    code = main(words)
    texts = {}
    for name, stream in streams.items():
        stream.flush()
        texts[name] = stream.buffer.getvalue().decode(encoding)

    printed = texts["stdout"] + texts["stderr"]
    assert all(char.isprintable() or char == "\n" for char in printed)
    assert "a\\x1b[2J" in printed or "--json" in words
    if code:
        assert len(texts["stderr"].splitlines()) == 1


@pytest.mark.parametrize(
    ("module", "then"),
    [
        ("optuna_kappa.cli.commands", "pass"),
        ("numpy", "pass"),
        ("scipy", "raise ImportError('initialization failed')"),
    ],
)
def test_interrupted_while_importing(module: str, then: str) -> None:
    code = INTERRUPT.format(module=module, then=then)
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        # Whoever runs the tests in the background may have them ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_the_handler_of_ctrl_c_is_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert main(["fit", "none.csv"]) == 2
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().out == ""
