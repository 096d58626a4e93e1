"""The data of the figure of Psi: rates over the part of the run that is done and the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optuna_kappa.psi import Curve, Psi

_N_PROGRESS = 60
_N_LOSS = 50
_LAST = 0.995  # of the run; at its end the rate falls to nothing, which would take all the colors


class Path(NamedTuple):
    """Losses of a run over the part of the horizon that is done.

    Attributes:
        name: Name of the run.
        progress: Parts of the run.
        loss: Losses there.

    Example:
        >>> Path("a", [0.5, 1.0], [3.0, 2.0]).name
        'a'
    """

    name: str
    progress: list[float]
    loss: list[float]


class PsiInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        progress: Parts of the run, ascending.
        loss: Losses, ascending.
        rate: Rate at each loss (rows) and part of the run; None outside the table.
        open_loop: Losses that the law expects of the open loop.
        runs: The runs to be drawn.
        formula: The closed form, as text.
        horizon: Data of the run.

    Example:
        >>> PsiInfo([0.5], [2.0], [[0.1]], Path("open loop", [], []), [], "alpha = 1", 9.0).horizon
        9.0
    """

    progress: list[float]
    loss: list[float]
    rate: list[list[float | None]]
    open_loop: Path
    runs: list[Path]
    formula: str
    horizon: float


def get_psi_info(psi: Psi, runs: Sequence[Curve]) -> PsiInfo:
    """What the figure shows.

    Args:
        psi: The rates.
        runs: Curves to draw over them, as far as they go within the horizon.

    Example:
        >>> from optuna_kappa.psi import LossLaw
        >>> values = np.array([2, -1, -0.7, -0.5, 3, 0.6, -0.6, 0, 0.3])
        >>> law = LossLaw(values, np.eye(9) * 1e-4, 0.4, 20.0, 1e-4, 0.005)
        >>> len(get_psi_info(Psi.from_law(law, 1000), []).rate)
        50
    """
    progress = np.linspace(0, _LAST, _N_PROGRESS)
    seen = np.array([psi.seen(float(part)) for part in progress])
    losses = np.geomspace(seen.min(), seen.max(), _N_LOSS)

    rates: list[list[float | None]] = []
    for loss in losses:
        row: list[float | None] = []
        for part, (low, high) in zip(progress, seen, strict=True):
            inside = low <= loss <= high
            row.append(psi(float(loss), float(part)) if inside else None)
        rates.append(row)

    paths = []
    for run in runs:
        at = run.measured & (run.step <= psi.horizon)
        if at.any():
            parts = (run.step[at] / psi.horizon).tolist()
            paths.append(Path(run.name, parts, run.loss[at].tolist()))

    expected = [psi.expected_loss(float(part)) for part in progress]
    open_loop = Path("open loop", progress.tolist(), expected)
    text = str(psi.formula)
    return PsiInfo(progress.tolist(), losses.tolist(), rates, open_loop, paths, text, psi.horizon)
