"""What the commands print: plain text, up to 80 columns wide."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import fill
from typing import Any

import numpy as np

from optuna_kappa.backtest import METHODS, Backtest, Outcome
from optuna_kappa.law import Checks, Law, Optimum, Proposal, Verdict

_WIDTH = 79
_LABEL = 27  # columns for the name of a group
_MANY = 20  # groups; of more, those with the largest regret are shown
_SHOWN = 10
_EDGES = {-1: "lowest lr tried was best", 0: "", 1: "highest lr tried was best"}


def label(context: Mapping[str, str]) -> str:
    """A group's name; '' without context."""
    return ", ".join(f"{name}={value}" for name, value in context.items())


def as_json(found: Mapping[str, Any]) -> str:
    """What a command found, as JSON."""
    return json.dumps(found, indent=1, allow_nan=False)


def note(text: str) -> str:
    """A note, for the error stream."""
    return fill(f"note: {text}", _WIDTH)


def fitted(context: Mapping[str, str], n_runs: int, law: Law) -> str:
    """The optima of a group's law, its slope and its verdict."""
    lines = [f"{label(context) or 'All runs'}: {n_runs} runs"]
    for schedule, optima in groupby(law.optima, key=lambda optimum: optimum.schedule):
        lines += ["", f"  {schedule}"]
        lines += [f"  {'horizon':>12} {'best lr':>10} {'s.e. factor':>12} {'kappa':>10}"]
        lines += [_optimum(optimum) for optimum in optima]
    if law.optima:
        median, low, high = law.slope
        text = f"slope {median:.2f}, 90 % interval {low:.2f} to {high:.2f}"
        lines += ["", f"  {text} (best lr ~ horizon^-slope)", *_checks(law.checks)]
    return "\n".join([*lines, "", _verdict(law.verdict), ""])


def _checks(checks: Checks) -> list[str]:
    """What the verdict rests on, a line each."""
    found: list[tuple[str, str]] = []
    if checks.left_out is not None:
        apart = f"{checks.left_out:+.1f} standard deviations"
        found.append(("largest horizon, from half of it", apart))
    if checks.kappa_cv is not None:
        varies = f"coefficient of variation {checks.kappa_cv:.2f}"
        found.append(("kappa, from an eighth of it on", varies))
    if checks.alone is not None:
        apart = f"a factor of {np.exp(checks.alone):.2f} apart"
        found.append(("law beside each horizon alone", apart))
    if checks.at_edge:
        edges = f"{checks.at_edge} of {checks.horizons} optima"
        found.append(("at the edge of the rates tried", edges))
    for schedule, one in checks.shifts.items():
        interval = f"90 % interval {one.low:.2g} to {one.high:.2g}"
        found.append((_cut(f"by others: {schedule}", 33), f"{one.factor:.2f} times, {interval}"))
    return [f"  {name:<33} {value}" for name, value in found]


def _optimum(optimum: Optimum) -> str:
    lr, kappa = float(np.exp(optimum.ln_lr)), kappa_of(optimum)
    shown = "-" if kappa is None else f"{kappa:.3g}"
    return (
        f"  {optimum.horizon:>12.6g} {lr:>10.3g} {np.exp(optimum.se):>12.3g} {shown:>10}"
        f"  {_EDGES[optimum.at_edge]}"
    ).rstrip()


def kappa_of(optimum: Optimum) -> float | None:
    """Cumulative learning at an optimum; None where the schedule's shape is not known."""
    if optimum.mean is None:
        return None
    return float(np.exp(optimum.ln_lr)) * optimum.horizon * optimum.mean


def proposed(context: Mapping[str, str], proposals: Sequence[Proposal]) -> str:
    """What a group's law proposes for one schedule and several horizons."""
    name = label(context)
    lines = [f"{name}, {proposals[0].schedule}" if name else proposals[0].schedule, ""]
    lines += [f"  {'horizon':>12} {'lr':>10} {'90 % interval':>22} {'kappa':>10}  verdict"]
    for one in proposals:
        kappa = "-" if one.kappa is None else f"{one.kappa:.3g}"
        interval = f"{one.low:.3g} to {one.high:.3g}"
        lines.append(
            f"  {one.horizon:>12.6g} {one.lr:>10.3g} {interval:>22} {kappa:>10}  "
            f"{one.verdict.word}"
        )
    verdicts = dict.fromkeys(one.verdict for one in proposals)
    for verdict in verdicts:
        lines += ["", _verdict(verdict)]
    return "\n".join([*lines, ""])


def _verdict(verdict: Verdict) -> str:
    return fill(str(verdict), _WIDTH, initial_indent="  ", subsequent_indent="    ")


def backtested(found: Backtest, *, every: bool) -> str:
    """Regrets by group and in summary, the groups that were left out, and why.

    Args:
        found: What came of it.
        every: Whether all groups are shown.
    """
    parts = []
    if found.tested:
        parts += [_groups(found.tested, every=every), _summary(found)]
    reasons = Counter(group.reason for group in found.skipped)
    for reason, n in reasons.items():
        one = next(group for group in found.skipped if group.reason == reason)
        name = label({**one.context, "schedule": one.schedule})
        who = name if n == 1 else f"{n} groups ({name}, ...)"
        parts.append(
            fill(
                f"Not used: {who}: {reason}.",
                _WIDTH,
                subsequent_indent="  ",
                break_on_hyphens=False,
            )
        )
    return "\n".join(parts)


def _groups(tested: Sequence[Outcome], *, every: bool) -> str:
    shown = list(tested)
    if len(shown) > _MANY and not every:
        shown = sorted(shown, key=lambda group: -group.methods["law"].regret)[:_SHOWN]
    schedules = len({group.schedule for group in tested}) > 1
    heads = [*tested[0].context, *(["schedule"] if schedules else [])]
    names = [
        ", ".join([*group.context.values(), *([group.schedule] if schedules else [])])
        for group in shown
    ]
    head = ", ".join(heads) or "group"
    width = min(_LABEL, max(len(name) for name in [head, *names]))
    columns = "".join(f"{_short(method):>7}" for method in METHODS)
    lines = ["Regret in % at the hidden horizon", ""]
    lines += [f"{_cut(head, width):<{width}} {'hidden':>10}{columns}  held"]
    for name, group in zip(names, shown, strict=True):
        regrets = "".join(f"{_percent(group.methods[method].regret):>7}" for method in METHODS)
        held = "yes" if group.covered else "no"
        lines.append(
            f"{_cut(name or 'all', width):<{width}} {group.hidden:>10.6g}{regrets}  {held:>4}"
        )
    if len(shown) < len(tested):
        rest = len(tested) - len(shown)
        lines.append(f"... and {rest} groups where the law lost less; --all shows them")
    return "\n".join([*lines, ""])


def _summary(found: Backtest) -> str:
    summary = found.summary()
    n = len(found.tested)
    lines = [f"Regret in %, {n} group{'s' * (n != 1)}", ""]
    lines += [f"{'':<12}{'mean':>9}{'median':>9}{'90th pct':>10}"]
    for method in METHODS:
        one = summary[method]
        mean, median, p90 = (_percent(one[f"{kind}_regret"]) for kind in ("mean", "median", "p90"))
        lines.append(f"{method:<12}{mean:>9}{median:>9}{p90:>10}")
    held = sum(group.covered for group in found.tested)
    covered = f"The law's 90 % interval held the optimum in {held} of {n} ({held / n:.0%})"
    edges = sum(group.optimum.at_edge != 0 for group in found.tested)
    if edges:
        covered += f"; in {edges}, that is at or beyond the end of the recorded learning rates"
    return "\n".join([*lines, "", fill(f"{covered}.", _WIDTH), ""])


def _short(method: str) -> str:
    return method.removeprefix("slope")


def _percent(regret: float) -> str:
    return f"{100 * regret:.3f}" if regret < 1 else f"{100 * regret:.3g}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
