"""Theorem 5.1: kappa is the same for all schedules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from optuna_kappa.schedules import PeriodicSchedule, parse
from studies.charts import CONTRAST, EXPECTED, GUIDE, OURS, Axis, Chart, Kind, Series
from studies.paper import published
from studies.paper.charts import optima_series
from studies.paper.claims.item import OPTIMIZERS, Item, table_lines
from studies.paper.curves import Archive, Curves
from studies.paper.estimate import Estimate, difference, shifted
from studies.paper.optima import optimum
from studies.paper.verdicts import Verdict, combine, of_rate
from studies.paper.wording import amount, listed, ratio

_COLORS = {"halving": OURS, "cyclic": EXPECTED, "cosine": CONTRAST}
# Kappa is judged at these epochs and at the last of each schedule. Before the sweep it was seen to
# settle from 8 epochs on. One is odd, since cyclic runs of odd and of even epochs end differently.
_JUDGED = (8, 13, 16)
_LAST = {"halving": published.LAST_EPOCH, "cyclic": published.LAST_EPOCH, "cosine": 32}

Case = tuple[str, int]
"""A schedule and a number of epochs."""


class KappaRatio(NamedTuple):
    """Logarithm of kappa under a schedule, and of its ratio to kappa of the constant rate."""

    ln_kappa: Estimate
    ln_ratio: Estimate


def items(archive: Archive) -> list[Item]:
    """Check theorem 5.1 for both optimizers."""
    return [_item(archive, optimizer) for optimizer in OPTIMIZERS]


def ratios(archive: Archive, optimizer: str) -> dict[Case, KappaRatio]:
    """Compute kappa under each schedule, and its ratio to kappa of the constant rate."""
    constant = archive.curves(f"{optimizer}-constant")
    kappas: dict[Case, KappaRatio] = {}
    for schedule in _COLORS:
        table = f"{optimizer}-{schedule}"
        for n_epochs in _epochs(archive, table, schedule):
            # A cosine run has one horizon; runs under the other schedules can be read at any.
            horizon = None
            if schedule == "cosine":
                horizon = n_epochs * archive.curves(table).epoch

            ln_kappa = _ln_kappa(archive.curves(table, horizon=horizon), n_epochs)
            ln_constant = _ln_kappa(constant, n_epochs)
            kappas[schedule, n_epochs] = KappaRatio(ln_kappa, difference(ln_kappa, ln_constant))

    return kappas


def _epochs(archive: Archive, table: str, schedule: str) -> list[int]:
    """Whole numbers of epochs at which the optimum under a schedule is known."""
    if schedule != "cosine":
        return list(range(1, _LAST[schedule] + 1))

    epoch = archive.curves(table).epoch
    trained = {horizon / epoch for _, horizon in archive.sizes(table)}
    return sorted(int(n) for n in trained if n >= 1 and n == int(n))


def _ln_kappa(curves: Curves, n_epochs: int) -> Estimate:
    """Logarithm of lr * horizon * mean, with the schedule's exact mean."""
    horizon = n_epochs * curves.epoch
    schedule = parse(curves.schedule)
    if isinstance(schedule, PeriodicSchedule):
        schedule = schedule.resolve(horizon)

    return shifted(optimum(curves, horizon), math.log(schedule.kappa(1.0, horizon)))


def _item(archive: Archive, optimizer: str) -> Item:
    kappas = ratios(archive, optimizer)
    judged: dict[Case, KappaRatio] = {}
    verdicts: dict[Case, Verdict] = {}
    latest: dict[str, str] = {}
    for (schedule, n_epochs), kappa in kappas.items():
        if n_epochs in (*_JUDGED, _LAST[schedule]):
            judged[schedule, n_epochs] = kappa
            verdicts[schedule, n_epochs] = of_rate(1.0, kappa.ln_ratio)
            latest[schedule] = f"{schedule} {ratio(kappa.ln_ratio)} at {n_epochs} epochs"

    name = OPTIMIZERS[optimizer]
    return Item(
        key=f"theorem-5.1-{optimizer}",
        label="Theorem 5.1",
        title=f"One κ for all schedules, {name}",
        paper="κ is the same for all schedules: ratio 1 to the constant rate",
        ours=f"κ relative to the constant rate's: {'; '.join(latest.values())}",
        verdict=combine(verdicts.values()),
        reading=_reading(verdicts),
        limits="The constant rate's κ is that at the same number of epochs. Each cosine run has "
        "one horizon, so nothing is averaged over horizons there. Results below "
        f"{_JUDGED[0]} epochs are drawn, but not judged.",
        chart=_chart(kappas, name),
        details=_table(judged, verdicts),
    )


def _reading(verdicts: Mapping[Case, Verdict]) -> str:
    """Say for which schedules and epochs the theorem holds and for which it does not."""
    parts = []
    for verdict in Verdict:
        epochs: dict[str, list[str]] = {}
        for (schedule, n_epochs), value in verdicts.items():
            if value is verdict:
                epochs.setdefault(schedule, []).append(str(n_epochs))

        cases = [f"{schedule} at {listed(numbers)} epochs" for schedule, numbers in epochs.items()]
        if cases:
            parts.append(f"{verdict.value} for {', '.join(cases)}")

    return f"Equality with the constant rate's κ {'; '.join(parts)}."


def _table(judged: Mapping[Case, KappaRatio], verdicts: Mapping[Case, Verdict]) -> tuple[str, ...]:
    rows = []
    for (schedule, n_epochs), kappa in judged.items():
        ln_constant = difference(kappa.ln_kappa, kappa.ln_ratio)
        row = (
            schedule,
            str(n_epochs),
            amount(kappa.ln_kappa),
            amount(ln_constant),
            ratio(kappa.ln_ratio),
            verdicts[schedule, n_epochs].value,
        )
        rows.append(row)

    return table_lines(("schedule", "epochs", "κ", "κ, constant", "ratio", "verdict"), rows)


def _chart(kappas: Mapping[Case, KappaRatio], name: str) -> Chart:
    one_kappa = Series(
        label="one κ for all (theorem 5.1)",
        x=[1, 32],
        y=[1, 1],
        kind="guide",
        colour=GUIDE,
    )
    series = [one_kappa]
    for schedule, color in _COLORS.items():
        epochs: list[int] = []
        ln_ratios: list[Estimate] = []
        for (other, n_epochs), kappa in kappas.items():
            if other == schedule:
                epochs.append(n_epochs)
                ln_ratios.append(kappa.ln_ratio)

        kind: Kind = "points" if schedule == "cosine" else "line"
        series.append(optima_series(schedule, epochs, ln_ratios, kind, color))

    return Chart(
        title=f"{name}: κ of schedules over κ of the constant rate",
        x=Axis("epochs of 30,000 images", ticks=(1, 2, 4, 8, 13, 16, 22, 32)),
        y=Axis("κ over that of the constant rate"),
        series=tuple(series),
    )
