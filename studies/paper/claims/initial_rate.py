"""Figures 8 and 9: the initial rate of halving runs, predicted from kappa at a constant rate."""

from __future__ import annotations

import math

from studies.charts import EXPECTED, GUIDE, PAPER, Chart
from studies.paper import published
from studies.paper.charts import loss_chart
from studies.paper.claims.item import Item
from studies.paper.claims.rates import best, kappa, predicted
from studies.paper.curves import Archive, Curves
from studies.paper.estimate import Estimate, difference
from studies.paper.optima import excess, optimum
from studies.paper.verdicts import combine, of_rate
from studies.paper.wording import percent, rate, ratio

SATURATION = (
    "After n epochs the geometric series is within 2^-n of its limit. From 6 epochs on almost "
    "nothing is left of the halving rate, so all longer runs are the same experiment. Their "
    "agreement counts once, not once for each number of epochs."
)
"""Limits of all results on the halving schedule."""

_TABLE = "adam-halving"


def items(archive: Archive) -> list[Item]:
    """Check figures 8 and 9."""
    return [
        _item(archive, "figure-8", 13),
        _item(archive, "figure-9", 5),
    ]


def _item(archive: Archive, key: str, n_epochs: int) -> Item:
    their_prediction = published.HALVING_PREDICTED[n_epochs]
    curves = archive.curves(_TABLE)
    ln_best = optimum(curves, n_epochs * curves.epoch)
    ln_predicted = predicted(archive, kappa(archive, "adam"), "halving", n_epochs)
    ln_ratio = difference(ln_best, ln_predicted)

    return Item(
        key=key,
        title=_title(n_epochs),
        paper=_paper(n_epochs),
        ours=f"found {rate(ln_best)}; predicted from our κ {rate(ln_predicted)}; "
        f"found/predicted {ratio(ln_ratio)}",
        verdict=combine([of_rate(1.0, ln_ratio), of_rate(their_prediction, ln_best)]),
        reading=_reading(archive, n_epochs, ln_best),
        limits=SATURATION,
        chart=_chart(curves, n_epochs, math.exp(ln_predicted.value)),
    )


def _title(n_epochs: int) -> str:
    return f"Adam, halved each epoch, {n_epochs} epochs"


def _paper(n_epochs: int) -> str:
    their_prediction = published.HALVING_PREDICTED[n_epochs]
    their_best = published.HALVING_FOUND[n_epochs]
    caption = " (10 in its caption)" if n_epochs == published.KAPPA_EPOCHS else ""
    if their_prediction == their_best:
        return f"{n_epochs} epochs{caption}: predicted and found {their_prediction:g}"

    return f"{n_epochs} epochs{caption}: predicted {their_prediction:g}, found {their_best:g}"


def _reading(archive: Archive, n_epochs: int, ln_best: Estimate) -> str:
    their_prediction = published.HALVING_PREDICTED[n_epochs]
    their_best = published.HALVING_FOUND[n_epochs]
    curves = archive.curves(_TABLE)
    loss_excess = excess(curves, n_epochs * curves.epoch, their_prediction)
    text = (
        f"Training at the paper's prediction, {their_prediction:g}, ends {percent(loss_excess)} "
        "above the lowest loss of our curve."
    )
    if their_prediction == their_best:
        ln_best_at_10 = best(archive, _TABLE, 10)
        return f"{text} At 10 epochs, as in the figure's caption, we find {rate(ln_best_at_10)}."

    to_best = abs(math.log(their_best) - ln_best.value)
    to_prediction = abs(math.log(their_prediction) - ln_best.value)
    if to_best < to_prediction:
        closest = f"the rate that it found, {their_best:g}"
    else:
        closest = f"the rate that it predicted, {their_prediction:g}"

    return (
        f"{text} The paper attributes the gap between its prediction and the rate that it found "
        f"to variance; our optimum is closer to {closest}."
    )


def _chart(curves: Curves, n_epochs: int, our_prediction: float) -> Chart:
    their_prediction = published.HALVING_PREDICTED[n_epochs]
    their_best = published.HALVING_FOUND[n_epochs]
    marks = {
        "paper's prediction": (their_prediction, PAPER),
        "predicted from our κ": (our_prediction, EXPECTED),
    }
    if their_best != their_prediction:
        marks["paper found"] = (their_best, GUIDE)

    step = n_epochs * curves.epoch
    return loss_chart(_title(n_epochs), curves, step, "validation", marks)
