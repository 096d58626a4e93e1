"""The page about budgets, `docs/budgets.md`, from recorded results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from studies.budgets import figure
from studies.budgets.labels import METHODS, OPTIMIZERS, SEARCHES
from studies.budgets.problem import PASSES
from studies.budgets.results import BUDGETS, Results, Searched, Single, Spread, summarize
from studies.budgets.searches import Handed
from studies.budgets.sweep import SEEDS, Recorded
from studies.mnist.training import OptimizerName
from studies.replay.markdown import as_table

PAGE = "budgets.md"
FIGURE = "budgets.svg"
_KAPPA = "kappa told"
_CLEAR = 0.005  # medians closer than this, as a fraction of the loss, are called equal

_INTRO = """\
# What to do with N full runs

Written by `make budgets` from recorded results. `python -m studies.budgets sweep` trains the runs,
and `python -m studies.budgets search` replays the searches; both go on where they were stopped.

A network with one hidden layer learns MNIST for {passes} passes, with Adam or with SGD without
momentum. How good is the model in hand after N full runs have been paid for? One full run needs no
search: take a default, a rule that reacts to the loss, or an optimizer that finds its own rate.
More full runs buy a search for the learning rate.
"""

_FIGURE = """\
![Test loss and accuracy against the full runs spent]({figure})

Left in each panel: methods that need one full run, with the band from 10 to 90 % of their seeds.
A triangle is a method beyond the edge; the tables below have its value. Right: searches, medians
of {repeats} repeats; the bands are those of kappa (told optimizer and passes), TPE and random
search.
"""

_HOW = """\
## How it was measured

- **Methods without a search** are trained for real, with {seeds}. All have the same initial
  weights and order of the images for a seed. They are used with the default settings of their
  packages, and nothing was tuned on this problem. `ReduceLROnPlateau` (factor 0.5, patience 2)
  and *raise or cut* (raise by 1.1 while the validation loss improves, halve the rate when it
  does not) look at the validation loss 16 times in a run; torch's default patience of 10 epochs
  is longer than the run. GreedyLR sees the loss of each step, with the defaults of transformers
  but bounds that are a factor of 100 around the start. Rules start at 1e-3 for Adam and 0.1 for
  SGD. `lr_find` is fastai's range test; the rate is a tenth of the one with the lowest loss,
  followed by a cosine.
- **Searches** are replayed on the recorded runs of the [paper's sweep](paper.md): the same
  network, images, horizon and cosine schedule, 21 learning rates over three decades, five seeds,
  interpolated between learning rates. They were not trained anew. A search hands over the model
  of its best full run by validation loss, and is judged by the test loss of that run. Since the
  best of several runs is kept, a search also gains from a lucky seed. All searches have the same
  three decades to search. A grid of N rates is planned for N. NSGA-II has a population of 6;
  Optuna's CMA-ES cannot search a single parameter.
- **Charged** are all samples that a method trains on, those of probes, of pruned trials and of
  the range test too. The unit is a full run of {passes} passes. Looks at the validation images
  are free for everyone.
- **Accuracy** of searches is read off a grid of nine learning rates that were trained for real,
  as the mean over up to three seeds; it lacks the scatter between seeds, so its bands are too
  narrow.
- **Two passes are short**: SGD is still far from its best there, so a constant rate gets further
  than a cosine of the same peak, and no search for the peak of a cosine makes up for that. The
  schedule matters more than the search then.
- **What this does not show**: one small network, one data set, a short horizon. Here 0.1 happens
  to be close to the best rate of SGD, which no one can know of a new problem. A search over more
  decades costs the others more.
"""


def write(runs: Sequence[Recorded], handed: Sequence[Handed], docs: Path) -> Path:
    """Write the page and its figure.

    Args:
        runs: Recorded runs of the methods and of the accuracy grid.
        handed: Models that searches handed over.
        docs: Folder of the page.

    Returns:
        Path of the page.

    Raises:
        ValueError: Nothing is recorded for one of the optimizers.
    """
    results = {name: summarize(name, runs, handed) for name in OPTIMIZERS}
    for name, result in results.items():
        if not result.singles or not result.searches:
            raise ValueError(
                f"nothing is recorded for {name}; run python -m studies.budgets sweep and search"
            )

    docs.mkdir(parents=True, exist_ok=True)
    figure.draw(results, docs / FIGURE)
    repeats = max(model.repeat for model in handed) + 1

    lines = [
        _INTRO.format(passes=PASSES),
        *_unfinished(results),
        "## Where kappa loses",
        "",
        *_losses(results),
        "",
    ]
    lines += [_FIGURE.format(figure=FIGURE, repeats=repeats), "## The best for each budget", ""]
    lines += [*_best(results), ""]
    for name, result in results.items():
        lines += [f"## {OPTIMIZERS[name]}, one full run", "", *_singles(result), ""]
        lines += [f"## {OPTIMIZERS[name]}, searches", "", *_searches(result), ""]
    lines.append(_HOW.format(passes=PASSES, seeds=_seeds(results)))

    page = docs / PAGE
    page.write_text("\n".join(lines), encoding="utf-8")
    return page


def _seeds(results: Mapping[OptimizerName, Results]) -> str:
    """How many seeds the methods without a search have."""
    counts = {single.seeds for result in results.values() for single in result.singles}
    if counts == {SEEDS}:
        return f"{SEEDS} seeds each"
    if len(counts) == 1:
        return f"{min(counts)} of {SEEDS} seeds so far"
    return f"{min(counts)} to {max(counts)} of {SEEDS} seeds so far"


def _unfinished(results: Mapping[OptimizerName, Results]) -> Iterator[str]:
    """Say what the sweep has not trained yet."""
    counts = {single.seeds for result in results.values() for single in result.singles}
    if min(counts) < SEEDS:
        yield (
            f"**Not finished**: the methods without a search have {_seeds(results)}. A difference "
            "between two of them, or to a search, may be one between seeds.\n"
        )
    searches = [search for result in results.values() for search in result.searches]
    if not all(search.accuracy for search in searches):
        yield "**Not finished**: the accuracies of the searches have not been trained yet.\n"


def _losses(results: Mapping[OptimizerName, Results]) -> Iterator[str]:
    """List where other methods are clearly better than kappa told optimizer and passes."""
    for name, result in results.items():
        kappa = _named(result, _KAPPA)
        if kappa is None:
            continue

        first = kappa.budgets[0]
        least = kappa.loss[0].median
        yield (
            f"- {OPTIMIZERS[name]}: below {first:g} full runs, kappa has no model to hand over: "
            f"its probes come first. The first has a test loss of {_number(least)}."
        )
        better = [one for one in result.singles if _is_below(one.loss.median, least)]
        if better:
            named = [f"{METHODS[name][one.name]} ({_number(one.loss.median)})" for one in better]
            yield (
                f"- {OPTIMIZERS[name]}: better than that with one full run and no search: "
                f"{', '.join(named)}."
            )
        for search in result.searches:
            budgets = _better_budgets(search, kappa)
            if budgets and not search.name.startswith("kappa"):
                yield (
                    f"- {OPTIMIZERS[name]}: {SEARCHES[search.name]} is better after "
                    f"{', '.join(f'{budget:g}' for budget in budgets)} full runs."
                )


def _better_budgets(search: Searched, kappa: Searched) -> list[float]:
    """Budgets at which a search has a lower median loss than kappa, or the only model."""
    losses = dict(zip(kappa.budgets, kappa.loss, strict=True))
    better = []
    for budget, one in zip(search.budgets, search.loss, strict=True):
        if budget in losses and _is_below(one.median, losses[budget].median):
            better.append(budget)
    return better


def _best(results: Mapping[OptimizerName, Results]) -> Iterator[str]:
    """Table of the lowest median loss at each budget."""
    heads = ["full runs"]
    for name in results:
        heads += [f"{OPTIMIZERS[name]}: best", "test loss", "kappa told"]

    rows = []
    for budget in BUDGETS:
        row = [f"{budget:g}"]
        for result in results.values():
            losses = _at(result, budget)
            best = min(losses, key=lambda label: losses[label])
            kappa = losses.get(SEARCHES[_KAPPA])
            row += [best, _number(losses[best]), "-" if kappa is None else _number(kappa)]
        rows.append(row)
    return as_table(heads, rows)


def _at(result: Results, budget: float) -> dict[str, float]:
    """Median loss of every method that has a model by a budget."""
    losses = {}
    for single in result.singles:
        if round(single.spent, 1) <= budget:
            losses[METHODS[result.optimizer][single.name]] = single.loss.median
    for search in result.searches:
        for at, one in zip(search.budgets, search.loss, strict=True):
            if at <= budget:
                losses[SEARCHES[search.name]] = one.median
    return losses


def _singles(result: Results) -> Iterator[str]:
    heads = ["method", "full runs", "seeds", "test loss", "10 to 90 %", "accuracy, %"]
    return as_table(heads, [_single(result.optimizer, one) for one in result.singles])


def _single(optimizer: OptimizerName, one: Single) -> list[str]:
    return [
        METHODS[optimizer][one.name],
        f"{one.spent:.3g}",
        str(one.seeds),
        _number(one.loss.median),
        _band(one.loss),
        f"{100 * one.accuracy.median:.2f}",
    ]


def _searches(result: Results) -> Iterator[str]:
    """Median test losses at each budget, and the final accuracy."""
    heads = ["search", *(f"{budget:g}" for budget in BUDGETS), "10 to 90 %", "accuracy, %"]
    rows = []
    for search in result.searches:
        losses = dict(zip(search.budgets, search.loss, strict=True))
        row = [SEARCHES[search.name]]
        row += [_number(losses[b].median) if b in losses else "-" for b in BUDGETS]
        row.append(_band(search.loss[-1]))
        row.append(f"{100 * search.accuracy[-1].median:.2f}" if search.accuracy else "-")
        rows.append(row)
    return as_table(heads, rows)


def _named(result: Results, name: str) -> Searched | None:
    return next((search for search in result.searches if search.name == name), None)


def _is_below(loss: float, other: float) -> bool:
    """Whether a loss is clearly below another."""
    return loss < other * (1 - _CLEAR)


def _number(loss: float) -> str:
    return f"{loss:.4f}" if loss < 1 else f"{loss:.2f}"


def _band(one: Spread) -> str:
    return f"{_number(one.low)} to {_number(one.high)}"
