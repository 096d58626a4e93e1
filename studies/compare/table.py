"""The comparison as rows of text, for the screen and the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from studies.compare.results import BASELINE, Found, Row, baseline_loss, rows

HEADER = ("sampler", "budget", "best loss", "test accuracy %", f"budget to match {BASELINE}")


def lines(searches: dict[str, list[Found]]) -> list[tuple[str, ...]]:
    """The table of one target; medians over repeats, with the range in brackets."""
    return [_line(row) for row in rows(searches)]


def best(searches: dict[str, list[Found]], names: Sequence[str]) -> list[tuple[str, ...]]:
    """The best full run of each search: sampler, repeat, loss and the parameters named."""
    return [
        (
            name,
            str(search.job.repeat),
            f"{search.loss:.4f}",
            *(f"{search.params.get(param, np.nan):.3g}" for param in names),
        )
        for name, repeats in searches.items()
        for search in repeats
    ]


def summary(searches: dict[str, list[Found]]) -> str:
    """The result in a few words."""
    goal = baseline_loss(searches)
    if not searches:
        return "No repeat was finished by all samplers yet."
    if goal is None or "kappa" not in searches:
        return f"A verdict needs finished searches by kappa and {BASELINE}."
    reached = [search.trajectory.budget_to(goal) for search in searches["kappa"]]
    full = float(np.median([search.spent for search in searches[BASELINE]]))
    middle = float(np.median(reached))
    if np.isfinite(middle):
        verdict = f"kappa reached it after {middle:.3g}, {100 * middle / full:.0f} % of that."
    else:
        verdict = "kappa did not reach it."
    halves = [_at_half(name, searches[name], full / 2) for name in ("kappa", BASELINE)]
    return (
        f"{_medians(len(reached))}: {BASELINE} ended at a loss of {goal:.4f} after {full:.3g} "
        f"full-run equivalents; {verdict} With half of the budget, {' and '.join(halves)}."
    )


def _medians(n: int) -> str:
    return f"Medians of {n} repeats" if n > 1 else "One repeat"


def _at_half(name: str, repeats: Sequence[Found], budget: float) -> str:
    loss = float(np.median([search.trajectory.at(budget) for search in repeats]))
    return f"{name} was at {loss:.4f}" if np.isfinite(loss) else f"{name} had no full run yet"


def _line(row: Row) -> tuple[str, ...]:
    return (
        row.sampler,
        f"{row.budget:.2f}",
        _spread(row.loss, "{:.4f}".format),
        _spread([100 * accuracy for accuracy in row.test_accuracy], "{:.2f}".format),
        "" if row.to_match is None else _spread(row.to_match, _budget),
    )


def _budget(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "never"


def _spread(values: Sequence[float], form: Callable[[float], str]) -> str:
    middle, low, high = (float(f(values)) for f in (np.median, np.min, np.max))
    texts = form(middle), form(low), form(high)
    return texts[0] if len(values) == 1 else f"{texts[0]} ({texts[1]}-{texts[2]})"
