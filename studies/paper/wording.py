"""Estimates as text: a number to the digits it deserves, its interval beside it."""

from __future__ import annotations

import math
from collections.abc import Callable

from optuna_kappa.visualization.theme import lr_text
from studies.paper.estimate import Estimate

_WIDEST = math.log(1000)
_ONE_SEED = "one seed: no interval"


def rate(ln_lr: Estimate) -> str:
    """A learning rate from its logarithm: "4.2e-4 (3.6e-4 to 5.0e-4)"."""
    return _of_logarithm(ln_lr, lr_text)


def ratio(ln_ratio: Estimate) -> str:
    """A ratio from its logarithm: "1.82 (1.53 to 2.16)"."""
    return _of_logarithm(ln_ratio, "{:.2f}".format)


def amount(ln_amount: Estimate) -> str:
    """A kappa from its logarithm: "195 (171 to 222)", "36,000 (31,000 to 42,000)"."""
    return _of_logarithm(ln_amount, grouped)


def number(estimate: Estimate) -> str:
    """A number as it is: "0.93 (0.81 to 1.05)"."""
    return _with_interval(estimate, lambda x: f"{x:.2f}")


def percent(estimate: Estimate) -> str:
    """A fraction that cannot be negative: "22 % (15 to 29)"."""
    text = _with_interval(estimate, lambda x: f"{100 * max(x, 0.0):.3g}")
    first, bracket, rest = text.partition(" (")
    return f"{first} %{bracket}{rest}"


def grouped(value: float) -> str:
    """Three digits, thousands apart: "195", "36,100"."""
    digits = max(0, math.floor(math.log10(value)) - 2)
    return f"{round(value, -digits):,.0f}" if value >= 100 else f"{value:.3g}"


def listed(words: list[str]) -> str:
    """Words as in a sentence: one, or "a and b", or "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)


def _of_logarithm(estimate: Estimate, form: Callable[[float], str]) -> str:
    if estimate.known and estimate.half_width > _WIDEST:
        return f"{form(math.exp(estimate.value))} (interval wider than a factor of 1000)"
    return _with_interval(estimate, lambda x: form(math.exp(x)))


def _with_interval(estimate: Estimate, form: Callable[[float], str]) -> str:
    if not estimate.known:
        return f"{form(estimate.value)} ({_ONE_SEED})"
    edge = "; at the edge of the rates tried" if estimate.edge else ""
    return f"{form(estimate.value)} ({form(estimate.low)} to {form(estimate.high)}{edge})"
