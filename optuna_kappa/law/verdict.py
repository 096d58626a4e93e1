"""What a fitted law is worth, in words: it holds, is flat, undecided or broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa.law.checks import APART, left_out
from optuna_kappa.law.contexts import Context
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.posterior import Posterior

_BROKEN = 3.0  # standard deviations of the largest horizon's optimum from its prediction
_FLAT = 0.15  # slopes up to this move the lr by less than a ninth a doubling
_TOO_WIDE = 30.0  # a 90 % interval of the lr; the loss at its ends is no better than a guess


@dataclass(frozen=True)
class Verdict:
    """A diagnosis.

    Attributes:
        word: "holds", "flat", "undecided" or "broken".
        sentence: What was found.
        remedy: What to do about it.
    """

    word: str
    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.word}: {self.sentence} {self.remedy}"


def diagnose(
    optima: Sequence[Optimum], related: Sequence[Optimum] = (), context: Context = ()
) -> Verdict:
    """Judges the law that follows from these optima, and related ones of other contexts."""
    horizons = sorted({optimum.horizon for optimum in optima})
    if len(horizons) < 2 or horizons[-1] / horizons[0] < APART:
        return _too_few(horizons)
    largest = max(optima, key=lambda optimum: optimum.horizon)
    miss = left_out(optima, related, context) or 0.0
    slope = Posterior((*optima, *related), context).slope
    low, middle, high = (slope.quantile(p) for p in (0.05, 0.5, 0.95))
    found = f"slope {middle:.2f}, 90 % interval {low:.2f} to {high:.2f}"
    if abs(miss) > _BROKEN:
        side = "above" if miss > 0 else "below"
        return Verdict(
            "broken",
            f"the optimum at the largest horizon ({largest.horizon:.3g}) lies {abs(miss):.1f} "
            f"standard deviations {side} what the shorter ones predict ({found}).",
            "Do not extrapolate: search around the largest horizon's optimum.",
        )
    if largest.at_edge:
        side = "lowest" if largest.at_edge < 0 else "highest"
        return Verdict(
            "undecided",
            f"at the largest horizon ({largest.horizon:.3g}) the {side} lr tried was the best.",
            f"Runs at that horizon with {'lower' if largest.at_edge < 0 else 'higher'} rates "
            "would show the optimum.",
        )
    if abs(middle) < _FLAT and low < 0 < high:
        return Verdict(
            "flat",
            f"the optimum hardly moves with the horizon ({found}).",
            "The best lr of the largest horizon can be copied.",
        )
    if low < 0 < high:
        return Verdict(
            "undecided",
            f"the runs do not fix how the optimum moves ({found}).",
            f"Three runs at horizon {2 * largest.horizon:.2g}, around the proposal, would decide.",
        )
    return Verdict("holds", f"the optimum falls as horizon^-slope, {found}.", "Use the proposal.")


def at_target(
    verdict: Verdict, low: float, high: float, horizon: float, largest: float
) -> Verdict:
    """The verdict on one proposal: that on the law, unless its 90 % interval is too wide to use.

    Args:
        verdict: Of the law.
        low: Lower end of the interval, a learning rate.
        high: Upper end of it.
        horizon: Horizon of the proposal.
        largest: Largest horizon that the law has seen.
    """
    if high / low <= _TOO_WIDE or verdict.word in ("undecided", "broken"):
        return verdict
    between = float(np.sqrt(horizon * largest)) if horizon > largest else horizon
    return Verdict(
        "undecided",
        f"on the runs the verdict is {verdict.word!r}, but at horizon {horizon:.3g} the 90 % "
        f"interval spans a factor of {high / low:.2g}.",
        f"Three runs at horizon {between:.2g}, around the proposal, would narrow it.",
    )


def _too_few(horizons: Sequence[float]) -> Verdict:
    seen = ", ".join(f"{horizon:.3g}" for horizon in horizons) or "none"
    where = f"horizon {2 * horizons[-1]:.2g}" if horizons else "one horizon and at twice that"
    return Verdict(
        "undecided",
        "optima at horizons at least a factor 2 apart are needed to see how they move, "
        f"but those found are at: {seen}.",
        f"Run at least three learning rates at {where}.",
    )
