"""What `explain` prints, and the words that its page shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import fill

from optuna_kappa.cli.output import WIDTH, indented, number_text
from optuna_kappa.pruning import Decision
from optuna_kappa.study.explain import Explanation, Kill

# Words for Optuna's states, in the order of a summary.
_STATES = {
    "COMPLETE": "complete",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
    "PRUNED": "pruned",
}


def summary_text(states: Mapping[str, int], pruned: Sequence[Kill]) -> str:
    """Write how many trials a study has, and in which states.

    Args:
        states: Number of trials by the name of their state.
        pruned: The pruned trials, probes included.

    Example:
        >>> probe = Kill(0, 0.1, 4, 1.0, None, "probe", "planned to end at step 4")
        >>> summary_text({"COMPLETE": 2, "PRUNED": 1}, [probe])
        '3 trials: 2 complete, 1 probe that ended as planned'
    """
    # Optuna's state of a probe is PRUNED too, but nothing was decided against it.
    n_probes = len(_probe_numbers(pruned))
    counts = {word: states.get(state, 0) for state, word in _STATES.items()}
    counts["pruned"] = len(pruned) - n_probes
    counts[f"probe{'s' * (n_probes != 1)} that ended as planned"] = n_probes

    n = sum(states.values())
    listed = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{n} trial{'s' * (n != 1)}: {listed}"


def pruned_text(summary: str, pruned: Sequence[Kill]) -> str:
    """Write a table of the pruned trials, with the reason below each, and the probes.

    Example:
        >>> kill = Kill(3, 0.1, 4, 2.5, None, "diverged", "its loss is not finite")
        >>> print(pruned_text("4 trials: 3 complete, 1 pruned", [kill]))
        4 trials: 3 complete, 1 pruned
        <BLANKLINE>
            trial         lr        step         value   probability
                3        0.1           4           2.5             -
              its loss is not finite
    """
    lines = [fill(summary, WIDTH), ""]
    rows = [kill for kill in pruned if kill.kind != "probe"]
    if rows:
        lines.append(f"  {'trial':>7}{'lr':>11}{'step':>12}{'value':>14}{'probability':>14}")
    for kill in rows:
        lines.append(_row(kill))
        lines.append(indented(kill.reason, 6))

    probes = probes_text(pruned)
    if rows and probes:
        lines.append("")
    if probes:
        lines.append(indented(probes, 2))
    lines.append("")
    return "\n".join(lines)


def trial_text(explanation: Explanation) -> str:
    """Write the result of a trial, and what is decided about it at each step.

    Example:
        >>> decision = Decision(prune=False, step=4, probability=0.25, reason="")
        >>> outcome = "came to its end with 0.5"
        >>> print(trial_text(Explanation(7, 0.1, "COMPLETE", None, outcome, [decision], "")))
        trial 7, lr 0.1: complete
          came to its end with 0.5
        <BLANKLINE>
                step   probability  decided
                   4          0.25  go on
    """
    lines = [
        heading(explanation),
        indented(explanation.outcome, 2),
        "",
    ]
    decisions = explanation.decisions
    if decisions:
        lines.append(f"  {'step':>10}{'probability':>14}  decided")
    for decision in decisions:
        probability = number_text(decision.probability, ".2g")
        start = f"  {decision.step:>10}{probability:>14}  "
        lines.append(indented(decision_text(decision), len(start), start))

    if decisions and explanation.note:
        lines.append("")
    if explanation.note:
        lines.append(indented(explanation.note, 2))
    lines.append("")
    return "\n".join(lines)


def probes_text(pruned: Sequence[Kill]) -> str:
    """Write the numbers of the probes that ended as planned; '' without probes.

    Example:
        >>> probes_text([Kill(i, 0.1, 4, 1.0, None, "probe", "") for i in (0, 1, 2, 5)])
        'Probes, which ended at their planned horizon: 0 to 2, 5'
    """
    numbers = _probe_numbers(pruned)
    if not numbers:
        return ""

    return f"Probes, which ended at their planned horizon: {_ranges(numbers)}"


def heading(explanation: Explanation) -> str:
    """Write the number of a trial, its learning rate and its state.

    Example:
        >>> heading(Explanation(7, 0.1, "FAIL", None, "failed", [], ""))
        'trial 7, lr 0.1: failed'
    """
    lr = "no lr" if explanation.lr is None else f"lr {explanation.lr:.3g}"
    return f"trial {explanation.trial}, {lr}: {_STATES[explanation.state]}"


def decision_text(decision: Decision) -> str:
    """Write a decision, with its reason if no probability explains it.

    Example:
        >>> decision_text(Decision(True, 4, None, "its loss is not finite"))
        'end: its loss is not finite'
    """
    verb = "end" if decision.prune else "go on"
    return verb if decision.probability is not None else f"{verb}: {decision.reason}"


def _row(kill: Kill) -> str:
    lr = number_text(kill.lr, ".3g")
    step = number_text(kill.step, "d")
    value = number_text(kill.value, ".6g")
    probability = number_text(kill.probability, ".2g")
    return f"  {kill.trial:>7}{lr:>11}{step:>12}{value:>14}{probability:>14}"


def _probe_numbers(pruned: Sequence[Kill]) -> list[int]:
    return [kill.trial for kill in pruned if kill.kind == "probe"]


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as text: "0 to 9, 12"."""
    parts = []
    # Along consecutive numbers, the number less its place stays the same.
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        if len(run) > 2:
            parts.append(f"{run[0]} to {run[-1]}")
        else:
            parts += map(str, run)

    return ", ".join(parts)
