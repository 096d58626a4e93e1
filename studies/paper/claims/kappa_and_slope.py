"""Two numbers of the paper's text: kappa at 13 epochs, and the slope where the optimum moves.

Both were also measured before the sweep, with three seeds: kappa was about 200, the slope about 1.
The page says if the sweep disagrees with that.
"""

from __future__ import annotations

import math

from studies.paper import published
from studies.paper.claims.inverse_law import slopes
from studies.paper.claims.item import Item
from studies.paper.claims.rates import kappa
from studies.paper.curves import Archive
from studies.paper.estimate import shifted
from studies.paper.optima import excess, optimum
from studies.paper.verdicts import of_rate, of_slope
from studies.paper.wording import amount, number

_SPAN = (8.0, 24.0)  # epochs
# What is outside of these contradicts the earlier measurement and has to be explained.
_KAPPA_RANGE = (120.0, 280.0)
_SLOPE_RANGE = (0.6, 1.5)


def items(archive: Archive) -> list[Item]:
    """Check the value of kappa, and 1/D where the paper trusts it."""
    return [_kappa(archive), _slope(archive)]


def _kappa(archive: Archive) -> Item:
    ln_kappa = kappa(archive, "adam")
    curves = archive.curves("adam-constant")
    test_curves = archive.curves("adam-constant-test")
    step = published.KAPPA_EPOCHS * curves.epoch
    ln_test_kappa = shifted(optimum(test_curves, step), math.log(step))
    loss_excess = excess(curves, step, published.KAPPA_LR)

    earlier = _earlier_measurement("κ", math.exp(ln_kappa.value), _KAPPA_RANGE)
    return Item(
        key="kappa-at-13-epochs",
        label="κ at 13 epochs",
        title="The cumulative learning constant at 13 epochs, Adam",
        paper=f"κ = {published.KAPPA:g}, from a best lr of {published.KAPPA_LR:g}",
        ours=f"κ = {amount(ln_kappa)}",
        verdict=of_rate(published.KAPPA, ln_kappa),
        reading=f"By the test losses, κ is {amount(ln_test_kappa)}. Training at the paper's rate "
        f"ends {100 * loss_excess.value:.2g} % above the lowest loss of our curve. {earlier}",
        limits="κ has the unit of learning rate times images. This value is that of this model, "
        "this batch size and this optimizer.",
    )


def _slope(archive: Archive) -> Item:
    slope = slopes(archive.curves("adam-constant"))[_SPAN]
    return Item(
        key="slope-8-to-24",
        label="Slope",
        title="Inverse proportionality where the optimum moves, Adam",
        paper="slope 1, clearer with more data",
        ours=f"slope {number(slope)} between 8 and 24 epochs",
        verdict=of_slope(1.0, slope),
        reading=_earlier_measurement("the slope", slope.value, _SLOPE_RANGE),
        limits="Figure 5 has other ranges of epochs, figure 6 has SGD.",
    )


def _earlier_measurement(what: str, value: float, allowed: tuple[float, float]) -> str:
    """Say whether the measurement made before the sweep agrees with a value."""
    if allowed[0] <= value <= allowed[1]:
        return f"A measurement made before this sweep agrees on {what}."

    return (
        f"A measurement made before this sweep found another value of {what}, so one of the two "
        "is wrong: look at the curves before you rely on either."
    )
