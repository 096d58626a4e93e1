"""The closed form nearest to a table of rates: alpha = a * eps^b * r^c."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats

_ENDS = 0.01  # part of a run at its end that is left out: rates there sit at the lowest one fitted


@dataclass(frozen=True)
class Formula:
    """alpha = a * eps^b * r^c.

    Args:
        a: Factor, in units of the rate.
        b: Power of eps, the loss above `lowest`.
        c: Power of r, the remaining data over `horizon`.
        lowest: Loss that the law gives a run without end and noise.
        horizon: Data of the run that it was made for.
        determination: Coefficient of determination of ln alpha over the table.

    Example:
        >>> formula = Formula(a=0.1, b=0.5, c=1.0, lowest=1.0, horizon=100.0, determination=0.98)
        >>> print(formula)
        alpha = 0.1 * (loss - 1)^0.5 * r^1, R2 = 0.980
        >>> round(formula(loss=5.0, progress=0.5), 3)
        0.1
    """

    a: float
    b: float
    c: float
    lowest: float
    horizon: float
    determination: float

    def __call__(self, loss: float, progress: float) -> float:
        """Rate by the closed form; the table is closer."""
        excess = max(loss - self.lowest, 0.0)
        return float(self.a * excess**self.b * (1 - progress) ** self.c)

    def __str__(self) -> str:
        above = f"loss - {self.lowest:.4g}" if self.lowest >= 0 else f"loss + {-self.lowest:.4g}"
        return (
            f"alpha = {self.a:.3g} * ({above})^{self.b:.3g} * r^{self.c:.3g}, "
            f"R2 = {self.determination:.3f}"
        )


def formula_of(
    horizon: float,
    lowest: float,
    horizons: Floats,
    step: Floats,
    rate: Floats,
    loss: Floats,
) -> Formula:
    """Closed form nearest to a table, by least squares of ln rate.

    Args:
        horizon: Data of the run that it is made for.
        lowest: Loss that the law gives a run without end and noise.
        horizons: Horizons of the table, shape (h,).
        step: Data seen at each place of each schedule, shape (h, n).
        rate: Rate there, shape (h, n).
        loss: Loss there, shape (h, n).

    Example:
        >>> step = np.array([[1.0, 2, 3, 4], [2, 4, 6, 8]])
        >>> rate = 1 - step / np.array([[5.0], [10.0]])
        >>> loss = 1 + 1 / step
        >>> formula = formula_of(10, 1, np.array([5.0, 10.0]), step, rate, loss)
        >>> 0 < formula.determination <= 1
        True
    """
    remaining = (horizons[:, None] - step) / horizon
    used = (remaining > _ENDS * horizons[:, None] / horizon) & (loss > lowest)
    columns = [np.ones(int(used.sum())), np.log(loss[used] - lowest), np.log(remaining[used])]
    target = np.log(rate[used])

    solution, *_ = np.linalg.lstsq(np.column_stack(columns), target, rcond=None)
    left = target - np.column_stack(columns) @ solution
    spread = float(np.sum((target - target.mean()) ** 2))
    explained = 1 - float(left @ left) / spread if spread > 0 else 1.0
    log_a, b, c = solution.tolist()
    return Formula(float(np.exp(log_a)), b, c, lowest, horizon, explained)
