"""The comparison as rows of text, for the screen and the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from studies.compare.results import Found
from studies.compare.rows import BASELINE, Row, baseline_loss, rows
from studies.compare.settings import times

FEW = 8
"""With fewer repeats, a caution goes with the result."""

HEADER = ("sampler", "budget", "best loss", "test accuracy %", f"budget to match {BASELINE}")


def lines(searches: dict[str, list[Found]]) -> list[tuple[str, ...]]:
    """Return the table of one target: medians over repeats, with the range in brackets."""
    return [_line(row) for row in rows(searches)]


def best(searches: dict[str, list[Found]], names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the best full run of each search: sampler, repeat, loss and the named parameters."""
    table = []
    for sampler, repeats in searches.items():
        for search in repeats:
            values = [f"{search.params.get(name, np.nan):.3g}" for name in names]
            table.append((sampler, str(search.job.repeat + 1), f"{search.loss:.4f}", *values))

    return table


def summary(searches: dict[str, list[Found]], limit: float = np.inf) -> str:
    """Say the result of one target in a few sentences.

    Args:
        searches: The searches of each sampler.
        limit: Budget up to which they are compared, in full-run equivalents.
    """
    goal = baseline_loss(searches)
    if not searches:
        return "No full run has been finished by all searches yet."
    if goal is None or "kappa" not in searches:
        return f"A comparison needs searches by both kappa and {BASELINE}."
    for name in (BASELINE, "kappa"):
        if not np.isfinite(np.median([search.loss for search in searches[name]])):
            return (
                f"{name} has not finished a full run in most repeats yet. {_cut(searches, limit)}"
            )

    budgets_to_goal = [search.trajectory.budget_to(goal) for search in searches["kappa"]]
    to_goal = float(np.median(budgets_to_goal))
    full = float(np.median([search.spent for search in searches[BASELINE]]))
    # Infinite if half of the repeats, or more, never reached the goal.
    if np.isfinite(to_goal):
        percentage = 100 * to_goal / full
        verdict = f"kappa reached this loss after {to_goal:.3g}, {percentage:.0f} % of that."
    else:
        verdict = "kappa did not reach this loss."

    n = len(budgets_to_goal)
    basis = f"Medians of {times(n)}" if n > 1 else "One repeat"
    ours = _loss_at("kappa", searches["kappa"], full / 2)
    theirs = _loss_at(BASELINE, searches[BASELINE], full / 2)
    sentences = [
        f"{basis}: {BASELINE} ended at a loss of {goal:.4f} after {full:.3g} full-run "
        f"equivalents; {verdict}",
        f"With half of the budget, {ours} and {theirs}.",
        *_caution(searches, limit),
    ]
    return " ".join(sentences)


def _caution(searches: dict[str, list[Found]], limit: float) -> list[str]:
    """Say what the result does not rest on: all of the budget, or many repeats."""
    sentences = []
    if cut := _cut(searches, limit):
        sentences.append(cut)

    kappa = searches["kappa"]
    n = len(kappa)
    if n < FEW:
        pairs = zip(kappa, searches[BASELINE], strict=True)
        n_lower = sum(ours.loss < theirs.loss for ours, theirs in pairs)
        sentences.append(
            f"In {n_lower} of {times(n)} kappa ended at the lower loss. That is few: losses of "
            "single runs scatter by several per cent between seeds."
        )

    return sentences


def _cut(searches: dict[str, list[Found]], limit: float) -> str:
    """Say that searches are compared before their budgets are spent, if they are."""
    budget = searches["kappa"][0].job.part.budget
    if limit >= budget:
        return ""
    return (
        f"The searches were stopped early: they are compared up to {limit:.2g} of {budget:g} full "
        "runs, which each of them has spent."
    )


def _loss_at(name: str, repeats: Sequence[Found], budget: float) -> str:
    loss = float(np.median([search.trajectory.at(budget) for search in repeats]))
    if np.isfinite(loss):
        return f"{name} was at {loss:.4f}"
    return f"{name} had not finished a full run"


def _line(row: Row) -> tuple[str, ...]:
    accuracies = [100 * accuracy for accuracy in row.test_accuracy]
    to_match = "" if row.to_match is None else _spread(row.to_match, _budget)
    return (
        row.sampler,
        f"{row.budget:.2f}",
        _spread(row.loss, _number("{:.4f}")),
        _spread(accuracies, _number("{:.2f}")),
        to_match,
    )


def _number(form: str) -> Callable[[float], str]:
    """Write a number in a form; a search without a full run has none."""
    return lambda value: form.format(value) if np.isfinite(value) else "none"


def _budget(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "never"


def _spread(values: Sequence[float], form: Callable[[float], str]) -> str:
    """Write the median and, if there are several values, their range."""
    values = [np.inf if np.isnan(value) else value for value in values]
    median = form(float(np.median(values)))
    if len(values) == 1:
        return median

    low = form(float(np.min(values)))
    high = form(float(np.max(values)))
    if low == high:
        return median
    return f"{median} ({low}-{high})"
