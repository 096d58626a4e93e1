"""Figure 7: more epochs of fewer images, at the same total data."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

from studies.charts import CONTRAST, EXPECTED, GUIDE, OURS, Axis, Chart
from studies.paper.charts import optima_series
from studies.paper.claims.item import Item, table_lines
from studies.paper.curves import Archive, Curves
from studies.paper.estimate import Estimate
from studies.paper.optima import optimum, slope
from studies.paper.verdicts import Verdict, combine, of_slope
from studies.paper.wording import listed, number, rate

_TABLE = "adam-data"
_CONSTANT = "adam-constant"
_LIMITS = (
    "Validation losses at the end of the runs only, not averaged over neighboring horizons; the "
    "runs on 30,000 images, taken from the constant-rate table, are the exception. With the most "
    "epochs the training set is smallest, so overfitting may move the optimum as well as the "
    "amount of data."
)
_READINGS = {
    Verdict.HOLDS: "is the same for every split",
    Verdict.PART: "drifts with the split, but less than 1/D would move it",
    Verdict.FAILS: "moves with the split",
    Verdict.UNKNOWN: "may or may not move with the split: the interval is too wide to decide",
}

Splits = dict[int, tuple[int, Estimate]]
"""Number of training images and logarithm of the best rate, by number of epochs."""


def items(archive: Archive) -> list[Item]:
    """Check figure 7."""
    splits_by_total = _splits_by_total(archive)
    verdicts: dict[int, Verdict] = {}
    parts: list[str] = []
    for total, splits in splits_by_total.items():
        estimate = slope(list(splits), _optima(splits))
        verdicts[total] = of_slope(0.0, estimate)
        parts.append(f"total {total:,}: {number(estimate)}")

    item = Item(
        key="figure-7",
        title="Dataset size against epochs at the same total data, Adam",
        paper="the optimum depends on total data only: at a fixed total, slope 0 over epochs",
        ours=f"slope over epochs: {'; '.join(parts)}",
        verdict=combine(verdicts.values()),
        reading=_reading(archive.curves(_CONSTANT), splits_by_total, verdicts),
        limits=_LIMITS,
        chart=_chart(archive.curves(_CONSTANT), splits_by_total),
        details=_table(splits_by_total),
    )
    return [item]


def _splits_by_total(archive: Archive) -> dict[int, Splits]:
    """Return the optima at each total of data, one from the constant-rate table included."""
    splits_by_total: dict[int, Splits] = {}
    for n_train, total in archive.sizes(_TABLE):
        curves = archive.curves(_TABLE, n_train=n_train, horizon=total)
        splits = splits_by_total.setdefault(total, {})
        splits[round(total / n_train)] = n_train, optimum(curves, total)

    constant = archive.curves(_CONSTANT)
    for total, splits in splits_by_total.items():
        n_epochs = total // constant.n_train
        splits.setdefault(n_epochs, (constant.n_train, optimum(constant, total)))

    ordered: dict[int, Splits] = {}
    for total, splits in sorted(splits_by_total.items()):
        ordered[total] = dict(sorted(splits.items()))

    return ordered


def _optima(splits: Splits) -> list[Estimate]:
    return [ln_best for _, ln_best in splits.values()]


def _reading(
    constant: Curves, splits_by_total: Mapping[int, Splits], verdicts: Mapping[int, Verdict]
) -> str:
    sentences = []
    for total, verdict in verdicts.items():
        epochs = total / constant.epoch
        optima = [optimum(constant, total), optimum(constant, 2 * total)]
        slope_of_more_data = slope([1, 2], optima)
        sentences.append(
            f"At {total:,} images in total ({epochs:g} of the paper's epochs), the optimum "
            f"{_READINGS[verdict]}. Doubling the data there moves it with a slope of "
            f"{number(slope_of_more_data)}."
        )

    ranges = [f"{min(splits)} to {max(splits)} epochs" for splits in splits_by_total.values()]
    sentences.append(
        "Where the optimum does not depend on the data at all, the same optimum for every split "
        "is no evidence that epochs and images count alike. This is why the larger total, which "
        f"the paper does not have, is included. The splits are {listed(ranges)}."
    )
    return " ".join(sentences)


def _table(splits_by_total: Mapping[int, Splits]) -> tuple[str, ...]:
    rows = []
    for total, splits in splits_by_total.items():
        for n_epochs, (n_train, ln_best) in splits.items():
            rows.append((f"{total:,}", f"{n_epochs}", f"{n_train:,}", rate(ln_best)))

    return table_lines(("total", "epochs", "images", "best lr"), rows)


def _chart(constant: Curves, splits_by_total: Mapping[int, Splits]) -> Chart:
    epochs = sorted(set().union(*splits_by_total.values()))
    optima = [optimum(constant, n_epochs * constant.epoch) for n_epochs in epochs]
    label = f"for contrast: {constant.n_train:,} images, so more data (figure 5)"
    series = [optima_series(label, epochs, optima, "line", GUIDE)]

    colors = cycle((OURS, EXPECTED, CONTRAST))
    for total, splits in splits_by_total.items():
        label = f"total {total:,}"
        points = optima_series(label, list(splits), _optima(splits), "points", next(colors))
        series.append(points)

    return Chart(
        title="Adam: more epochs of fewer images, at the same total data",
        x=Axis("epochs, of ever fewer images", ticks=epochs),
        y=Axis("best learning rate"),
        series=tuple(series),
    )
