"""What a fitted law is worth, in words: it holds, is flat, undecided or broken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optuna_kappa.law.checks import APART, left_out
from optuna_kappa.law.contexts import Context
from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.posterior import posterior_of
from optuna_kappa.law.prior import MIXTURE, Prior

_BROKEN = 3.0  # standard deviations of the largest horizon's optimum from its prediction
_FLAT = 0.15  # slopes up to this change the lr by less than a ninth when the horizon doubles
_TOO_WIDE = 30.0  # ratio of the ends of a 90 % interval; the loss there is no better than a guess


@dataclass(frozen=True)
class Verdict:
    """A diagnosis.

    Attributes:
        word: "holds", "flat", "undecided" or "broken".
        sentence: What was found.
        remedy: What to do about it.

    Example:
        >>> verdict = Verdict("flat", "The optimum hardly moves.", "Copy the best lr.")
        >>> print(verdict)
        flat: The optimum hardly moves. Copy the best lr.
    """

    word: str
    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.word}: {self.sentence} {self.remedy}"


def diagnose(
    optima: Sequence[Optimum],
    related: Sequence[Optimum] = (),
    context: Context = (),
    prior: Prior = MIXTURE,
) -> Verdict:
    """Judge the law that follows from a prior, these optima and related ones of other contexts.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> diagnose(fit(example_runs(slope=1.0)).optima).word
        'holds'
    """
    horizons = sorted({optimum.horizon for optimum in optima})
    if len(horizons) < 2 or horizons[-1] / horizons[0] < APART:
        return _too_few(horizons)

    largest = max(optima, key=lambda optimum: optimum.horizon)
    miss = left_out(optima, related, context, prior) or 0.0

    slope = posterior_of((*optima, *related), prior, context).slope
    low = slope.quantile(0.05)
    middle = slope.quantile(0.5)
    high = slope.quantile(0.95)
    slope_text = f"slope {middle:.2f}, 90 % interval {low:.2f} to {high:.2f}"

    # The order matters: a slope means nothing where the law is broken or the optimum out of reach.
    if abs(miss) > _BROKEN:
        return _broken(largest, miss, slope_text)
    if largest.at_edge:
        return _out_of_reach(largest)
    if low < 0 < high:
        is_flat = abs(middle) < _FLAT
        return _flat(slope_text) if is_flat else _slope_unknown(largest, slope_text)
    return _holds(slope_text)


def at_target(
    verdict: Verdict,
    low: float,
    high: float,
    horizon: float,
    largest: float,
) -> Verdict:
    """Verdict on one proposal: the law's verdict, unless the 90 % interval is too wide to use.

    Args:
        verdict: Verdict on the law.
        low: Lower end of the interval, a learning rate.
        high: Upper end of it.
        horizon: Horizon of the proposal.
        largest: Largest horizon that the law has seen.

    Example:
        >>> on_runs = Verdict("holds", "The optimum falls.", "Use the proposal.")
        >>> at_target(on_runs, low=1e-5, high=1e-3, horizon=1e6, largest=64.0).word
        'undecided'
    """
    if high / low <= _TOO_WIDE or verdict.word in ("undecided", "broken"):
        return verdict

    # Halfway, on the logarithmic scale, from what was seen to what is asked for.
    between = math.sqrt(horizon) * math.sqrt(largest) if horizon > largest else horizon

    return Verdict(
        "undecided",
        f"on the runs the verdict is {verdict.word!r}, but at horizon {horizon:.3g} the 90 % "
        f"interval spans a factor of {high / low:.2g}.",
        f"Three runs at horizon {between:.2g}, around the proposal, would narrow it.",
    )


def _too_few(horizons: Sequence[float]) -> Verdict:
    """The horizons are too few, or too close, to show a slope."""
    seen = ", ".join(f"{horizon:.3g}" for horizon in horizons) or "none"
    where = f"horizon {2 * horizons[-1]:.2g}" if horizons else "one horizon and at twice that"

    return Verdict(
        "undecided",
        "optima at horizons at least a factor 2 apart are needed to see how they move, "
        f"but those found are at: {seen}.",
        f"Run at least three learning rates at {where}.",
    )


def _broken(largest: Optimum, miss: float, slope_text: str) -> Verdict:
    """The largest horizon contradicts the shorter ones, by `miss` standard deviations."""
    side = "above" if miss > 0 else "below"

    return Verdict(
        "broken",
        f"the optimum at the largest horizon ({largest.horizon:.3g}) lies {abs(miss):.1f} "
        f"standard deviations {side} what the shorter ones predict ({slope_text}).",
        "Do not extrapolate: search around the largest horizon's optimum.",
    )


def _out_of_reach(largest: Optimum) -> Verdict:
    """The largest horizon's optimum is not among the rates tried."""
    is_lowest = largest.at_edge < 0
    edge = "lowest" if is_lowest else "highest"
    needed = "lower" if is_lowest else "higher"

    return Verdict(
        "undecided",
        f"at the largest horizon ({largest.horizon:.3g}) the {edge} lr tried was the best.",
        f"Runs at that horizon with {needed} rates would show the optimum.",
    )


def _flat(slope_text: str) -> Verdict:
    return Verdict(
        "flat",
        f"the optimum hardly moves with the horizon ({slope_text}).",
        "The best lr of the largest horizon can be copied.",
    )


def _slope_unknown(largest: Optimum, slope_text: str) -> Verdict:
    return Verdict(
        "undecided",
        f"the runs do not fix how the optimum moves ({slope_text}).",
        f"Three runs at horizon {2 * largest.horizon:.2g}, around the proposal, would decide.",
    )


def _holds(slope_text: str) -> Verdict:
    return Verdict(
        "holds",
        f"the optimum falls as horizon^-slope, {slope_text}.",
        "Use the proposal.",
    )
