"""Try pruners on all tables, and write `docs/pruning.md` with its figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from optuna_kappa import read_csv
from studies.charts import draw
from studies.replay.charts import pareto_chart, reliability_chart
from studies.replay.markdown import as_table, ends, percent
from studies.replay.results import Json, prunings, reliability
from studies.replay.table import prepare
from studies.replay.targets import TARGETS
from studies.replay.workers import Pruned, Replay

PAGE = "pruning.md"
FIGURES = "pruning"
RESULTS = "results.json"
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
_FIELDS = {
    "best survives": "survival",
    "or one within 1 %": "survival_1pct",
    "regret caused": "regret",
    "data saved": "saved",
}

_INTRO = """\
# KappaPruner

Written by `python -m studies.replay report-pruners`. With `--more`, the page includes other run
tables beside those in `studies/recorded`.

## What it does

A trial is compared with finished trials of the same horizon and schedule, at about fifteen phases
of a run. It is never ranked by its loss there, and no loss is extrapolated. What is forecast is
its *excess*: how far its ln loss is above the best of the other trials at the same phase, where
large differences are compressed. The forecast is made by a Gaussian process over trials and
phases, which knows three things:

- how an excess develops: it stays, follows a trend, or wanders;
- trials with similar parameters have similar excesses;
- as one part among others, the hypothesis of the law: two trials with the same kappa (lr times
  data) are equally far along.

So a trial with a low learning rate that is behind now is expected to catch up, as others with low
rates did. Reports are noisy. The forecast takes the noise from the scatter of each trial's own
reports.

The spread of the forecast is then calibrated on the study itself. Each trial that came to its end
is forecast from its first phases and all other trials, and the errors of these forecasts scale the
spread of new forecasts from the same phase. A trial is pruned when its probability to end below
the best so far is under `epsilon`. The default is 0.02: of the values tried, this is the largest
at which 97 % of the eventual winners survive, on the tables below taken together.

The constants in `optuna_kappa/pruning/constants.py` were fitted to streams of proposals from the
tables below and from others of the same kind: digits, regressions, a character model and a
factorization, with SGD, RMSprop and Adam, with learning rates and with random configurations. The
tables below are therefore no independent test. Eight of the other tables were used least; they are
not in the repository. On six of them, survival at the default was 94 to 99 %, data saved 31 to
47 %, and regret caused at most 1.2 %. The two exceptions, both with a regret of 0, are:

- a table whose reports are measured on so few examples that they scatter by 20 to 30 %: 81 %
  survive, since the winner is a matter of luck;
- a table on which all runs overfit, and the slowest win by a few percent at the end: 66 % survive.

**The safe rule.** Some trials are pruned only if they diverge:

- all trials until the first has come to its end, since there is nothing to compare them with;
- the trials of a `KappaSampler` that are run for what they show: the probes, which end at their
  planned horizon, and the trials that follow the law.

This rule costs no regret, because it ends nothing that could win. Without a learning rate, or with
other parameters, a trial is compared by the parameters that it has. If they say little, the errors
on the study's own trials widen the forecasts, and fewer trials are pruned.

## What is measured

TPE proposes trials that all run to their end. The same proposals, with the same curves, are then
run with each pruner.

- *Best survives*: the share of streams whose best trial was not pruned.
- *Or one within 1 %*: the share of streams in which at least one trial within 1 % of the best
  final loss was not pruned.
- *Regret caused*: how far the expected loss with the best survivor's parameters is above that with
  the best trial's parameters. It is negative where the best trial was the best by luck.
- *Data saved*: the share of the data of the whole stream that was not trained on.
"""


class Family(NamedTuple):
    """A table of runs and a target in it.

    Attributes:
        name: Name of its file, without endings.
        title: Title on the page.
        path: Its file.
        epochs: Target horizon in the table's epochs; None for its largest horizon.
    """

    name: str
    title: str
    path: Path
    epochs: int | None


def families(tables: Path, more: Sequence[Path]) -> list[Family]:
    """Return the recorded tables, followed by others.

    Args:
        tables: Folder of the recorded runs.
        more: Files of other tables.

    Raises:
        ValueError: A file does not exist.
    """
    every = []
    for target in TARGETS:
        path = tables / f"{target.table}.csv.gz"
        every.append(Family(target.table, target.title, path, target.epochs))
    for path in more:
        name = path.name.partition(".")[0]
        every.append(Family(name, name, path, None))

    lacking = [str(family.path) for family in every if not family.path.exists()]
    if lacking:
        raise ValueError(f"there is no run table {', '.join(lacking)}")
    return every


def replay(
    family: Family,
    repeats: int,
    jobs: int,
    on_step: Callable[[str], None],
    only: Collection[str] = (),
) -> Json:
    """Try the pruners on one family, in all their settings.

    Args:
        family: What to replay.
        repeats: Number of streams.
        jobs: Number of processes.
        on_step: Called with the title before the family is replayed.
        only: Names in `SETTINGS`; all by default.

    Raises:
        ValueError: The table is missing or lacks runs.
    """
    on_step(family.title)
    names = only or SETTINGS
    settings: list[str] = []
    for name in names:
        settings += SETTINGS[name]

    objective = prepare(read_csv(family.path), None, family.epochs).objective
    plan = Replay(objective, repeats, seed=0, jobs=jobs)
    stream = Pruned("tpe", N_TRIALS)

    results = prunings(plan, settings, stream, lambda n: None)
    if KAPPA in names:
        results["reliability"] = reliability(plan, KAPPA, stream)
    return results


def save(
    family: Family,
    results: Json,
    repeats: int,
    docs: Path,
) -> None:
    """Keep results beside the figures, joined to those kept before with as many repeats.

    Args:
        family: What was replayed.
        results: What `replay` returned.
        repeats: Number of streams.
        docs: Folder of the page.
    """
    kept = kept_of(docs)
    if kept.get("repeats") != repeats:
        kept = {"repeats": repeats, "families": {}}

    old = kept["families"].get(family.name, {"pruners": {}})
    joined = {**old, **results, "pruners": old["pruners"] | results["pruners"]}
    kept["families"][family.name] = joined | {"title": family.title}

    file = docs / FIGURES / RESULTS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=0) + "\n", encoding="utf-8")


def kept_of(docs: Path) -> Json:
    """Return all results that are kept; none if there is no file."""
    file = docs / FIGURES / RESULTS
    if not file.exists():
        return {}

    kept: Json = json.loads(file.read_text(encoding="utf-8"))
    return kept


def write(docs: Path) -> Path:
    """Write the page and its figures from the results that are kept, and return the page.

    Args:
        docs: Folder of the page.

    Raises:
        ValueError: A result that the page needs was not kept.
    """
    kept = kept_of(docs)
    known: Json = kept.get("families", {})
    if not known:
        raise ValueError(f"there are no results in {docs / FIGURES / RESULTS}")
    for name, family in known.items():
        if lacking := set(SETTINGS[KAPPA]) - set(family["pruners"]):
            raise ValueError(
                f"there are no results of {', '.join(sorted(lacking))} for {name}; replay "
                "without --only first"
            )

    for name, family in known.items():
        draw(pareto_chart(family, SETTINGS), docs / FIGURES / f"{name}.svg")
    draw(reliability_chart(known), docs / FIGURES / "reliability.svg")

    page = docs / PAGE
    page.write_text("\n".join(_page(known, kept["repeats"])) + "\n", encoding="utf-8")
    return page


def _page(known: Json, repeats: int) -> Iterator[str]:
    """The lines of the page."""
    yield _INTRO
    yield "## KappaPruner on all tables\n"
    yield f"{repeats} streams of {N_TRIALS} TPE proposals each, with the default settings."
    yield "Means in %; 95 % bootstrap intervals are in parentheses.\n"
    rows = [(family["title"], *_cells(family["pruners"][KAPPA])) for family in known.values()]
    yield from as_table(("", *_FIELDS), rows)
    yield ""
    yield "## Are its probabilities reliable?\n"
    yield f"![]({FIGURES}/reliability.svg)\n"
    yield "Decisions are grouped by the probability to win that was stated. Each cell gives"
    yield "the share of trials that did win, in %, and the number of decisions:\n"
    yield from as_table(("", *_bins(known)), list(_shares(known)))
    for name, family in known.items():
        yield from _section(name, family)


def _section(file: str, family: Json) -> Iterator[str]:
    """The lines of one table."""
    yield ""
    yield f"## {family['title']}\n"
    yield f"![]({FIGURES}/{file}.svg)\n"
    pruners = family["pruners"]
    rows = [(name, *_cells(pruners[name])) for name in SETTINGS if name in pruners]
    yield from as_table(("pruner", *_FIELDS), rows)


def _cells(pruner: Json) -> Iterator[str]:
    """Means of one pruner, with their intervals."""
    for field in _FIELDS.values():
        yield f"{percent(pruner[field])} ({ends(pruner['intervals'][field])})"


def _bins(known: Json) -> list[str]:
    """Headings of the bins that some table has, ascending."""
    every = set()
    for family in known.values():
        every |= {(b["low"], b["high"]) for b in family["reliability"]}

    return [_bin(low, high) for low, high in sorted(every)]


def _bin(low: float, high: float) -> str:
    return f"{100 * low:g} to {min(100 * high, 100):g} %"


def _shares(known: Json) -> Iterator[tuple[str, ...]]:
    """For each table, how many trials won in each bin."""
    heads = _bins(known)
    for family in known.values():
        row = dict.fromkeys(heads, "-")
        for b in family["reliability"]:
            row[_bin(b["low"], b["high"])] = f"{percent(b['won'])} of {b['n']}"
        yield (family["title"], *row.values())
