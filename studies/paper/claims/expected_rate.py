r"""Figures 10 to 13: best rates of scheduled runs against those that kappa predicts.

Over the epochs 1 to 22, three series of base learning rates are compared:

    found       the best rate of runs under the schedule
    expected    predicted from kappa of the constant rate at 13 epochs, as the paper does
    matched     predicted from kappa of the constant rate at the same number of epochs
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Floats
from studies.charts import EXPECTED, GUIDE, Axis, Chart
from studies.paper import published
from studies.paper.charts import EPOCH_TICKS, optima_series, paper_series
from studies.paper.claims.initial_rate import SATURATION
from studies.paper.claims.item import OPTIMIZERS, Item, table_lines
from studies.paper.claims.rates import best, kappa, predicted
from studies.paper.curves import Archive
from studies.paper.estimate import Estimate, derive, difference
from studies.paper.verdicts import Verdict, at_most, combine, of_rate
from studies.paper.wording import percent, rate, ratio

_FIXED = published.KAPPA_EPOCHS
_TRUSTED = {"halving": 5, "cyclic": 10}  # epochs from which the paper calls its points smooth
_TABLE_EPOCHS = (1, 2, 5, 8, 13, 22)
_PARITY = (
    "A run of an even number of epochs ends on the tripled rate, one of an odd number on the base "
    "rate, so the two need not lie on one curve: κ gives the end of a run no more weight than its "
    "beginning."
)
_LIMITS = {"halving": SATURATION, "cyclic": _PARITY}
_CLAIMS = {
    "figure-10": f"coefficient of variation {100 * published.CV:g} %",
    "figure-11": "the same correlation as in figure 10",
    "figure-12": "choppy below 10 epochs, then converges to it",
    "figure-13": "very close at higher epochs",
}


@dataclass(frozen=True, eq=False)
class _Rates:
    """Logarithms of the three rates by epochs, for one optimizer and schedule."""

    optimizer: str
    schedule: str
    epochs: list[int]
    found: list[Estimate]
    expected: list[Estimate]
    matched: list[Estimate]

    @property
    def first_trusted(self) -> int:
        """The number of epochs from which the paper trusts its points."""
        return _TRUSTED[self.schedule]

    def trusted(self) -> _Rates:
        """Return the rates from the first trusted number of epochs on."""
        late = slice(self.epochs.index(self.first_trusted), None)
        return _Rates(
            optimizer=self.optimizer,
            schedule=self.schedule,
            epochs=self.epochs[late],
            found=self.found[late],
            expected=self.expected[late],
            matched=self.matched[late],
        )


def items(archive: Archive) -> list[Item]:
    """Check figures 10 to 13."""
    return [
        _item(archive, "figure-10", "adam", "halving"),
        _item(archive, "figure-11", "sgd", "halving"),
        _item(archive, "figure-12", "adam", "cyclic"),
        _item(archive, "figure-13", "sgd", "cyclic"),
    ]


def cv(found: Floats, expected: Floats) -> float:
    """Coefficient of variation: root mean square of found - expected, over the mean found."""
    return float(np.sqrt(np.mean((found - expected) ** 2)) / np.mean(found))


def spread(found: Floats, expected: Floats) -> float:
    """Standard deviation of found / expected, over its mean; a common factor does not count."""
    return float(np.std(found / expected, ddof=1) / np.mean(found / expected))


def _item(archive: Archive, key: str, optimizer: str, schedule: str) -> Item:
    rates = _rates(archive, optimizer, schedule)
    late = rates.trusted()
    cv_of_all = _of_both(cv, rates.found, rates.expected)
    cv_of_late = _of_both(cv, late.found, late.expected)
    late_ratio = _of_both(_mean_ln_ratio, late.found, late.expected)

    # Where the paper gives no number, its words are about the higher epochs only.
    judged_cv = cv_of_all if key == "figure-10" else cv_of_late
    verdict = combine([at_most(published.CV, judged_cv), of_rate(1.0, late_ratio)])

    last = rates.epochs[-1]
    return Item(
        key=key,
        title=f"Expected and found rate, {OPTIMIZERS[optimizer]}, {schedule} schedule",
        paper=f"the rate found follows what κ predicts, 1 to {last} epochs: {_CLAIMS[key]}",
        ours=f"coefficient of variation {percent(cv_of_all)}; from {late.first_trusted} epochs "
        f"on {percent(cv_of_late)}, with found/expected {ratio(late_ratio)}",
        verdict=verdict,
        reading=f"{_late_reading(late, late_ratio)} {_matched_reading(rates)}",
        limits=_LIMITS[schedule],
        chart=_chart(rates),
        details=_table(rates),
    )


def _rates(archive: Archive, optimizer: str, schedule: str) -> _Rates:
    ln_kappa = kappa(archive, optimizer)
    rates = _Rates(
        optimizer=optimizer,
        schedule=schedule,
        epochs=list(range(1, published.LAST_EPOCH + 1)),
        found=[],
        expected=[],
        matched=[],
    )
    for n in rates.epochs:
        ln_kappa_at_n = kappa(archive, optimizer, n)
        rates.found.append(best(archive, f"{optimizer}-{schedule}", n))
        rates.expected.append(predicted(archive, ln_kappa, schedule, n))
        rates.matched.append(predicted(archive, ln_kappa_at_n, schedule, n))

    return rates


def _of_both(
    function: Callable[[Floats, Floats], float],
    found: Sequence[Estimate],
    expected: Sequence[Estimate],
) -> Estimate:
    """Compute a function of found and expected rates from their logarithms."""
    n = len(found)

    def of_logarithms(values: Floats) -> float:
        return function(np.exp(values[:n]), np.exp(values[n:]))

    return derive(of_logarithms, [*found, *expected])


def _mean_ln_ratio(found: Floats, expected: Floats) -> float:
    """Logarithm of the geometric mean of found / expected."""
    return float(np.mean(np.log(found / expected)))


def _late_reading(late: _Rates, late_ratio: Estimate) -> str:
    """Say how the rates agree from the first trusted number of epochs on."""
    side = "above" if late_ratio.value > 0 else "below"
    agreement = {
        Verdict.HOLDS: "agrees on average with what κ predicts",
        Verdict.PART: f"is {side} what κ predicts, but of the same order of magnitude",
        Verdict.FAILS: f"is far {side} what κ predicts",
        Verdict.UNKNOWN: "is too uncertain to say whether it agrees with what κ predicts",
    }[of_rate(1.0, late_ratio)]

    first_ratio = difference(late.found[0], late.expected[0])
    last_ratio = difference(late.found[-1], late.expected[-1])
    ratio_spread = _of_both(spread, late.found, late.expected)
    return (
        f"From {late.epochs[0]} epochs on, the rate found {agreement}. Found/expected goes from "
        f"{ratio(first_ratio)} at {late.epochs[0]} epochs to {ratio(last_ratio)} at "
        f"{late.epochs[-1]}, and varies by {percent(ratio_spread)} of its mean."
    )


def _matched_reading(rates: _Rates) -> str:
    """Say what changes if kappa is taken at the same number of epochs."""
    matched_cv = _of_both(cv, rates.found, rates.matched)
    return (
        f"The paper takes κ at {_FIXED} epochs. With κ of the constant rate at the same number of "
        f"epochs instead, the coefficient of variation is {percent(matched_cv)}."
    )


def _table(rates: _Rates) -> tuple[str, ...]:
    rows = []
    for i, n in enumerate(rates.epochs):
        if n not in _TABLE_EPOCHS:
            continue

        found = rates.found[i]
        row = (
            str(n),
            rate(found),
            rate(rates.expected[i]),
            ratio(difference(found, rates.expected[i])),
            ratio(difference(found, rates.matched[i])),
        )
        rows.append(row)

    header = (
        "epochs",
        "found",
        f"expected, κ at {_FIXED} epochs",
        "found / expected",
        "found / expected, κ at the same epochs",
    )
    return table_lines(header, rows)


def _chart(rates: _Rates) -> Chart:
    epochs = rates.epochs
    fixed_label = f"expected, κ at {_FIXED} epochs"
    series = [
        optima_series("expected, κ at the same epochs", epochs, rates.matched, "faint", GUIDE),
        optima_series(fixed_label, epochs, rates.expected, "line", EXPECTED),
        optima_series("found", epochs, rates.found, "points"),
    ]
    # The paper's text gives numbers for this combination only.
    if (rates.optimizer, rates.schedule) == ("adam", "halving"):
        series.append(paper_series("the paper found (its text)", published.HALVING_FOUND))

    ticks = [n for n in EPOCH_TICKS if n <= max(epochs)]
    return Chart(
        title=f"{OPTIMIZERS[rates.optimizer]}, {rates.schedule}: expected and found",
        x=Axis("epochs of 30,000 images", ticks=ticks),
        y=Axis("best initial learning rate"),
        series=tuple(series),
    )
