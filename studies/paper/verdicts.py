"""Verdicts on claims, by fixed rules from numbers.

A claim is a number, ours is an estimate with a 95 % interval. Two distances decide: an estimate
that is `near` the claim counts as equal, one that is `far` from it contradicts it.

    holds               the interval contains the claim, or the estimate is near it
    does not hold       the estimate is far from the claim
    holds in part       the estimate is in between
    cannot be decided   there is no interval (one seed); or the interval reaches from near the
                        claim to what would contradict it; or the optimum is at the edge of the
                        rates tried

For rates and their ratios, a factor of 1.25 is near, since the paper's own grid is as coarse, and
a factor of 2 is far. For exponents of the horizon, 0.15 is near, since a prediction for twice the
data is then off by a tenth, and 0.5 is far: half of what the paper claims.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum

from studies.paper.estimate import Estimate

_NEAR_RATE = math.log(1.25)
_FAR_RATE = math.log(2)
_NEAR_SLOPE = 0.15
_FAR_SLOPE = 0.5


class Verdict(str, Enum):
    """Whether a claim holds."""

    HOLDS = "holds"
    PART = "holds in part"
    FAILS = "does not hold"
    UNKNOWN = "cannot be decided"


def of_rate(claim: float, ours: Estimate) -> Verdict:
    """Judge a claim about a learning rate, a kappa or a ratio of them.

    Args:
        claim: The paper's number, > 0.
        ours: The natural logarithm of our number.
    """
    return _judge(math.log(claim), ours, _NEAR_RATE, _FAR_RATE)


def of_slope(claim: float, ours: Estimate) -> Verdict:
    """Judge a claim about an exponent of the horizon."""
    return _judge(claim, ours, _NEAR_SLOPE, _FAR_SLOPE)


def at_most(claim: float, ours: Estimate) -> Verdict:
    """Judge a claim that a deviation is at most `claim`, with the distances for rates."""
    if not ours.known or ours.edge:
        return Verdict.UNKNOWN

    near = claim * math.exp(_NEAR_RATE)
    far = claim * math.exp(_FAR_RATE)
    if ours.low <= near and ours.high > far:
        return Verdict.UNKNOWN

    if ours.value <= near:
        return Verdict.HOLDS
    if ours.value <= far:
        return Verdict.PART
    return Verdict.FAILS


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Combine the verdicts on the parts of a claim: their common verdict, or "holds in part".

    If more than half of the parts cannot be decided, nor can the whole: one of many intervals may
    err. Otherwise the other parts decide. If all of those hold, the whole holds in part.
    """
    parts = list(verdicts)
    decided = [verdict for verdict in parts if verdict is not Verdict.UNKNOWN]
    if not decided or 2 * len(decided) < len(parts):
        return Verdict.UNKNOWN

    first = decided[0]
    differ = len(set(decided)) > 1
    some_undecided = len(decided) < len(parts)
    if differ or (first is Verdict.HOLDS and some_undecided):
        return Verdict.PART
    return first


def _judge(claim: float, ours: Estimate, near: float, far: float) -> Verdict:
    if not ours.known or ours.edge:
        return Verdict.UNKNOWN

    # An interval from near to far both agrees with the claim and contradicts it.
    distance = abs(ours.value - claim)
    if distance - ours.half_width <= near and distance + ours.half_width > far:
        return Verdict.UNKNOWN

    if distance <= max(near, ours.half_width):
        return Verdict.HOLDS
    if distance <= far:
        return Verdict.PART
    return Verdict.FAILS
