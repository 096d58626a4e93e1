"""Estimates as text: a number with as many digits as it deserves, and its interval."""

from __future__ import annotations

import math
from collections.abc import Callable

from optuna_kappa.visualization.theme import lr_text
from studies.paper.estimate import Estimate

_WIDEST = math.log(1000)
_ONE_SEED = "one seed: no interval"


def rate(ln_lr: Estimate) -> str:
    """Write a learning rate from its logarithm: "4.2e-4 (3.6e-4 to 5.0e-4)"."""
    return _of_logarithm(ln_lr, lr_text)


def ratio(ln_ratio: Estimate) -> str:
    """Write a ratio from its logarithm: "1.82 (1.53 to 2.16)"."""
    return _of_logarithm(ln_ratio, "{:.2f}".format)


def amount(ln_amount: Estimate) -> str:
    """Write a kappa from its logarithm: "195 (171 to 222)", "36,000 (31,000 to 42,000)"."""
    return _of_logarithm(ln_amount, grouped)


def number(estimate: Estimate) -> str:
    """Write a number as it is: "0.93 (0.81 to 1.05)"."""
    return _with_interval(estimate, lambda x: f"{x:.2f}")


def percent(estimate: Estimate) -> str:
    """Write a fraction that cannot be negative: "22 % (15 to 29)"."""
    text = _with_interval(estimate, lambda x: f"{100 * max(x, 0.0):.3g}")
    first, bracket, rest = text.partition(" (")
    return f"{first} %{bracket}{rest}"


def grouped(value: float) -> str:
    """Write three digits, with commas between thousands: "195", "36,100"."""
    if value < 100:
        return f"{value:.3g}"

    n_zeros = max(0, math.floor(math.log10(value)) - 2)
    return f"{round(value, -n_zeros):,.0f}"


def listed(words: list[str]) -> str:
    """Join words as in a sentence: "a", "a and b", or "a, b and c"."""
    if len(words) < 2:
        return "".join(words)

    return f"{', '.join(words[:-1])} and {words[-1]}"


def _of_logarithm(estimate: Estimate, form: Callable[[float], str]) -> str:
    if estimate.known and estimate.half_width > _WIDEST:
        return f"{form(math.exp(estimate.value))} (interval wider than a factor of 1000)"

    return _with_interval(estimate, lambda x: form(math.exp(x)))


def _with_interval(estimate: Estimate, form: Callable[[float], str]) -> str:
    if not estimate.known:
        return f"{form(estimate.value)} ({_ONE_SEED})"

    edge = "; at the edge of the rates tried" if estimate.edge else ""
    return f"{form(estimate.value)} ({form(estimate.low)} to {form(estimate.high)}{edge})"
