"""What `optuna-kappa explain` prints: plain text, up to 80 columns wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import fill

from optuna_kappa.explain import Explanation, Kill
from optuna_kappa.pruning import Decision

_WIDTH = 79
_STATES = {
    "COMPLETE": "complete",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
    "PRUNED": "pruned",
}


def summary(states: Mapping[str, int], found: Sequence[Kill]) -> str:
    """How many trials there are, and what became of them.

    Args:
        states: Number of trials by the name of their state.
        found: The pruned ones.
    """
    n_probes = sum(kill.kind == "probe" for kill in found)
    counts = {word: states.get(state, 0) for state, word in _STATES.items()}
    counts |= {"pruned": len(found) - n_probes}
    counts |= {f"probe{'s' * (n_probes != 1)} that ended as planned": n_probes}
    n = sum(states.values())
    listed = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{n} trial{'s' * (n != 1)}: {listed}"


def killed(summary: str, found: Sequence[Kill]) -> str:
    """The pruned trials, each with its reason on lines of its own, and the numbers of probes."""
    lines = [fill(summary, _WIDTH), ""]
    pruned = [kill for kill in found if kill.kind != "probe"]
    if pruned:
        lines.append(f"  {'trial':>7}{'lr':>11}{'step':>12}{'value':>14}{'probability':>14}")
    for one in pruned:
        lr, step = _text(one.lr, ".3g"), _text(one.step, "d")
        value, chance = _text(one.value, ".6g"), _text(one.probability, ".2g")
        lines.append(f"  {one.trial:>7}{lr:>11}{step:>12}{value:>14}{chance:>14}")
        lines.append(_indented(one.reason, 6))
    if probes(found):
        lines += [*[""] * bool(pruned), _indented(probes(found), 2)]
    return "\n".join([*lines, ""])


def probes(found: Sequence[Kill]) -> str:
    """The numbers of the probes that ended as planned; '' if there are none."""
    numbers = [kill.trial for kill in found if kill.kind == "probe"]
    return f"Probes, which ended at their planned horizon: {_ranges(numbers)}" if numbers else ""


def explained(one: Explanation) -> str:
    """What became of a trial, and what is decided about it, phase by phase."""
    lines = [heading(one), _indented(one.outcome, 2), ""]
    if one.decisions:
        lines.append(f"  {'step':>10}{'probability':>14}  decided")
    for decision in one.decisions:
        start = f"  {decision.step:>10}{_text(decision.probability, '.2g'):>14}  "
        lines.append(_indented(decided(decision), len(start), start))
    if one.note:
        lines += [*[""] * bool(one.decisions), _indented(one.note, 2)]
    return "\n".join([*lines, ""])


def heading(one: Explanation) -> str:
    """A trial, its learning rate and its state."""
    lr = "no lr" if one.lr is None else f"lr {one.lr:.3g}"
    return f"trial {one.trial}, {lr}: {_STATES[one.state]}"


def decided(decision: Decision) -> str:
    """What was decided at a phase; with the reason where that is not the probability."""
    what = "end" if decision.prune else "go on"
    return what if decision.probability is not None else f"{what}: {decision.reason}"


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as text: "0 to 9, 12"."""
    parts = []
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        parts.append(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)))
    return ", ".join(parts)


def _indented(text: str, by: int, start: str = "") -> str:
    """Lines indented by some columns; the first one may start with what stands there."""
    indent = " " * by
    return fill(
        text,
        _WIDTH,
        initial_indent=start or indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"
