"""The schedule: a shape of the learning rate over the fraction of the horizon done.

Notation:
    p       fraction of the horizon done, in [0, 1]
    m(p)    shape, >= 0: what the base learning rate is multiplied by
    mean    integral of m(p) over p from 0 to 1
    lr      base learning rate; the peak rate where m peaks at 1
    D       horizon, in units of data (samples, tokens, steps or epochs; one unit throughout)
    kappa   cumulative learning, lr * D * mean; in units of data times learning rate
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from optuna_kappa._typing import Floats
from optuna_kappa._validation import POSITIVE, as_float, check_count, check_items, shown
from optuna_kappa.schedules.kappa import kappa, lr_for

if TYPE_CHECKING:
    # Types only: nothing is imported when the module runs.
    from torch.optim import Optimizer  # noqa: TID251
    from torch.optim.lr_scheduler import LambdaLR  # noqa: TID251

CONSTANT = "constant"  # name of the schedule that does not change the rate

Shape: TypeAlias = Callable[[Floats], Floats]

# Rounding in (data done) / horizon may put p this far outside [0, 1].
_ROUNDING = 1e-9
# Points of the grid on which the peak of a smooth shape is looked for.
_N_GRID = 2001

_LAST = 0.02  # part of a run that is its end
_N_LAST = 20  # points at which the end is averaged
MOST_STEPS = 10**8  # of a whole run; more would not fit into memory
_LR = "a learning rate is above 0"
HORIZON = "it is the data the whole run is planned to see"  # ends error messages


@dataclass(frozen=True)
class Schedule:
    """A shape m(p) of the learning rate.

    Two schedules are equal if their names and means are. The built-in schedules can be pickled.

    Attributes:
        name: Canonical name; `parse` reads back the names of the built-in schedules.
        mean: Integral of m over [0, 1], > 0.
        shape: The function m, from an array of p in [0, 1] to a float array of the same shape.
        knots: Where m jumps or bends, inside (0, 1), ascending; for quadrature and plots.

    Raises:
        ValueError: If the name is empty, the mean not positive, or a knot out of place.

    Example:
        >>> ramp = Schedule("ramp", mean=0.5, shape=lambda p: p)
        >>> ramp(0.25)
        0.25
    """

    name: str
    mean: float
    shape: Shape = field(repr=False, compare=False)
    knots: tuple[float, ...] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        POSITIVE.check("mean", self.mean, "a schedule has to train; it integrates m over [0, 1]")
        check_knots(self.knots)
        if not callable(self.shape):
            raise ValueError(f"shape must be a function, got {shown(self.shape)}: it is m(p).")

    @overload
    def __call__(self, p: float) -> float: ...
    @overload
    def __call__(self, p: npt.NDArray[np.floating]) -> Floats: ...
    def __call__(self, p: float | npt.NDArray[np.floating]) -> float | Floats:
        """Return m(p): a float for a float, an array of the same shape for an array.

        Args:
            p: Fraction of the horizon done, in [0, 1].

        Raises:
            ValueError: If p leaves [0, 1] by more than rounding, or is NaN.
        """
        try:
            # NumPy would take the real parts of complex numbers, with no more than a warning.
            given = np.array(np.nan) if np.iscomplexobj(p) else np.asarray(p, dtype=float)
        except (TypeError, ValueError, OverflowError):
            given = np.array(np.nan)
        is_inside = (given >= -_ROUNDING) & (given <= 1 + _ROUNDING)
        if not np.all(is_inside):
            raise ValueError(
                f"p must lie in [0, 1], got {shown(p)}: it is the fraction of the horizon done, "
                "so divide the data seen by the horizon."
            )

        factors = self.shape(np.clip(given, 0.0, 1.0))
        return float(factors) if given.ndim == 0 else factors

    @cached_property
    def peak(self) -> float:
        """Largest value of m, on a fine grid and around each knot.

        Example:
            >>> from optuna_kappa.schedules import cyclic
            >>> cyclic(factor=3, n=4).peak
            3.0
        """
        grid = np.linspace(0.0, 1.0, _N_GRID)
        knots = np.array(self.knots)
        before = np.nextafter(knots, 0.0)
        after = np.nextafter(knots, 1.0)

        p = np.concatenate([grid, before, knots, after])
        return float(self(p).max())

    @cached_property
    def end(self) -> float:
        """Mean value of m over the last fiftieth of the run.

        Example:
            >>> from optuna_kappa.schedules import constant, cosine
            >>> constant().end, round(cosine().end, 3)
            (1.0, 0.0)
        """
        p = 1.0 - _LAST * (np.arange(_N_LAST) + 0.5) / _N_LAST
        return float(np.mean(self(p)))

    def kappa(self, lr: float, horizon: float) -> float:
        """Return the cumulative learning of a run, lr * horizon * mean.

        Args:
            lr: Base learning rate, > 0.
            horizon: Data the run is planned to see, > 0.

        Raises:
            ValueError: If either is not a positive, finite number.

        Example:
            >>> from optuna_kappa.schedules import linear
            >>> linear().kappa(lr=0.002, horizon=100)
            0.1
        """
        lr = POSITIVE.check("lr", lr, _LR)
        horizon = POSITIVE.check("horizon", horizon, HORIZON)
        return kappa(lr, horizon, self.mean)

    def lr(self, kappa: float, horizon: float) -> float:
        """Return the base learning rate that gives this cumulative learning; inverse of `kappa`.

        Args:
            kappa: Cumulative learning, > 0, in the unit of the horizon.
            horizon: Data the run is planned to see, > 0.

        Raises:
            ValueError: If either is not a positive, finite number.

        Example:
            >>> from optuna_kappa.schedules import linear
            >>> linear().lr(kappa=0.1, horizon=100)
            0.002
        """
        kappa = POSITIVE.check("kappa", kappa, "it is lr * horizon * mean, each above 0")
        horizon = POSITIVE.check("horizon", horizon, HORIZON)
        return lr_for(kappa, horizon, self.mean)

    def factors(self, n_steps: int) -> Floats:
        """Return m at the middle of each step, m((k + 0.5) / n_steps), shape (n_steps,).

        The middle is better than the start: if m is smooth, the mean of these factors differs from
        `mean` by O(n_steps^-2) only, and a warm-up does not waste its first step at rate 0.

        Raises:
            ValueError: If n_steps is not an int of at least 1.

        Example:
            >>> from optuna_kappa.schedules import linear
            >>> linear().factors(4).tolist()
            [0.875, 0.625, 0.375, 0.125]
        """
        remedy = "it is the optimizer steps of the whole run"
        n_steps = check_count("n_steps", n_steps, remedy, most=MOST_STEPS)
        middles = (np.arange(n_steps) + 0.5) / n_steps
        return self(middles)

    def lambda_lr(self, optimizer: Optimizer, n_steps: int) -> LambdaLR:
        """Return a torch scheduler with this shape; call its `step()` after each batch.

        Args:
            optimizer: Torch optimizer. The rate that it has now is the base rate, lr, of each of
                its parameter groups.
            n_steps: Optimizer steps of the whole run. Later steps keep the last factor.

        Raises:
            ValueError: If n_steps is not an int of at least 1.

        Example:
            >>> from optuna_kappa.schedules import cosine
            >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)  # doctest: +SKIP
            >>> scheduler = cosine().lambda_lr(optimizer, n_steps=1000)  # doctest: +SKIP
        """
        # Imported here, so that everything else works without torch.
        from torch.optim.lr_scheduler import LambdaLR  # noqa: TID251

        factors = self.factors(n_steps).tolist()
        last = n_steps - 1
        return LambdaLR(optimizer, lambda k: factors[min(k, last)])

    def resolve(self, horizon: float) -> Schedule:
        """Return self: this shape is the same at every horizon.

        Example:
            >>> from optuna_kappa.schedules import parse
            >>> [parse(name).resolve(6).name for name in ("cosine", "step(period=2)")]
            ['cosine', 'step(n=3)']
        """
        return self

    @property
    def beginning_is_shorter_run(self) -> bool:
        """Whether the first part of a run is the same as a run of a shorter horizon.

        This holds for a constant rate. A schedule that is stretched over the horizon, such as
        cosine, has decayed less at that point than in the shorter run.

        Example:
            >>> from optuna_kappa.schedules import constant, cosine
            >>> constant().beginning_is_shorter_run
            True
            >>> cosine().beginning_is_shorter_run
            False
        """
        return self.name == CONSTANT


def check_name(name: object) -> str:
    """Return the name.

    Raises:
        ValueError: If it is not text, or is blank.

    Example:
        >>> check_name("mine")
        'mine'
    """
    if isinstance(name, str) and name.strip():
        return name
    raise ValueError(f"name must be text that is not blank, got {shown(name)}: say what to print.")


def check_knots(knots: Sequence[float]) -> tuple[float, ...]:
    """Return the knots as a tuple.

    Raises:
        ValueError: If they do not ascend strictly inside (0, 1).

    Example:
        >>> check_knots([0.25, 0.5])
        (0.25, 0.5)
    """
    remedy = "leave out the ends and repeats, and give fractions of the horizon"
    checked = check_items("knots", knots, numbers.Real, remedy)
    values = [as_float(knot) for knot in checked]

    gaps = np.diff([0.0, *values, 1.0])
    if not np.all(gaps > 0):
        raise ValueError(
            f"knots must ascend strictly inside (0, 1), got {shown(knots)}: {remedy}."
        )
    return tuple(values)
