"""Writes `docs/atlas.md` and its figures from the recorded tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studies.atlas.catalog import FAMILIES
from studies.atlas.charts import BestRates, best_rates_chart
from studies.atlas.family import Family
from studies.atlas.findings import REGIMES, RULES, SOURCE, Found, find
from studies.atlas.optima import regret
from studies.charts import draw
from studies.paper.estimate import Estimate
from studies.replay.markdown import as_table, percent

PAGE = "atlas.md"
FIGURES = "atlas"

_SHOWN = (1 / 64, 1 / 16, 1 / 4, 1.0)  # horizons whose optima are in the tables


@dataclass(frozen=True)
class Proposed:
    """What a prior that has not seen the family proposes for the longest horizon.

    Attributes:
        lr: Learning rate.
        low: Lower end of the 90 % interval.
        high: Upper end of the 90 % interval.
    """

    lr: float
    low: float
    high: float


def write(
    tables: Path,
    docs: Path,
    families: Sequence[Family] = FAMILIES,
    proposed: Mapping[str, Proposed] | None = None,
    priors: Iterable[str] = (),
) -> Path:
    """Describe the tables that there are.

    Args:
        tables: Folder of the tables.
        docs: Folder that gets `atlas.md`, and `atlas/` with the figures.
        families: The families.
        proposed: What a prior without the family proposes, by the name of the table. The page
            has a column for it if it is given.
        priors: Lines of a section on the priors.

    Returns:
        The page.

    Raises:
        ValueError: There is no table, or one lacks runs.
    """
    everything = [table for family in families for table in family.tables()]
    found = [each for table in everything if (each := find(table, tables))]
    if not found:
        raise ValueError(
            f"there is no table of the atlas in {tables}; run `python -m studies.atlas sweep`"
        )

    (docs / FIGURES).mkdir(parents=True, exist_ok=True)
    for regime in REGIMES.values():
        lines = [_best_rates(each) for each in found if each.regime == regime and each.is_constant]
        if lines:
            draw(best_rates_chart(f"{regime}: the best rate", lines), docs / _figure(regime))

    page = docs / PAGE
    text = "\n".join(_page(found, proposed or {}, priors))
    page.write_text(f"{text}\n", encoding="utf-8")
    return page


def _best_rates(found: Found) -> BestRates:
    fractions = found.losses.horizons / found.losses.horizons[-1]
    return BestRates(
        found.table.trained.optimizer,
        fractions.tolist(),
        [math.exp(estimate.value) for estimate in found.optima],
    )


def _page(
    found: Sequence[Found],
    proposed: Mapping[str, Proposed],
    priors: Iterable[str],
) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# The atlas: how the best rate moves, family by family"
    yield ""
    yield _INTRODUCTION
    yield ""
    yield from _summary(found)

    for regime in REGIMES.values():
        of_regime = [each for each in found if each.regime == regime]
        if not of_regime:
            continue

        yield ""
        yield f"## {regime}"
        yield ""
        if any(each.is_constant for each in of_regime):
            yield f"![The best rate against the horizon]({_figure(regime)})"
            yield ""
        yield from _tables(of_regime, proposed)

    yield from priors
    yield ""
    yield "## The families"
    yield ""
    yield from _families(found)
    yield ""
    yield from _METHOD


def _summary(found: Sequence[Found]) -> Iterator[str]:
    """Yield a table of regimes and optimizers: slopes and what fixed rules lose."""
    heads = ("constant rate", "tables", "slope of short runs", "of long runs", *_rule_heads())
    rows = []
    for regime in REGIMES.values():
        of_regime = [each for each in found if each.regime == regime and each.is_constant]
        names = sorted({each.table.trained.optimizer for each in of_regime})
        for name in names:
            part = [each for each in of_regime if each.table.trained.optimizer == name]
            rows.append((f"{regime}, {name}", *_medians(part)))
        if of_regime:
            rows.append((f"**{regime}, all**", *_medians(of_regime)))

    yield from as_table(heads, rows)


def _medians(found: Sequence[Found]) -> Iterator[str]:
    yield str(len(found))
    yield _quartiles([each.short.value for each in found])
    yield _quartiles([each.long.value for each in found])
    for rule in RULES:
        yield _regret(float(np.median([each.rules[rule] for each in found])))


def _quartiles(values: Sequence[float]) -> str:
    """Format the median, and the quartiles in brackets."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _tables(found: Sequence[Found], proposed: Mapping[str, Proposed]) -> Iterator[str]:
    """Yield one row for each table: its optima, slopes, and what fixed rules lose."""
    heads = ["table", "passes", *(f"at {_fraction(fraction)}" for fraction in _SHOWN)]
    heads += ["slope of short runs", "of long runs", *_rule_heads()]
    if proposed:
        heads += ["prior without the family", "loses, %"]

    rows = []
    for each in found:
        row = [each.table.name, f"{each.table.family.passes:.3g}"]
        for fraction in _SHOWN:
            index = each.losses.at(fraction * float(each.losses.horizons[-1]))
            row.append(_rate(each.optima[index]))
        row += [_slope(each.short), _slope(each.long)]
        row += [_regret(each.rules[rule]) for rule in RULES]
        if proposed:
            row += _proposal(each, proposed.get(each.table.name))
        rows.append(row)

    yield from as_table(heads, rows)


def _proposal(found: Found, proposed: Proposed | None) -> list[str]:
    """Format what a prior proposed, and what it loses."""
    if proposed is None:
        return ["-", "-"]

    interval = f"{proposed.low:.2g} to {proposed.high:.2g}"
    return [f"{proposed.lr:.2g} ({interval})", _regret(regret(found.losses, proposed.lr))]


def _families(found: Sequence[Found]) -> Iterator[str]:
    """Yield one row for each family: what it is and how long it was trained."""
    first: dict[str, Found] = {}
    for each in found:
        first.setdefault(each.table.family.name, each)

    rows = []
    for name, each in first.items():
        family = each.table.family
        n_seeds, n_lrs, _ = each.losses.loss.shape
        rows.append(
            (
                f"{name}: {family.title}",
                f"{family.n_train:,}",
                f"{family.horizon:,}",
                str(family.batch),
                f"{n_lrs} x {n_seeds}",
            )
        )

    yield from as_table(("family", "data", "horizon", "batch", "rates x seeds"), rows)


def _rule_heads() -> list[str]:
    heads = []
    for name in RULES:
        heads.append("copy loses, %" if name == "copy" else f"slope {name}, %")

    return heads


def _figure(regime: str) -> str:
    return f"{FIGURES}/{regime.lower().replace(' ', '-')}.svg"


def _fraction(fraction: float) -> str:
    return "D" if fraction == 1 else f"D/{round(1 / fraction)}"


def _rate(ln_lr: Estimate) -> str:
    """Format an optimum; one at the edge of the rates tried is a bound."""
    return f"{math.exp(ln_lr.value):.2g}{' (edge)' if ln_lr.edge else ''}"


def _slope(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ± {estimate.half_width:.2f}"


def _regret(value: float) -> str:
    return "diverged" if math.isinf(value) else percent(value)


_INTRODUCTION = (
    "What can be known of a learning rate before the first run? The atlas is a set of families of "
    "small tasks, each trained at many learning rates and seeds, with whole curves. Some families "
    "see their data 10 to 500 times, others see each sample once at most; every "
    "optimizer is in both regimes, so that one is not taken for the other. The page is written "
    "by `python -m studies.atlas report` from `studies/recorded/atlas/*.csv.gz`, and "
    "`python -m studies.atlas sweep` trains those runs again, in about 40 minutes of a core. "
    "The slope is -d ln lr* / d ln D: 0 if the best rate stays, 1 if it is inverse to the data."
)
_METHOD = f"""## How the numbers are made

- **Tables.** One for each family, optimizer and schedule; D is the longest horizon, in samples.
  A passes column above 1 says that data are repeated. All rates and seeds of a horizon are trained
  together, as one batch of models (`studies/atlas/training.py`), with PyTorch's defaults; momentum
  is 0.9, and AdamW's weight decay 0.1. Seeds differ in initial weights and order of the data.
- **Horizons.** A run at a constant rate is also every shorter run. Runs with a schedule were
  trained for each horizon.
- **Optimum.** The minimum of a parabola in ln lr through the best rate and its two neighbors, by
  the mean validation loss over seeds. *Edge*: the best rate is the first or the last one tried.
- **Slope.** Least squares, from D/64 to D/8 (short runs) and from D/8 to D (long runs). After ±
  stands half of a 95 % interval: Student's t over the jackknife of the seeds, and the spacing of
  the rates. In the summary: the median over tables, with quartiles.
- **Fixed rules.** The optimum at D/{round(1 / SOURCE)} is moved to D by a fixed slope. What it
  loses is the mean loss there in excess of the lowest. *Diverged*: a run beside it has no loss.
- **The prior without the family.** What the law proposes for D from noisy optima at D/24 and D/12,
  by the prior of the regime that is estimated without the family: the median, and a 90 % interval.
""".strip().split("\n")
