"""Numbers that a verdict rests on, and that say where a law is weak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa.law.contexts import Context
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.posterior import Posterior
from optuna_kappa.schedules import CONSTANT

APART = 2.0  # horizons within this factor of the largest say too little, and are left out with it
_LATE = 8.0
_NORMAL = 1.645  # standard deviations of a 90 % interval


@dataclass(frozen=True)
class Shift:
    """How a schedule's optimum compares with what the others say of it.

    Attributes:
        factor: Optimal lr of the schedule over the one that follows from the other schedules.
        low: Lower end of its 90 % interval.
        high: Upper end of it.
    """

    factor: float
    low: float
    high: float


@dataclass(frozen=True)
class Checks:
    """What an engineer would check before trusting a law; None is what the runs cannot tell.

    Attributes:
        left_out: The largest horizon's optimum less what the horizons up to half of it predict,
            in standard deviations.
        kappa_cv: Coefficient of variation of kappa, over the optima inside of the rates tried
            from an eighth of the largest horizon on.
        alone: Root mean square of the difference between the law and the optimum that each
            horizon shows by itself, in ln lr.
        at_edge: Number of horizons whose best learning rate was the lowest or highest tried.
        horizons: Number of horizons.
        shifts: By schedule, where others have optima too.
    """

    left_out: float | None
    kappa_cv: float | None
    alone: float | None
    at_edge: int
    horizons: int
    shifts: Mapping[str, Shift]


def check(
    optima: Sequence[Optimum], related: Sequence[Optimum] = (), context: Context = ()
) -> Checks:
    """Checks the law that follows from these optima, and related ones of other contexts."""
    inside = [optimum for optimum in optima if not optimum.at_edge]
    largest = max((o.horizon for o in optima), default=0.0)
    late = [o.kappa for o in inside if o.horizon * _LATE >= largest]
    kappas = [kappa for kappa in late if kappa is not None]
    posterior = Posterior((*optima, *related), context)
    off = [o.ln_lr - _predicted(posterior, o)[0] for o in inside]
    schedules = sorted({optimum.schedule for optimum in optima})
    return Checks(
        left_out=left_out(optima, related, context),
        kappa_cv=float(np.std(kappas) / np.mean(kappas)) if len(kappas) > 1 else None,
        alone=float(np.sqrt(np.mean(np.square(off)))) if off else None,
        at_edge=len(optima) - len(inside),
        horizons=len(optima),
        shifts={
            name: shift
            for name in schedules
            if (shift := _shift([o for o in inside if o.schedule == name], optima, context))
        },
    )


def left_out(
    optima: Sequence[Optimum], related: Sequence[Optimum], context: Context
) -> float | None:
    """Standard deviations from the prediction of the shorter horizons to the largest's optimum."""
    largest = max(optima, key=lambda optimum: optimum.horizon, default=None)
    shorter = [o for o in optima if largest and o.horizon * APART <= largest.horizon]
    if largest is None or not shorter:
        return None
    mean, sd = _predicted(Posterior((*shorter, *related), context), largest)
    return (largest.ln_lr - mean) / float(np.hypot(sd, largest.se))


def _predicted(posterior: Posterior, optimum: Optimum) -> tuple[float, float]:
    return posterior.predict(optimum.horizon, optimum.schedule, optimum.mean, optimum.peak).moments


def _shift(seen: Sequence[Optimum], optima: Sequence[Optimum], context: Context) -> Shift | None:
    """Of a schedule other than the constant rate, at its largest horizon."""
    others = [o for o in optima if seen and o.schedule != seen[0].schedule]
    if not others or seen[0].schedule == CONSTANT:
        return None
    largest = max(seen, key=lambda optimum: optimum.horizon)
    mean, sd = _predicted(Posterior(others, context), largest)
    off, error = largest.ln_lr - mean, _NORMAL * float(np.hypot(sd, largest.se))
    factor, low, high = np.exp([off, off - error, off + error]).tolist()
    return Shift(factor, low, high)
