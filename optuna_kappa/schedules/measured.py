"""Schedules measured from something else: a function of p, or a torch scheduler."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from optuna_kappa._validation import check_count
from optuna_kappa.schedules.parsing import check_free_name
from optuna_kappa.schedules.schedule import FloatArray, Schedule, Shape, check_knots

if TYPE_CHECKING:
    # Types only: nothing is imported when the module runs.
    from torch.optim import Optimizer  # noqa: TID251
    from torch.optim.lr_scheduler import LRScheduler  # noqa: TID251

# Cells of the quadrature, so that a pulse down to a thousandth of the horizon is seen.
_N_CELLS = 256
_TOLERANCE = 1e-13
_HALVINGS = 40
# Cells that do not settle, at once: beyond this m is noise, and more of them average it no better.
_MAX_UNSETTLED = 20_000
# Where m is looked at in a cell. Its ends a little inside, so that the value at a jump on the edge
# is that of the cell's own side.
_NODES = np.array([1e-9, 0.25, 0.5, 0.75, 1 - 1e-9])
_WHOLE = np.array([1, 0, 4, 0, 1]) / 6
_HALVES = np.array([1, 4, 2, 4, 1]) / 12
# Places where a function is checked before it is integrated.
_N_CHECKS = 1025
# A step's start may round to just below it.
_ROUNDING = 1e-9


def from_callable(
    function: Callable[[Any], Any], name: str, *, knots: Sequence[float] = ()
) -> Schedule:
    """A schedule of any function m(p), with its mean by adaptive quadrature.

    Args:
        function: m, finite and >= 0 on [0, 1]; of a NumPy array, or of a float alone. Peak 1
            makes lr the peak rate.
        name: What to call it; not the name of a built-in schedule, and not read by `parse`.
        knots: Where m jumps or bends, inside (0, 1), ascending. Without them the mean is the
            same but for about 1e-10, and takes longer.

    Raises:
        ValueError: If m is not a number, not finite or negative somewhere, or 0 everywhere.
    """
    name = check_free_name(name)
    if not callable(function):
        raise ValueError(f"function must be a function of p, got {function!r}: pass m itself.")
    interior = check_knots(knots)
    shape = _vectorised(function)
    _check_values(shape, name)
    mean = _integral(shape, interior)
    if not 0 < mean < math.inf:
        raise ValueError(
            f"function of {name!r} must have a positive, finite mean over [0, 1], got {mean!r}: "
            "a rate of 0 throughout does not train."
        )
    return Schedule(name, mean=mean, shape=shape, knots=interior)


def from_torch(
    factory: Callable[[Optimizer], LRScheduler], n_steps: int, name: str | None = None
) -> Schedule:
    """A schedule measured by stepping a torch scheduler, divided by its peak.

    Divided, since some schedulers (OneCycleLR) set the rate without regard to the optimizer's.
    The optimizer given to the factory has a base rate of 1, so a rate that a scheduler takes as
    an absolute number (eta_min of CosineAnnealingLR) counts as a fraction of that.

    Args:
        factory: From an optimizer (SGD with momentum) to a scheduler of it, such as
            `lambda optimizer: CosineAnnealingLR(optimizer, T_max=100)`.
        n_steps: Steps of the scheduler in the whole run; the shape is constant on each.
        name: What to call it; default "torch.<class>(n_steps=<n_steps>)".

    Raises:
        ValueError: If the factory returns no scheduler of its optimizer, or one that depends on
            the loss; if a rate is negative or not finite, or all are 0.
    """
    n_steps = check_count("n_steps", n_steps, "it is the steps of the scheduler in a whole run")
    rates, kind = _measure(factory, n_steps)
    name = f"torch.{kind}(n_steps={n_steps})" if name is None else check_free_name(name)
    low, peak = float(rates.min()), float(rates.max())
    # A NaN among the rates makes both NaN, and the comparison false.
    if not 0 <= low <= peak < math.inf or peak == 0:
        raise ValueError(
            f"the rates of {kind} must be finite, not negative and not all 0, got "
            f"{low!r} to {peak!r}: check its arguments and n_steps={n_steps}."
        )
    values = rates / peak
    knots = (np.flatnonzero(np.diff(values)) + 1) / n_steps
    return Schedule(
        name,
        mean=float(values.mean()),
        shape=partial(_look_up, values=values),
        knots=tuple(knots.tolist()),
    )


def _measure(factory: Callable[[Optimizer], LRScheduler], n_steps: int) -> tuple[FloatArray, str]:
    """The rate of each step, shape (n_steps,), and the scheduler's class."""
    # Here and not above: the pure core runs without torch, this adapter alone needs it.
    import torch  # noqa: TID251

    # Momentum, because OneCycleLR and CyclicLR by default want one to cycle.
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    rates = np.empty(n_steps)
    with warnings.catch_warnings():
        # SequentialLR of torch before 2.9 restarts its parts in a way it warns of itself.
        warnings.filterwarnings(
            "ignore",
            message="The epoch parameter in `scheduler.step",
        )
        scheduler = factory(optimizer)
        _check_scheduler(scheduler, optimizer)
        for k in range(n_steps):
            rates[k] = float(optimizer.param_groups[0]["lr"])
            # Not after the last rate: OneCycleLR refuses to go on past its total_steps.
            if k + 1 < n_steps:
                # Torch warns where the scheduler steps before the optimizer ever has.
                optimizer.step()
                scheduler.step()
    return rates, type(scheduler).__name__


def _check_scheduler(scheduler: object, optimizer: Optimizer) -> None:
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau  # noqa: TID251

    if isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError(
            "factory must return a scheduler whose rates are known in advance, got "
            "ReduceLROnPlateau: it follows the loss, so it has no shape to measure; use the "
            "rates of a past run with from_callable."
        )
    if not isinstance(scheduler, LRScheduler) or scheduler.optimizer is not optimizer:
        raise ValueError(
            "factory must return a torch scheduler of the optimizer it is given, got "
            f"{scheduler!r}: write it as in lambda optimizer: StepLR(optimizer, step_size=10)."
        )


def _look_up(p: FloatArray, *, values: FloatArray) -> FloatArray:
    """The value of the step p lies in; its start belongs to it, and 1 to the last step."""
    step = np.floor(p * len(values) + _ROUNDING).astype(np.intp)
    return np.asarray(values[np.minimum(step, len(values) - 1)])


def _vectorised(function: Callable[[Any], Any]) -> Shape:
    """The function over arrays: in one call where it can, otherwise p by p."""
    p = np.linspace(0.0, 1.0, 17)
    pointwise = partial(_pointwise, function=function)
    expected = pointwise(p)
    try:
        got = np.asarray(function(p.copy()), dtype=float)
    # A function of a float alone may raise anything at all on an array.
    except Exception:
        return pointwise
    same = got.shape == p.shape and np.allclose(got, expected, equal_nan=True)
    return partial(_arraywise, function=function) if same else pointwise


def _arraywise(p: FloatArray, *, function: Callable[[Any], Any]) -> FloatArray:
    return np.asarray(function(p.ravel()), dtype=float).reshape(p.shape)


def _pointwise(p: FloatArray, *, function: Callable[[Any], Any]) -> FloatArray:
    return np.array([_value(function(x)) for x in p.ravel().tolist()]).reshape(p.shape)


def _value(result: Any) -> float:
    try:
        return float(result)
    except (TypeError, ValueError):
        raise ValueError(
            f"function must return a number for each p in [0, 1], got {result!r}: return m(p)."
        ) from None


def _check_values(shape: Shape, name: str) -> None:
    p = np.linspace(0.0, 1.0, _N_CHECKS)
    m: npt.NDArray[np.float64] = shape(p)
    bad = np.flatnonzero(~(np.isfinite(m) & (m >= 0)))
    if bad.size:
        raise ValueError(
            f"function of {name!r} must be finite and at least 0 on [0, 1], got "
            f"{float(m[bad[0]])!r} at p = {p[bad[0]]:.4g}: a learning rate cannot be that."
        )


def _integral(shape: Shape, knots: Sequence[float]) -> float:
    """The integral of m over [0, 1], by Simpson's rule on cells, halved where it has not settled.

    Not by `scipy.integrate.quad`: its extrapolation can take the halvings at a jump for
    convergence, a million times above its tolerance, and it does not look at the ends of a cell.
    """
    edges = np.union1d(np.linspace(0.0, 1.0, _N_CELLS + 1), knots)
    low, width = edges[:-1], np.diff(edges)
    done = []
    for halving in range(_HALVINGS):
        m = shape(np.minimum(low[:, None] + width[:, None] * _NODES, 1.0))
        whole, halves = width * (m @ _WHOLE), width * (m @ _HALVES)
        unsettled = np.abs(halves - whole) > _TOLERANCE * np.abs(m).max()
        if halving + 1 == _HALVINGS or np.count_nonzero(unsettled) > _MAX_UNSETTLED:
            unsettled[:] = False
        done.append(float(halves[~unsettled].sum()))
        low, width = low[unsettled], width[unsettled] / 2
        if not low.size:
            break
        low, width = np.concatenate([low, low + width]), np.tile(width, 2)
    return math.fsum(done)
