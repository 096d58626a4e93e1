"""Priors of regimes: what the optimizer and the passes over the data say before any run.

Two things are known before the first probe, and say how the optimum is likely to move:

- **Passes over the data.** A model that sees its data again and again begins to overfit after
  about the same cumulative learning, whatever its rate: kappa is constant from then on, and the
  optimum falls as 1 / D. On fresh data it falls more slowly.
- **The optimizer.** Plain gradient descent is held at a ceiling, the edge of stability, for
  longer than methods that scale each gradient.

A regime is a pair of these. Its prior weighs the same five classes of slopes as every other
regime, but by other probabilities. They are estimated from the tables of the atlas by empirical
Bayes (`python -m studies.atlas priors`; `docs/atlas.md` has what they are worth on a family that
they have not seen). MNIST, on which this project is measured, is not in the atlas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna_kappa._validation import REACH, check_type, shown
from optuna_kappa.law.descent import Descent
from optuna_kappa.law.prior import ANYTHING, MIXTURE, Prior, SlopeClass, as_prior

ADAPTIVE = ("adam", "adamw", "rmsprop", "adagrad", "adadelta", "lion", "boosting")
PLAIN = ("sgd", "momentum", "nesterov")

FRESH = 1.5  # data are fresh up to this number of passes

FLAT, SHALLOW, INVERSE, AFTER_PASSES = "flat", "shallow", "inverse", "inverse after some passes"
CLASSES = (FLAT, SHALLOW, INVERSE, AFTER_PASSES, ANYTHING)

# Passes after which repeated data make the optimum fall as 1 / D: median, and sd of its ln.
_CEILING_PASSES = 3.0
_CEILING_SD = 1.0

# Probabilities of `CLASSES` in each regime, from the atlas.
Regime = tuple[str, str]
WEIGHTS: Mapping[Regime, Sequence[float]] = {
    ("adaptive", "fresh"): (0.06, 0.74, 0.07, 0.08, 0.05),
    ("plain", "fresh"): (0.15, 0.55, 0.07, 0.18, 0.05),
    ("adaptive", "repeated"): (0.04, 0.18, 0.04, 0.69, 0.05),
    ("plain", "repeated"): (0.16, 0.28, 0.05, 0.46, 0.05),
}

# What the descent of the loss tells, where it tells something (`studies.atlas.descents`).
DESCENTS: Mapping[Regime, Descent] = {
    ("plain", "repeated"): Descent(shape=1.56, ln_mean=-0.64, per_slope=-1.48),
}

_SOURCE = "the atlas of small tasks of this project (docs/atlas.md), by empirical Bayes"


def prior_for(
    prior: Prior | str | None = None,
    *,
    optimizer: str | None = None,
    passes: float | None = None,
    horizon: float | None = None,
) -> Prior:
    """The prior that follows from what a user knows.

    Args:
        prior: A prior or the name of one, in place of the rest.
        optimizer: Name of the optimizer, such as "adam" or "sgd".
        passes: Passes over the data in a run of this horizon; at most 1 for fresh data.
        horizon: A horizon, in the unit of the runs; needed with `passes`.

    Returns:
        The mixture of all classes if nothing is given.

    Raises:
        ValueError: The optimizer is not known, a number is not positive, or a prior is given
            together with an optimizer or passes.

    Example:
        >>> prior_for(optimizer="adam", passes=24, horizon=24).name
        'adaptive, repeated data'
        >>> prior_for().name
        'mixture'
    """
    if prior is not None:
        if optimizer is not None or passes is not None:
            raise ValueError(
                "prior must be None where optimizer or passes are given, got "
                f"{shown(prior)}: a prior stands in place of what follows from them."
            )
        return as_prior(prior)
    if optimizer is None and passes is None:
        return MIXTURE

    kinds = ["adaptive", "plain"] if optimizer is None else [kind_of_optimizer(optimizer)]
    data = ["fresh", "repeated"]
    one_pass = None
    if passes is not None:
        passes = REACH.check("passes", passes, "it is how often a run sees its data")
        horizon = REACH.check("horizon", horizon, "it is that of a run with these passes")
        data = ["fresh" if passes <= FRESH else "repeated"]
        one_pass = horizon / passes

    regimes = [(kind, of) for kind in kinds for of in data]
    weights = _mean_weights(regimes)
    descent = DESCENTS.get(regimes[0]) if len(regimes) == 1 else None
    name = " or ".join(kinds) + ", " + " or ".join(data) + " data"
    return Prior(name, _SOURCE, regime_classes(weights, one_pass), descent=descent)


def kind_of_optimizer(optimizer: Any) -> str:
    """Kind of an optimizer: "adaptive" if it scales each gradient, else "plain".

    Args:
        optimizer: Its name, as torch or a user writes it: "Adam", "SGD" or "adamw_torch".

    Raises:
        ValueError: The name holds none that is known.

    Example:
        >>> kind_of_optimizer("AdamW"), kind_of_optimizer("SGD")
        ('adaptive', 'plain')
    """
    check_type("optimizer", optimizer, str, "it is the name of the optimizer")
    word = optimizer.strip().lower()
    for kind, names in (("adaptive", ADAPTIVE), ("plain", PLAIN)):
        if any(word.startswith(name) or word.endswith(name) for name in names):
            return kind

    known = ", ".join((*ADAPTIVE, *PLAIN))
    raise ValueError(
        f"optimizer must be one of {known}, got {shown(optimizer)}: leave it out for another one."
    )


def regime_classes(weights: Sequence[float], one_pass: float | None) -> tuple[SlopeClass, ...]:
    """The classes of slopes of all regimes, with the probabilities of one.

    Args:
        weights: Probabilities of `CLASSES`.
        one_pass: Horizon of one pass over the data; None if it is not known.

    Example:
        >>> [one.name for one in regime_classes([0.2] * 5, one_pass=None)][:2]
        ['flat', 'shallow']
    """
    flat, shallow, inverse, after_passes, anything = weights
    ceiling_at = None if one_pass is None else _CEILING_PASSES * one_pass
    return (
        SlopeClass(FLAT, flat, 0.0, 0.15, drift=0.15, steepening=0.0),
        SlopeClass(SHALLOW, shallow, 0.45, 0.2, ceiling=0.3, drift=0.15),
        SlopeClass(INVERSE, inverse, 1.0, 0.15, drift=0.15),
        SlopeClass(
            AFTER_PASSES,
            after_passes,
            1.0,
            0.15,
            ceiling=0.95,
            ceiling_at=ceiling_at,
            ceiling_sd=_CEILING_SD,
            drift=0.15,
        ),
        SlopeClass(ANYTHING, anything, 0.5, 1.5),
    )


def _mean_weights(regimes: Sequence[Regime]) -> list[float]:
    """Probabilities of the classes where any of these regimes may hold."""
    columns = zip(*(WEIGHTS[regime] for regime in regimes), strict=True)
    sums = [sum(column) for column in columns]
    total = sum(sums)
    return [part / total for part in sums]
