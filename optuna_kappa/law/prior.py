"""What is believed about the law before any run: a `Prior`, and the named ones.

A prior says how the optimum is likely to move with the horizon. Its slope classes compete: the
runs show which of them is right (`optuna_kappa.law.posterior`). So a prior that is wrong costs
runs, but does not decide. `optuna_kappa.law.regimes` has the priors of regimes: of an optimizer
and the number of passes over the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optuna_kappa._validation import REACH, Interval, check_items, check_type, shown
from optuna_kappa.law.descent import Descent

_WEIGHT = Interval(0, 1, "(]")
_SLOPE = Interval(-10, 10)
_SD = Interval(1e-3, 10)
_PROBABILITY = Interval(0, 1, "[)")
_SIZE = Interval(0, 10)
_ROUNDING = 1e-6  # of a sum of weights

# Whatever a prior says, the slope may be another one. Without this class, runs that contradict
# the others could not overrule them.
ANYTHING = "anything"
_ANYTHING_WEIGHT = 0.05


@dataclass(frozen=True)
class SlopeClass:
    """One of the ways in which the optimum may move with the horizon.

    Attributes:
        name: What it stands for, in a word or two.
        weight: Its prior probability.
        mean: Mean of the slope -d ln lr / d ln D.
        sd: Standard deviation of the slope.
        ceiling: Probability that a ceiling caps the rate of short runs, so that they share one.
        ceiling_at: Median of the horizon up to which the ceiling lasts, for runs at their peak
            rate; None if nothing is known of it.
        ceiling_sd: Standard deviation of the ln of that horizon.
        drift: How fast the slope may change: standard deviation, for a unit of ln D.
        steepening: How fast a slope s grows to 1 beyond the largest horizon: its prior mean is
            1 - (1 - s) exp(-steepening * ln(D / largest)).

    Raises:
        ValueError: A number is not allowed.

    Example:
        >>> SlopeClass("inverse", weight=0.5, mean=1.0, sd=0.2).ceiling
        0.5
    """

    name: str
    weight: float
    mean: float
    sd: float
    ceiling: float = 0.5
    ceiling_at: float | None = None
    ceiling_sd: float = 1.0
    # MNIST: Adam moves from slope 0 to 1 over three units of ln D, SGD hardly at all.
    drift: float = 0.5
    # Once a slope grows with the horizon, it grows by 0.1 to 0.6 per unit of ln D: measured for
    # Adam, SGD and the cells of Step Law.
    steepening: float = 0.2

    def __post_init__(self) -> None:
        check_type("name", self.name, str, "it names the class of slopes")
        for name, allowed, meaning in (
            ("weight", _WEIGHT, "it is the prior probability of the class"),
            ("mean", _SLOPE, "it is the mean of -d ln lr / d ln D"),
            ("sd", _SD, "it is the standard deviation of -d ln lr / d ln D"),
            ("ceiling", _PROBABILITY, "it is the probability of a ceiling"),
            ("ceiling_sd", _SD, "it is the standard deviation of ln ceiling_at"),
            ("drift", _SIZE, "it is a standard deviation for a unit of ln D"),
            ("steepening", _SIZE, "it is a rate for a unit of ln D"),
        ):
            object.__setattr__(self, name, allowed.check(name, getattr(self, name), meaning))

        if self.ceiling_at is not None:
            at = REACH.check("ceiling_at", self.ceiling_at, "it is a horizon")
            object.__setattr__(self, "ceiling_at", at)


@dataclass(frozen=True)
class Prior:
    """What is believed about the law before any run.

    Attributes:
        name: Name of the prior, which files and figures show.
        source: Where its numbers come from.
        slopes: Classes of slopes; their weights sum to 1.
        shift: Standard deviation, in ln lr, of what peak rate and kappa miss of a schedule.
        annealing: How much higher, in ln lr, the best peak rate of a run is whose rate falls to 0
            by its end, where the optimum does not move with the horizon: mean.
        annealing_sd: Standard deviation of how much higher it is, at any slope.
        descent: What the descent of the loss tells of the slope; None if nothing.

    Raises:
        ValueError: A number is not allowed, or the weights do not sum to 1.

    Example:
        >>> certain = Prior("mine", "a guess", (SlopeClass("inverse", 1.0, 1.0, 0.2),))
        >>> certain.shift
        0.35
    """

    name: str
    source: str
    slopes: tuple[SlopeClass, ...]
    # Root mean square over 24 schedules and horizons of Adam and SGD on MNIST.
    shift: float = 0.35
    # 15 families of the atlas (`python -m studies.atlas annealing`).
    annealing: float = 0.8
    annealing_sd: float = 0.3
    descent: Descent | None = None

    def __post_init__(self) -> None:
        check_type("name", self.name, str, "it names the prior")
        check_type("source", self.source, str, "it says where the numbers come from")
        meaning = "it is a standard deviation in ln lr"
        object.__setattr__(self, "shift", _SIZE.check("shift", self.shift, meaning))
        meaning = "it is a difference in ln lr"
        object.__setattr__(self, "annealing", _SIZE.check("annealing", self.annealing, meaning))
        meaning = "it is a standard deviation in ln lr"
        sd = _SIZE.check("annealing_sd", self.annealing_sd, meaning)
        object.__setattr__(self, "annealing_sd", sd)
        if self.descent is not None:
            check_type("descent", self.descent, Descent, "it tells of the slope")

        slopes = check_items("slopes", self.slopes, SlopeClass, "they are classes of slopes")
        object.__setattr__(self, "slopes", tuple(slopes))
        total = sum(one.weight for one in slopes)
        if not slopes or abs(total - 1) > _ROUNDING:
            raise ValueError(
                f"the weights of slopes must sum to 1, got {total:.3g}: they are the prior "
                "probabilities of the classes."
            )


def _mostly(name: str, source: str, label: str, mean: float, sd: float) -> Prior:
    """Return a prior of one slope at all horizons, which the runs may overrule."""
    one_slope = SlopeClass(
        label,
        1 - _ANYTHING_WEIGHT,
        mean,
        sd,
        ceiling=0.0,
        drift=0.1,
        steepening=0.0,
    )
    return Prior(name, source, (one_slope, SlopeClass(ANYTHING, _ANYTHING_WEIGHT, 0.5, 1.5)))


MIXTURE = Prior(
    "mixture",
    "the paper's slope, published ones and no movement, weighted before there was an atlas",
    (
        SlopeClass("inverse", 0.5, 1.0, 0.2),
        SlopeClass("published for language models", 0.2, 0.45, 0.2),
        SlopeClass("flat", 0.25, 0.0, 0.15),
        SlopeClass(ANYTHING, 0.05, 0.5, 1.5),
    ),
)

_NAMED = (
    MIXTURE,
    _mostly(
        "paper",
        source="the paper that this project began with: kappa is a constant",
        label="inverse",
        mean=1.0,
        sd=0.2,
    ),
    _mostly(
        "copy",
        source="practice: use the best lr of the longest runs so far",
        label="flat",
        mean=0.0,
        sd=0.15,
    ),
    _mostly(
        "bjorck",
        source="Bjorck et al. 2024, arXiv 2409.19913: lr falls as D^-0.32",
        label="slope 0.32",
        mean=0.32,
        sd=0.1,
    ),
    _mostly(
        "steplaw",
        source="Li et al. 2025, arXiv 2503.04715: -0.3 to 0.3 within a cell of size and batch",
        label="flat",
        mean=0.0,
        sd=0.2,
    ),
)

PRIORS = {prior.name: prior for prior in _NAMED}


def as_prior(prior: Any) -> Prior:
    """Return a prior, or find the one of this name.

    Raises:
        ValueError: There is no prior of this name.

    Example:
        >>> as_prior("bjorck").slopes[0].mean
        0.32
    """
    if isinstance(prior, Prior):
        return prior
    if isinstance(prior, str) and prior in PRIORS:
        return PRIORS[prior]

    names = ", ".join(map(repr, PRIORS))
    raise ValueError(
        f"prior must be one of {names} or a Prior, got {shown(prior)}: it says how the optimum is "
        "likely to move with the horizon."
    )
