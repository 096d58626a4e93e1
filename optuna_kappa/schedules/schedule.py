"""The schedule itself: a shape over the fraction of the horizon done, or over periods of data.

Notation:
    p       fraction of the horizon done, in [0, 1]
    m(p)    shape, >= 0: what the base learning rate is multiplied by
    mean    integral of m(p) over p from 0 to 1
    lr      base learning rate; the peak rate where m peaks at 1
    D       horizon, in units of data (samples, tokens, steps or epochs: one unit throughout)
    kappa   cumulative learning, lr * D * mean; in units of data times learning rate
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from optuna_kappa._validation import POSITIVE, check_count
from optuna_kappa.schedules.kappa import kappa, lr_for

if TYPE_CHECKING:
    # Types only: nothing is imported when the module runs.
    from torch.optim import Optimizer  # noqa: TID251
    from torch.optim.lr_scheduler import LambdaLR  # noqa: TID251

CONSTANT = "constant"  # name of the schedule that does not change the rate

FloatArray: TypeAlias = npt.NDArray[np.float64]
Shape: TypeAlias = Callable[[FloatArray], FloatArray]

# Rounding in (data done) / horizon may put p this far outside [0, 1].
_ROUNDING = 1e-9
# More periods than any run has epochs: beyond this the two units differ.
_MAX_PERIODS = 100_000
_POSITIVE_LR = "a learning rate is above 0"
_FINE = 2001
_HORIZON = "it is the data the whole run is planned to see"


@dataclass(frozen=True)
class Schedule:
    """A shape m(p) of the learning rate; equal to another of the same name and mean.

    Attributes:
        name: Canonical name; `parse` reads back those of the built-in schedules.
        mean: Integral of m over [0, 1], > 0.
        shape: m, from an array of p in [0, 1], any shape, to a float array of that shape.
            The built-in ones can be pickled.
        knots: Where m jumps or bends, inside (0, 1), ascending; for quadrature and plots.

    Raises:
        ValueError: If the name is empty, the mean not positive, or a knot out of place.
    """

    name: str
    mean: float
    shape: Shape = field(repr=False, compare=False)
    knots: tuple[float, ...] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        POSITIVE.check("mean", self.mean, "a schedule has to train; it integrates m over [0, 1]")
        check_knots(self.knots)

    @overload
    def __call__(self, p: float) -> float: ...
    @overload
    def __call__(self, p: npt.NDArray[np.floating]) -> FloatArray: ...
    def __call__(self, p: float | npt.NDArray[np.floating]) -> float | FloatArray:
        """Return m(p): a float for a float, an array of the same shape for an array.

        Args:
            p: Fraction of the horizon done, in [0, 1].

        Raises:
            ValueError: If p leaves [0, 1] by more than rounding, or is NaN.
        """
        given = np.asarray(p, dtype=float)
        if not np.all((given >= -_ROUNDING) & (given <= 1 + _ROUNDING)):
            raise ValueError(
                f"p must lie in [0, 1], got {p!r}: it is the fraction of the horizon done, "
                "so divide the data seen by the horizon."
            )
        factor = self.shape(np.clip(given, 0.0, 1.0))
        return float(factor) if given.ndim == 0 else factor

    @cached_property
    def peak(self) -> float:
        """Largest value of m; that on a fine grid where m is smooth."""
        knots = np.array(self.knots)
        around = np.concatenate([np.nextafter(knots, 0.0), knots, np.nextafter(knots, 1.0)])
        return float(self(np.concatenate([np.linspace(0.0, 1.0, _FINE), around])).max())

    def kappa(self, lr: float, horizon: float) -> float:
        """Return the cumulative learning of a run, lr * horizon * mean.

        Args:
            lr: Base learning rate, > 0.
            horizon: Data the run is planned to see, > 0.

        Raises:
            ValueError: If either is not a positive, finite number.
        """
        lr = POSITIVE.check("lr", lr, _POSITIVE_LR)
        return kappa(lr, POSITIVE.check("horizon", horizon, _HORIZON), self.mean)

    def lr(self, kappa: float, horizon: float) -> float:
        """Return the base learning rate of a given cumulative learning; inverse of `kappa`.

        Args:
            kappa: Cumulative learning, > 0, in the unit of the horizon.
            horizon: Data the run is planned to see, > 0.

        Raises:
            ValueError: If either is not a positive, finite number.
        """
        kappa = POSITIVE.check("kappa", kappa, "it is lr * horizon * mean, each above 0")
        return lr_for(kappa, POSITIVE.check("horizon", horizon, _HORIZON), self.mean)

    def factors(self, n_steps: int) -> FloatArray:
        """Return m at the middle of each step, m((k + 0.5) / n_steps), shape (n_steps,).

        The middle rather than the start: their mean then differs from `mean` by O(n_steps^-2)
        where m is smooth, and a warm-up does not waste its first step at rate 0.

        Raises:
            ValueError: If n_steps is not an int of at least 1.
        """
        n_steps = check_count("n_steps", n_steps, "it is the optimizer steps of the whole run")
        return self((np.arange(n_steps) + 0.5) / n_steps)

    def lambda_lr(self, optimizer: Optimizer, n_steps: int) -> LambdaLR:
        """Return a torch scheduler with this shape; call its `step()` after each batch.

        Args:
            optimizer: Its rate at this call is the base rate, lr, of each parameter group.
            n_steps: Optimizer steps of the whole run. The last factor is kept after them.

        Raises:
            ValueError: If n_steps is not an int of at least 1.
        """
        # Here and not above: the pure core runs without torch, this adapter alone needs it.
        from torch.optim.lr_scheduler import LambdaLR  # noqa: TID251

        factors = self.factors(n_steps).tolist()
        return LambdaLR(optimizer, lambda k: factors[min(k, n_steps - 1)])

    def resolve(self, horizon: float) -> Schedule:
        """Return self: this shape is the same at every horizon."""
        return self

    @property
    def beginning_is_shorter_run(self) -> bool:
        """Whether the first part of a run is a run of a shorter horizon: at a constant rate.

        A schedule that is stretched to the horizon, such as cosine, has decayed less by then.
        """
        return self.name == CONSTANT


@dataclass(frozen=True)
class PeriodicSchedule:
    """A schedule fixed per period of data, e.g. "halve after each epoch".

    Its shape over the fraction of the horizon depends on how many periods the horizon has;
    `resolve` gives it. Equal to another of the same name and period.

    Attributes:
        name: Canonical name; `parse` reads back those of the built-in schedules.
        period: Data in one period, > 0, in the unit of the horizon.
        divide: From the number of periods in the horizon, > 0 and not always whole (the last
            period is then cut short), to the schedule.

    Raises:
        ValueError: If the name is empty or the period not a positive number.
    """

    name: str
    period: float
    divide: Callable[[float], Schedule] = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        POSITIVE.check("period", self.period, "it is data per piece, in the unit of the horizon")

    def resolve(self, horizon: float) -> Schedule:
        """Return the schedule over the fraction of a horizon.

        Args:
            horizon: Data the run is planned to see, > 0, in the unit of the period.

        Raises:
            ValueError: If the horizon is not positive, or has more than 100,000 periods.
        """
        n_periods = POSITIVE.check("horizon", horizon, _HORIZON) / self.period
        if not 0 < n_periods <= _MAX_PERIODS:
            raise ValueError(
                f"horizon must be at most {_MAX_PERIODS} periods of {self.period:g} long for "
                f"{self.name}, got {horizon!r}: give the period and the horizon in one unit."
            )
        return self.divide(n_periods)

    @property
    def beginning_is_shorter_run(self) -> bool:
        """Whether the first part of a run is a run of a shorter horizon: always.

        Its rate depends on the data seen, not on the data to come.
        """
        return True


AnySchedule: TypeAlias = Schedule | PeriodicSchedule


def check_name(name: object) -> str:
    """Return the name.

    Raises:
        ValueError: If it is not text, or is blank.
    """
    if isinstance(name, str) and name.strip():
        return name
    raise ValueError(f"name must be text that is not blank, got {name!r}: say what to print.")


def check_knots(knots: Sequence[float]) -> tuple[float, ...]:
    """Return the knots as a tuple.

    Raises:
        ValueError: If they do not ascend strictly inside (0, 1).
    """
    if not np.all(np.diff([0.0, *knots, 1.0]) > 0):
        raise ValueError(
            f"knots must ascend strictly inside (0, 1), got {knots!r}: leave out the ends and "
            "repeats, and give fractions of the horizon."
        )
    return tuple(float(knot) for knot in knots)
