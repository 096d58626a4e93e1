"""The loss curve of one run, with the learning rate at each record, and its clock kappa.

Notation, for a curve of n records:

    s_i      data seen at record i (steps, samples or tokens), shape (n,)
    eta_i    learning rate at s_i, shape (n,)
    kappa    integral of eta over the data, in rate times data

Between two records the rate is linear, except at a jump: there the rate stays the old one up to
the record that shows the new one, because the loss of that record is still that of the old rate.
Before the first record the rate rises linearly from 0 over `warmup` and then stays at eta_0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from optuna_kappa._typing import Bools, Floats

# A change of ln rate is a jump if it is above this and this many times both of its neighbours.
# The steepest smooth decay of the published curves (to a tenth over 4,000 steps, a record each
# 128) changes ln rate by 0.07 a record; the gentlest jump, 30 to 18, by 0.5.
_JUMP = 0.2
_STANDS_OUT = 5.0


@dataclass(frozen=True, eq=False)
class Curve:
    """Losses of a run, and the rates it was trained at.

    Args:
        name: Name of the run.
        step: Data seen at each record, increasing and above 0, shape (n,).
        rate: Learning rate at each record, positive, shape (n,).
        loss: Loss at each record, positive, shape (n,); NaN where only the rate is known.
        warmup: Data over which the rate rose linearly from 0 to that of the first record. By
            default all data before the first record, as for curves that begin after a warm-up.
        smooth: Whether the rate has no jumps, and is linear between any two records.

    Raises:
        ValueError: If an array is empty, of another shape or has a value that is not allowed.

    Example:
        >>> curve = Curve("a", [10, 20, 30], [0.1, 0.1, 0.1], [3, 2.5, 2.4], warmup=0)
        >>> curve.kappa.round(6).tolist()
        [1.0, 2.0, 3.0]
    """

    name: str
    step: Floats
    rate: Floats
    loss: Floats = field(repr=False)
    warmup: float | None = None
    smooth: bool = False

    def __post_init__(self) -> None:
        for column in ("step", "rate", "loss"):
            values = np.array(getattr(self, column), dtype=float)
            if values.ndim != 1 or len(values) == 0 or len(values) != len(self.step):
                raise ValueError(
                    f"run {self.name!r}: {column} must have one number a record, "
                    f"got shape {values.shape}"
                )
            allowed = np.isfinite(values) & (values > 0)
            if column == "loss":
                allowed |= np.isnan(values)
            if not allowed.all():
                raise ValueError(
                    f"run {self.name!r}: {column} must be finite and above 0; "
                    "leave out the records where it is not"
                )
            values.flags.writeable = False
            object.__setattr__(self, column, values)

        if not (np.diff(self.step) > 0).all():
            raise ValueError(f"run {self.name!r}: step must increase from record to record")
        if self.warmup is not None and not 0 <= self.warmup <= self.step[0]:
            raise ValueError(
                f"run {self.name!r}: warmup must be from 0 to the first recorded step, "
                f"{self.step[0]:g}, got {self.warmup:g}"
            )

    @cached_property
    def measured(self) -> Bools:
        """Whether a loss was measured at each record, shape (n,).

        Example:
            >>> Curve("a", [1, 2], [0.1, 0.1], [np.nan, 2]).measured.tolist()
            [False, True]
        """
        return np.isfinite(self.loss)

    @cached_property
    def jumps(self) -> Bools:
        """Whether the rate jumps between a record and the next, shape (n - 1,).

        Example:
            >>> Curve("a", [1, 2, 3, 4], [3, 3, 1, 1], [4, 3, 2, 2]).jumps.tolist()
            [False, True, False]
        """
        change = np.abs(np.diff(np.log(self.rate)))
        if self.smooth:
            return np.zeros(len(change), dtype=bool)
        around = np.pad(change, 1)
        neighbours = np.maximum(around[:-2], around[2:])
        return np.asarray((change > _JUMP) & (change > _STANDS_OUT * neighbours))

    @cached_property
    def kappa(self) -> Floats:
        """Cumulative learning up to each record, in rate times data, shape (n,).

        Example:
            >>> Curve("a", [10, 20], [0.1, 0.1], [3, 2.5]).kappa.round(6).tolist()
            [0.5, 1.5]
        """
        warmup = self.step[0] if self.warmup is None else self.warmup
        first = self.rate[0] * (self.step[0] - warmup / 2)
        mean = np.where(self.jumps, self.rate[:-1], (self.rate[1:] + self.rate[:-1]) / 2)
        since = np.concatenate([[0.0], np.cumsum(mean * np.diff(self.step))])
        return np.asarray(first + since, dtype=float)

    @cached_property
    def changes(self) -> tuple[Floats, Floats, Floats]:
        """Where the rate changes: kappa there, the fall of the rate, and the new rate.

        A smooth change between two records counts as one in the middle of their kappa, a jump at
        the record that shows it. A rise is a negative fall. Three arrays of one length.

        Example:
            >>> curve = Curve("a", [1, 2, 3, 4], [3, 3, 1, 1], [4, 3, 2, 2], warmup=0)
            >>> [values.tolist() for values in curve.changes]
            [[9.0], [2.0], [1.0]]
        """
        fall = -np.diff(self.rate)
        middle = (self.kappa[1:] + self.kappa[:-1]) / 2
        where = np.where(self.jumps, self.kappa[1:], middle)

        changed = fall != 0
        return where[changed], fall[changed], self.rate[1:][changed]
