"""Verdicts on claims, by fixed rules from numbers.

A claim is a number, ours is an estimate with a 95 % interval. Two distances from the claim, on the
scale of the estimate, say what counts: `near` is as good as equal, `far` contradicts it.

    holds               the interval holds the claim, or the estimate is near it
    does not hold       the estimate is far from it
    holds in part       in between
    cannot be told      there is no interval (one seed); the interval reaches from near the claim
                        to what would contradict it; or the optimum is at the edge of the rates
                        tried

What counts for rates and their ratios: a factor of 1.25 is near, since the paper's own grid is
as coarse, and 2 is far. For exponents of the horizon 0.15 is near, since then doubling the data is
off by a tenth, and 0.5 is far: half of what the paper claims.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum

from studies.paper.estimate import Estimate

_NEAR_RATE, _FAR_RATE = math.log(1.25), math.log(2)
_NEAR_SLOPE, _FAR_SLOPE = 0.15, 0.5


class Verdict(str, Enum):
    """What is found of a claim."""

    HOLDS = "holds"
    PART = "holds in part"
    FAILS = "does not hold"
    UNKNOWN = "cannot be told"


def of_rate(claim: float, ours: Estimate) -> Verdict:
    """Of a learning rate, a kappa or a ratio of them.

    Args:
        claim: The paper's, > 0.
        ours: Its natural logarithm.
    """
    return _judge(math.log(claim), ours, _NEAR_RATE, _FAR_RATE)


def of_slope(claim: float, ours: Estimate) -> Verdict:
    """Of an exponent of the horizon."""
    return _judge(claim, ours, _NEAR_SLOPE, _FAR_SLOPE)


def at_most(claim: float, ours: Estimate) -> Verdict:
    """Of a deviation that is said to be no more than `claim`, near and far as for rates."""
    if not ours.known or ours.edge:
        return Verdict.UNKNOWN
    near, far = claim * math.exp(_NEAR_RATE), claim * math.exp(_FAR_RATE)
    if ours.low <= near and ours.high > far:
        return Verdict.UNKNOWN
    if ours.value <= near:
        return Verdict.HOLDS
    return Verdict.PART if ours.value <= far else Verdict.FAILS


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Of several claims at once: what all say, "holds in part" where they differ.

    Where up to half of them cannot be told, the others decide, but that they hold is then a part
    only. Where more cannot, nor can the whole: one of many intervals may err.
    """
    found = list(verdicts)
    told = [verdict for verdict in found if verdict is not Verdict.UNKNOWN]
    if 2 * len(told) < len(found) or not told:
        return Verdict.UNKNOWN
    if len(set(told)) > 1 or (told[0] is Verdict.HOLDS and len(told) < len(found)):
        return Verdict.PART
    return told[0]


def _judge(claim: float, ours: Estimate, near: float, far: float) -> Verdict:
    if not ours.known or ours.edge:
        return Verdict.UNKNOWN
    distance = abs(ours.value - claim)
    if distance - ours.half_width <= near and distance + ours.half_width > far:
        return Verdict.UNKNOWN
    if distance <= max(near, ours.half_width):
        return Verdict.HOLDS
    return Verdict.PART if distance <= far else Verdict.FAILS
