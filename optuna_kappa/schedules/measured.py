"""Schedules measured from something else: a function of p, or a torch scheduler."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa._validation import check_count, shown
from optuna_kappa.schedules.digest import digest
from optuna_kappa.schedules.parsing import check_free_name
from optuna_kappa.schedules.schedule import MOST_STEPS, Schedule, Shape, check_knots

if TYPE_CHECKING:
    # Types only: nothing is imported when the module runs.
    from torch.optim import Optimizer  # noqa: TID251
    from torch.optim.lr_scheduler import LRScheduler  # noqa: TID251

    Factory: TypeAlias = Callable[[Optimizer], LRScheduler]

Function: TypeAlias = Callable[[Any], Any]  # of p, a float or an array

# Cells of the quadrature. With so many, a pulse as short as a thousandth of the horizon is seen.
_N_CELLS = 256
_TOLERANCE = 1e-13
_HALVINGS = 40
# With more cells unsettled at once, m is noise, and halving them averages it no better.
_MAX_UNSETTLED = 20_000
# Where m is evaluated in a cell. The ends are a little inside, so that at a jump on the edge each
# cell sees the value on its own side.
_NODES = np.array([1e-9, 0.25, 0.5, 0.75, 1 - 1e-9])
# Weights of the nodes in Simpson's rule on the whole cell, and on its two halves.
_WHOLE = np.array([1, 0, 4, 0, 1]) / 6
_HALVES = np.array([1, 4, 2, 4, 1]) / 12
# Points at which a function is checked before it is integrated.
_N_CHECKS = 1025
# The start of a step may be rounded to just below it.
_ROUNDING = 1e-9


def from_callable(
    function: Function,
    name: str,
    *,
    knots: Sequence[float] = (),
) -> Schedule:
    """Make a schedule of any function m(p); its mean is computed by adaptive quadrature.

    Args:
        function: The function m, finite and >= 0 on [0, 1], of a NumPy array or of a float alone.
            If its peak is 1, lr is the peak rate.
        name: Name of the schedule. It cannot be that of a built-in one, and `parse` does not read
            it.
        knots: Where m jumps or bends, inside (0, 1), ascending. Without them the mean is the same
            up to about 1e-10, but takes longer to compute.

    Raises:
        ValueError: If m is not a number, not finite or negative somewhere, or 0 everywhere.

    Example:
        >>> hold = from_callable(lambda p: 1.0 if p < 0.5 else 0.1, "hold, then a tenth")
        >>> round(hold.mean, 6)
        0.55
    """
    name = check_free_name(name)
    if not callable(function):
        raise ValueError(
            f"function must be a function of p, got {shown(function)}: pass m itself."
        )

    interior = check_knots(knots)
    shape = _vectorized(function)
    _check_values(shape, name)

    mean = _integral(shape, interior)
    if not 0 < mean < math.inf:
        raise ValueError(
            f"function of {name!r} must have a positive, finite mean over [0, 1], got {mean!r}: "
            "a rate of 0 throughout does not train."
        )

    return Schedule(name, mean=mean, shape=shape, knots=interior)


def from_torch(factory: Factory, n_steps: int, name: str | None = None) -> Schedule:
    """Measure a schedule by stepping a torch scheduler; the rates are divided by their peak.

    They are divided because some schedulers (OneCycleLR) ignore the rate of the optimizer. The
    optimizer that the factory gets has a base rate of 1. So a rate that a scheduler takes as an
    absolute number (eta_min of CosineAnnealingLR) counts as a fraction of the base rate.

    Args:
        factory: Function from an optimizer (SGD with momentum) to a scheduler of it, such as
            `lambda optimizer: CosineAnnealingLR(optimizer, T_max=100)`.
        n_steps: Steps of the scheduler in the whole run; the shape is constant on each.
        name: Name of the schedule; by default the scheduler's class and a digest of its shape,
            such as "torch.LambdaLR(shape=8875310)". The same shape over the fraction of a run has
            the same name, whatever n_steps is (`optuna_kappa.schedules.digest`). With fewer than
            about 50 steps, a name of your own is safer.

    Raises:
        ValueError: If the factory returns no scheduler of its optimizer, or one that depends on
            the loss; if a rate is negative or not finite, or all are 0.

    Example:
        >>> from optuna_kappa.schedules import from_torch
        >>> from torch.optim.lr_scheduler import StepLR  # doctest: +SKIP
        >>> schedule = from_torch(lambda o: StepLR(o, 10), n_steps=30)  # doctest: +SKIP
        >>> schedule(0.5)  # doctest: +SKIP
        0.1
    """
    remedy = "it is the steps of the scheduler in a whole run"
    n_steps = check_count("n_steps", n_steps, remedy, most=MOST_STEPS)
    if not callable(factory):
        raise ValueError(
            f"factory must be a function of an optimizer, got {shown(factory)}: write it as in "
            "lambda optimizer: StepLR(optimizer, step_size=10)."
        )
    rates, kind = _measure(factory, n_steps)
    _check_rates(rates, kind)
    values = rates / rates.max()
    name = f"torch.{kind}(shape={digest(values)})" if name is None else check_free_name(name)

    jumps = np.flatnonzero(np.diff(values)) + 1
    knots = jumps / n_steps
    return Schedule(
        name,
        mean=float(values.mean()),
        shape=partial(_look_up, values=values),
        knots=tuple(knots.tolist()),
    )


def _measure(factory: Factory, n_steps: int) -> tuple[Floats, str]:
    """The rate of each step, shape (n_steps,), and the scheduler's class."""
    # Imported here, so that everything else works without torch.
    import torch  # noqa: TID251

    # With momentum, because OneCycleLR and CyclicLR cycle it by default.
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0, momentum=0.9)
    rates = np.empty(n_steps)

    with warnings.catch_warnings():
        # Before torch 2.9, SequentialLR restarts its parts with a call that torch warns about.
        warnings.filterwarnings(
            "ignore",
            message="The epoch parameter in `scheduler.step",
        )
        scheduler = factory(optimizer)
        _check_scheduler(scheduler, optimizer)

        for k in range(n_steps):
            rates[k] = float(optimizer.param_groups[0]["lr"])
            # No step after the last rate: OneCycleLR refuses to go past its total_steps.
            if k + 1 < n_steps:
                # Torch warns if the scheduler steps before the optimizer.
                optimizer.step()
                scheduler.step()

    return rates, type(scheduler).__name__


def _check_scheduler(scheduler: object, optimizer: Optimizer) -> None:
    """Raise a ValueError unless this is a scheduler of the optimizer with rates known ahead."""
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
            f"{shown(scheduler)}: write it as in "
            "lambda optimizer: StepLR(optimizer, step_size=10)."
        )


def _check_rates(rates: Floats, kind: str) -> None:
    """Raise a ValueError if a rate is negative or not finite, or if all are 0."""
    low, peak = float(rates.min()), float(rates.max())
    # A NaN among the rates makes both NaN, and the comparison false.
    if not 0 <= low <= peak < math.inf or peak == 0:
        raise ValueError(
            f"the rates of {kind} must be finite, not negative and not all 0, got "
            f"{low!r} to {peak!r}: check its arguments and n_steps={len(rates)}."
        )


def _look_up(p: Floats, *, values: Floats) -> Floats:
    """The value of the step that p lies in. A step includes its start; p = 1 is in the last."""
    step = np.floor(p * len(values) + _ROUNDING).astype(np.intp)
    last = len(values) - 1
    return np.asarray(values[np.minimum(step, last)])


def _vectorized(function: Function) -> Shape:
    """The function over arrays: in one call if it can, otherwise p by p."""
    p = np.linspace(0.0, 1.0, 17)
    pointwise = partial(_pointwise, function=function)
    expected = pointwise(p)

    try:
        computed = np.asarray(function(p.copy()), dtype=float)
    # A function of a float alone may raise anything at all on an array.
    except Exception:
        return pointwise

    if computed.shape == p.shape and np.allclose(computed, expected, equal_nan=True):
        return partial(_arraywise, function=function)
    return pointwise


def _arraywise(p: Floats, *, function: Function) -> Floats:
    flat = np.asarray(function(p.ravel()), dtype=float)
    return flat.reshape(p.shape)


def _pointwise(p: Floats, *, function: Function) -> Floats:
    values = [_as_float(function(x)) for x in p.ravel().tolist()]
    return np.array(values).reshape(p.shape)


def _as_float(result: Any) -> float:
    try:
        return float(result)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"function must return a number for each p in [0, 1], got {shown(result)}: return "
            "m(p)."
        ) from None


def _check_values(shape: Shape, name: str) -> None:
    """Raise a ValueError if m is negative or not finite at one of many points."""
    p = np.linspace(0.0, 1.0, _N_CHECKS)
    m: Floats = shape(p)

    is_fine = np.isfinite(m) & (m >= 0)
    if not is_fine.all():
        first = np.argmin(is_fine)
        raise ValueError(
            f"function of {name!r} must be finite and at least 0 on [0, 1], got "
            f"{float(m[first])!r} at p = {p[first]:.4g}: a learning rate cannot be that."
        )


def _integral(shape: Shape, knots: Sequence[float]) -> float:
    """The integral of m over [0, 1], by Simpson's rule on cells, halved until they settle.

    A cell has settled if the rule on its halves agrees with the rule on the whole.

    `scipy.integrate.quad` would not do: its extrapolation can take the halvings at a jump for
    convergence, a million times above its tolerance, and it does not look at the ends of a cell.
    """
    grid = np.linspace(0.0, 1.0, _N_CELLS + 1)
    edges = np.union1d(grid, knots)
    low = edges[:-1]
    width = np.diff(edges)
    settled_sums = []

    for halving in range(_HALVINGS):
        nodes = low[:, None] + width[:, None] * _NODES
        m = shape(np.minimum(nodes, 1.0))
        by_whole = width * (m @ _WHOLE)
        by_halves = width * (m @ _HALVES)

        unsettled = np.abs(by_halves - by_whole) > _TOLERANCE * np.abs(m).max()
        is_last = halving + 1 == _HALVINGS
        if is_last or np.count_nonzero(unsettled) > _MAX_UNSETTLED:
            unsettled[:] = False
        settled_sums.append(float(by_halves[~unsettled].sum()))
        if not unsettled.any():
            break

        low = low[unsettled]
        width = width[unsettled] / 2
        low = np.concatenate([low, low + width])
        width = np.tile(width, 2)

    return math.fsum(settled_sums)
