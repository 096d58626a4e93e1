"""What a user has: a file with objectives, and the command `tune` in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

OBJECTIVE = """\
import math, os, time
import optuna

def objective(trial):
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    for epoch in range(1, 25):
        time.sleep({sleep})
        loss = epoch**-0.3 * math.cosh(0.8 * math.log(lr * epoch / 0.01))
        trial.report(loss, step=epoch)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss

def waits(trial):
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    while not os.path.exists("go"):
        time.sleep(0.05)
    return objective(trial)

def broken(trial):
    trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    raise RuntimeError("out of memory")

def breaks_later(trial):
    trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    if trial.number == 1:
        raise RuntimeError("out of memory")
    time.sleep(600)

def dies(trial):
    trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    os._exit(7)

answer = 42
"""


def write_objective(folder: Path, sleep: float = 0) -> None:
    """Write train.py, whose objective sleeps at each epoch."""
    (folder / "train.py").write_text(OBJECTIVE.format(sleep=sleep))


def started(
    folder: Path,
    *arguments: str,
    sleep: float,
    on_ctrl_c: signal.Handlers = signal.SIG_DFL,
) -> subprocess.Popen[str]:
    """The command in a group of processes of its own; its objective sleeps at each epoch."""
    write_objective(folder, sleep)
    command = [sys.executable, "-m", "optuna_kappa", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Where these tests run in the background, Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, on_ctrl_c),
    )
