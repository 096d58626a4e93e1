"""Figure 7: more epochs of fewer images, at the same total data."""

from __future__ import annotations

from itertools import cycle

from studies.charts import CONTRAST, EXPECTED, GUIDE, OURS, Axis, Chart
from studies.paper.charts import optima_series
from studies.paper.claims import Item, table_lines
from studies.paper.curves import Archive
from studies.paper.estimate import Estimate
from studies.paper.optima import optimum, slope
from studies.paper.verdicts import Verdict, combine, of_slope
from studies.paper.wording import listed, number, rate

_TABLE, _CONSTANT = "adam-data", "adam-constant"
_LIMITS = (
    "Validation losses at the end of the runs only, not averaged over neighbouring horizons, but "
    "for the runs on 30,000 images taken from the constant-rate table. At the largest number of "
    "epochs the training set is smallest, so that over-fitting may move the optimum as well as "
    "the data seen."
)
_ALIKE = {
    Verdict.HOLDS: "is the same, however the data is split",
    Verdict.PART: "drifts with the split, by less than 1/D would move it",
    Verdict.FAILS: "moves with the split",
    Verdict.UNKNOWN: "cannot be told from one that moves with the split",
}

Splits = dict[int, tuple[int, Estimate]]
"""Training images and optimum by epochs."""


def items(archive: Archive) -> list[Item]:
    """Figure 7."""
    totals = _totals(archive)
    slopes = {total: slope(list(splits), _optima(splits)) for total, splits in totals.items()}
    verdicts = {total: of_slope(0.0, value) for total, value in slopes.items()}
    ours = "; ".join(f"total {total:,}: {number(value)}" for total, value in slopes.items())
    return [
        Item(
            key="figure-7",
            title="Dataset size against epochs at the same total data, Adam",
            paper="the optimum depends on total data only: at a fixed total, slope 0 over epochs",
            ours=f"slope over epochs: {ours}",
            verdict=combine(verdicts.values()),
            reading=_reading(archive, totals, verdicts),
            limits=_LIMITS,
            chart=_chart(archive, totals),
            details=_table(totals),
        )
    ]


def _totals(archive: Archive) -> dict[int, Splits]:
    """The optima at each total, that of the constant-rate table among them."""
    constant = archive.curves(_CONSTANT)
    found: dict[int, Splits] = {}
    for n_train, total in archive.sizes(_TABLE):
        curves = archive.curves(_TABLE, n_train=n_train, horizon=total)
        splits = found.setdefault(total, {})
        splits[round(total / n_train)] = n_train, optimum(curves, total)
    for total, splits in found.items():
        n_epochs = total // constant.n_train
        splits.setdefault(n_epochs, (constant.n_train, optimum(constant, total)))
    return {total: dict(sorted(splits.items())) for total, splits in sorted(found.items())}


def _optima(splits: Splits) -> list[Estimate]:
    return [found for _, found in splits.values()]


def _reading(archive: Archive, totals: dict[int, Splits], verdicts: dict[int, Verdict]) -> str:
    constant = archive.curves(_CONSTANT)
    parts = []
    for total, verdict in verdicts.items():
        epochs = total / constant.epoch
        doubled = [optimum(constant, round(factor * total)) for factor in (1, 2)]
        moved = slope([1, 2], doubled)
        parts.append(
            f"at {total:,} images in all ({epochs:g} of the paper's epochs) the optimum "
            f"{_ALIKE[verdict]}; seeing twice that data moves it with a slope of {number(moved)}"
        )
    text = "; ".join(parts) + "."
    return (
        text[0].upper()
        + text[1:]
        + " Where the optimum does not move with the data at all, that it stays is no evidence "
        "that epochs and images count alike: that is why the larger total is there, which the "
        f"paper does not have. The splits are {listed([_split(s) for s in totals.values()])}."
    )


def _split(splits: Splits) -> str:
    return f"{min(splits)} to {max(splits)} epochs"


def _table(totals: dict[int, Splits]) -> tuple[str, ...]:
    rows = [
        (f"{total:,}", f"{n_epochs}", f"{n_train:,}", rate(found))
        for total, splits in totals.items()
        for n_epochs, (n_train, found) in splits.items()
    ]
    return table_lines(("total", "epochs", "images", "best lr"), rows)


def _chart(archive: Archive, totals: dict[int, Splits]) -> Chart:
    colours = cycle((OURS, EXPECTED, CONTRAST))
    series = [
        optima_series(f"total {total:,}", list(splits), _optima(splits), "points", next(colours))
        for total, splits in totals.items()
    ]
    constant = archive.curves(_CONSTANT)
    epochs = sorted({n for splits in totals.values() for n in splits})
    growing = [optimum(constant, n * constant.epoch) for n in epochs]
    label = f"for contrast: {constant.n_train:,} images, so more data (figure 5)"
    series.insert(0, optima_series(label, epochs, growing, "line", GUIDE))
    x = Axis("epochs, of ever fewer images", ticks=epochs)
    title = "Adam: more epochs of fewer images, at the same total data"
    return Chart(title, x, Axis("best learning rate"), tuple(series))
