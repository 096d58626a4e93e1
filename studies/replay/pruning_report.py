"""Tries pruners on all tables, and writes `docs/pruning.md` with its figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from optuna_kappa import read_csv
from optuna_kappa.visualization.theme import BLUE, GREEN, GREY, OTHERS
from studies.charts import Axis, Chart, Series, draw
from studies.replay.report import TARGETS, as_table, ends, percent
from studies.replay.results import Json, Pruned, Replay, prunings, reliability
from studies.replay.table import prepare

PAGE, FIGURES, RESULTS = "pruning.md", "pruning", "results.json"
KAPPA = "kappa"
SETTINGS = {
    "kappa": ("kappa:0.005", "kappa:0.01", "kappa", "kappa:0.05", "kappa:0.1"),
    "median": ("median:2", "median", "median:10"),
    "percentile": ("percentile:10", "percentile", "percentile:50", "percentile:75"),
    "sha": ("sha:2", "sha", "sha:8"),
    "hyperband": ("hyperband:2", "hyperband", "hyperband:4"),
    "wilcoxon": ("wilcoxon",),  # slow: several settings would take an hour
    "patient": ("patient:1", "patient", "patient:8"),
    "top-k": ("top-k:2", "top-k:4", "top-k"),
}
N_TRIALS = 24
_COLOURS = dict(zip(SETTINGS, (BLUE, *OTHERS[:4], GREEN, GREY, OTHERS[5]), strict=True))
_FRAME = (-1.0, 6.0)  # of the regrets in a figure, in %
_FIELDS = {
    "best survives": "survival",
    "or one within 1 %": "survival_1pct",
    "regret caused": "regret",
    "data saved": "saved",
}


_INTRO = """\
# KappaPruner

Written by `python -m studies.replay report-pruners`, with `--more` for run tables beside those in
`studies/recorded`.

## What it does

A trial is compared with finished trials of the same horizon and schedule, at about fifteen phases
of a run. It is never ranked by its loss there, and no loss is extrapolated. What is forecast is
its *excess*: by how much (in ln loss, compressed where that is large) it is behind the best of the
others at the same phase. A Gaussian process over trials and phases knows how an excess goes on (it
stays, has a trend, wanders), that trials of neighbouring parameters do alike, and, as one part
among others, the law's hypothesis: that two trials with the same kappa, lr times data, are equally
far. So a low rate that is behind now is expected to catch up as others at low rates did. Reports
jump about; the forecast knows by how much from the scatter of each trial's own reports.

The forecast's spread is then measured on the study itself: each trial that came to its end is
forecast from its first phases and all other trials, and what these forecasts missed scales those
of the same phase. A trial is pruned when its probability to end below the best so far is under
`epsilon`, 0.02: of the values tried, the largest at which on the tables below, taken together,
97 % of the eventual winners survive.

The constants in `optuna_kappa/pruning/constants.py` were fitted to streams of proposals from the
tables below and from others of the same kind: digits, regressions, a character model and a
factorisation, with SGD, RMSprop and Adam, with learning rates and with random configurations. The
tables below are therefore no test of them. On eight of those others (they are not in the
repository) that were used least, survival
at the default was 94 to 99 %, data saved 31 to 47 % and regret caused at most 1.2 %, but for two:
where a report is of so few examples that it scatters by 20 to 30 % (81 % survive: the winner is
luck), and where all runs overfit and the slowest win by a few per cent at the end (66 %; the
regret is 0 in both).

**The safe rule.** Where there is nothing to compare with, nothing is pruned but trials that have
diverged: before the first trial has come to its end; and trials of a `KappaSampler` that are there
for what they tell (probes, which end at their planned horizon, and those that follow the law). It
costs no regret, because it ends nothing that could win. Without a learning rate, or with other
parameters, a trial is compared by the parameters it has; where these say little, the study's own
misses widen the forecasts, and fewer trials are pruned.

## What is measured

TPE proposes trials that all run to their end. The same proposals, with the same curves, are then
run with each pruner. *Best survives*: the share of streams whose best trial was not pruned.
*Regret caused*: how much more the best survivor's parameters lose, in expectation, than those of
the best trial; below 0 where that was the best by luck. *Data saved*: of all that the stream
costs.
"""


class Family(NamedTuple):
    """A table of runs and a target in it.

    Attributes:
        name: Name of its file, without endings.
        title: What it is called.
        path: Its file.
        epochs: Target, in the table's epochs; None for its largest horizon.
    """

    name: str
    title: str
    path: Path
    epochs: int | None


def families(tables: Path, more: Sequence[Path]) -> list[Family]:
    """The recorded tables, and others.

    Raises:
        ValueError: There is no such file.
    """
    own = [
        Family(target.table, target.title, tables / f"{target.table}.csv.gz", target.epochs)
        for target in TARGETS
    ]
    names = [path.name.partition(".")[0] for path in more]
    found = own + [Family(n, n, path, None) for n, path in zip(names, more, strict=True)]
    if lacking := [str(family.path) for family in found if not family.path.exists()]:
        raise ValueError(f"there is no run table {', '.join(lacking)}")
    return found


def replay(
    family: Family,
    repeats: int,
    jobs: int,
    on_step: Callable[[str], None],
    only: Collection[str] = (),
) -> Json:
    """Tries the pruners of one family, in all settings.

    Args:
        family: What to replay.
        repeats: Streams.
        jobs: Processes.
        on_step: Told what comes next.
        only: Names in `SETTINGS`; all by default.

    Raises:
        ValueError: The table is missing or lacks runs.
    """
    on_step(family.title)
    objective = prepare(read_csv(family.path), None, family.epochs).objective
    what, stream = Replay(objective, repeats, 0, jobs), Pruned("tpe", N_TRIALS)
    wanted = [one for name in only or SETTINGS for one in SETTINGS[name]]
    found = prunings(what, wanted, stream, lambda n: None)
    if KAPPA in (only or SETTINGS):
        found["reliability"] = reliability(what, KAPPA, stream)
    return found


def save(family: Family, found: Json, repeats: int, docs: Path) -> None:
    """Keeps results beside the figures, joined to those kept before of as many repeats."""
    file = docs / FIGURES / RESULTS
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = kept_of(docs)
    if kept.get("repeats") != repeats:
        kept = {"repeats": repeats, "families": {}}
    old = kept["families"].get(family.name, {"pruners": {}})
    joined = {**old, **found, "pruners": old["pruners"] | found["pruners"]}
    kept["families"][family.name] = joined | {"title": family.title}
    file.write_text(json.dumps(kept, indent=0) + "\n", encoding="utf-8")


def kept_of(docs: Path) -> Json:
    """All results that are kept."""
    file = docs / FIGURES / RESULTS
    found: Json = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def write(docs: Path) -> Path:
    """Writes the page and its figures from the results that are kept; returns the page.

    Raises:
        ValueError: Something of the page was not kept.
    """
    kept = kept_of(docs)
    found: Json = kept.get("families", {})
    for name, family in found.items():
        if lacking := set(SETTINGS[KAPPA]) - set(family["pruners"]):
            raise ValueError(
                f"there are no results of {', '.join(sorted(lacking))} for {name}; replay "
                "without --only first"
            )
    if not found:
        raise ValueError(f"there are no results in {docs / FIGURES / RESULTS}")
    for name, family in found.items():
        draw(_pareto(family), docs / FIGURES / f"{name}.svg")
    draw(_reliable(found), docs / FIGURES / "reliability.svg")
    page = docs / PAGE
    page.write_text("\n".join(_page(found, kept["repeats"])) + "\n", encoding="utf-8")
    return page


def _page(found: Json, repeats: int) -> Iterator[str]:
    yield _INTRO
    yield from ("## KappaPruner on all tables", "")
    yield f"{repeats} streams of {N_TRIALS} proposals of TPE each, with the default settings."
    yield "Means in %; in parentheses 95 % bootstrap intervals."
    yield ""
    rows = [(family["title"], *_cells(family["pruners"][KAPPA])) for family in found.values()]
    yield from as_table(("", *_FIELDS), rows)
    yield from ("", "## Is its probability one?", "", f"![]({FIGURES}/reliability.svg)", "")
    yield "Of the decisions at which a trial was given so much, the share of trials that won:"
    yield ""
    yield from as_table(("", *_bins(found)), list(_shares(found)))
    for name, family in found.items():
        yield from ("", f"## {family['title']}", "", f"![]({FIGURES}/{name}.svg)", "")
        known = family["pruners"]
        rows = [(name, *_cells(known[name])) for name in SETTINGS if name in known]
        yield from as_table(("pruner", *_FIELDS), rows)


def _cells(one: Json) -> Iterator[str]:
    for field in _FIELDS.values():
        yield f"{percent(one[field])} ({ends(one['intervals'][field])})"


def _bins(found: Json) -> list[str]:
    every = {(b["low"], b["high"]) for family in found.values() for b in family["reliability"]}
    return [f"{100 * low:g} to {min(100 * high, 100):g} %" for low, high in sorted(every)]


def _shares(found: Json) -> Iterator[tuple[str, ...]]:
    heads = _bins(found)
    for family in found.values():
        row = dict.fromkeys(heads, "-")
        for b in family["reliability"]:
            head = f"{100 * b['low']:g} to {min(100 * b['high'], 100):g} %"
            row[head] = f"{percent(b['won'])} of {b['n']}"
        yield (family["title"], *row.values())


def _pareto(family: Json) -> Chart:
    """Regret caused against data saved: a line a pruner, a point a setting."""
    series = []
    for name, settings in SETTINGS.items():
        known = [family["pruners"][one] for one in settings if one in family["pruners"]]
        if not known:
            continue
        points = [(one["saved"], one["regret"]) for one in known]
        x, y = zip(*sorted(points), strict=True)
        inside = [min(100 * v, _FRAME[1]) for v in y]
        series.append(Series(name, [100 * v for v in x], inside, "line", _COLOURS[name]))
    return Chart(
        f"{family['title']}: what pruning saves and costs",
        Axis("data saved, %", log=False, range=(0, 100)),
        Axis(f"regret caused, % (above {_FRAME[1]:g}: at the edge)", log=False, range=_FRAME),
        tuple(series),
    )


def _reliable(found: Json) -> Chart:
    """What came of stated probabilities: each table by itself, and all together."""
    series = [Series("as stated", (0, 100), (0, 100), "guide", GREEN)]
    pooled: dict[float, list[Json]] = {}
    for family in found.values():
        bins = family["reliability"]
        for b in bins:
            pooled.setdefault(b["low"], []).append(b)
        label = "" if len(series) > 1 else "each table"
        x, y = ([100 * b[name] for b in bins] for name in ("stated", "won"))
        series.append(Series(label, x, y, "line", GREY))
    x, y = (
        [
            100 * sum(b[name] * b["n"] for b in several) / sum(b["n"] for b in several)
            for _, several in sorted(pooled.items())
        ]
        for name in ("stated", "won")
    )
    series.append(Series("all together", x, y, "line", BLUE))
    return Chart(
        "Of trials given a probability to win, how many won",
        Axis("probability stated, %", log=False, range=(0, 100)),
        Axis("won, %", log=False, range=(0, 100)),
        tuple(series),
    )
