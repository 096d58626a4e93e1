"""An objective to try `optuna-kappa tune` with."""

from __future__ import annotations

from pathlib import Path

_OBJECTIVE = '''\
import math

import optuna


def objective(trial):
    """Made-up losses; the best learning rate of e epochs is 0.01 / e."""
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    for epoch in range(1, 25):
        loss = epoch**-0.3 * math.cosh(0.8 * math.log(lr * epoch / 0.01))
        trial.report(loss, step=epoch)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss
'''


def write_example(path: str) -> None:
    """Write a file with an objective that takes no time.

    Raises:
        OSError: It cannot be written, or exists already.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_example(f"{folder}/train.py")
        ...     "def objective(trial):" in Path(folder, "train.py").read_text()
        True
    """
    with Path(path).open("x", encoding="utf-8") as file:
        file.write(_OBJECTIVE)
