"""The note on a study, in Markdown: the recommendation, the verdict, what decides next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from optuna_kappa._validation import one_line
from optuna_kappa.law import Law
from optuna_kappa.law.class_shares import shares_of
from optuna_kappa.study.outlook import certainty_text
from optuna_kappa.study.plans import Plan
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.summary import Counts, Recommendation, counts, recommendation

_SPECIAL = re.compile(r"([!-/:-@\[-`{-~])")  # all that may have a meaning in Markdown
_LEAST = 0.005  # a class below it, before and after the runs, would be shown as 0 %

NO_TARGET = (
    "No full run has been planned yet, so that nothing tells how long one is. What follows is for "
    "runs as long as the longest probe."
)
_NEXT = {
    "probe": "a probe of {horizon} steps, which shows how the best lr moves",
    "law": "a full run at the lr that the law proposes, which shows if the law holds",
    "base": "a full run at an lr of the base sampler, which shows if the law misleads",
    "cover": "a full run where no lr has been tried yet, since all losses tie so far",
    "enqueued": "a full run at an lr that you enqueued",
}


def note_text(study: Study, sampler: KappaSampler, *, target_known: bool = True) -> str:
    r"""The note on a study.

    Args:
        study: A study with one objective.
        sampler: The sampler that searched it, or one made by `sampler_of`.
        target_known: Whether the horizon of the sampler is that of full runs.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> note = note_text(example_study(), KappaSampler(24, seed=0))
        >>> note.splitlines()[0]
        '**Recommended lr: 0\\.00082...full runs of 24 steps...'
    """
    counted = counts(study, sampler)
    parts: list[str] = []
    law: Law | None = None
    try:
        found = recommendation(study, sampler)
        parts += _found(found)
        law = found.law
    except ValueError as error:
        parts.append(escaped(f"No lr can be recommended yet: {error}."))

    if target_known:
        parts.append(_next(study, sampler))
    else:
        parts.insert(0, escaped(NO_TARGET))
    if law is not None:
        parts.append(_classes(law))
    parts.append(_spent(counted))
    return "\n\n".join(part for part in parts if part)


def escaped(text: str) -> str:
    r"""A text of one line that Markdown shows as it is: no link, no image, no HTML.

    Example:
        >>> escaped("<b> ![x](http://y)")
        '\\<b\\> \\!\\[x\\]\\(http\\:\\/\\/y\\)'
    """
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _found(found: Recommendation) -> Sequence[str]:
    """What is recommended, and what it is worth."""
    interval = escaped(f"(90 % interval {found.low:.3g} to {found.high:.3g})")
    runs = escaped(f"for full runs of {found.horizon} steps, schedule {found.schedule}.")
    lines = [f"**Recommended lr: {escaped(f'{found.lr:.3g}')}** {interval} {runs}"]
    if found.params:
        values = ", ".join(f"{name}={value}" for name, value in found.params.items())
        lines[0] += escaped(f" It is for {values}.")

    if found.certainty is not None:
        text = certainty_text(found.certainty, found.verdict)
        lines.append(escaped(f"{text[0].upper()}{text[1:]}."))

    verdict = found.verdict
    sentence = escaped(f"{verdict.sentence} {verdict.remedy}")
    return [*lines, f"**Verdict: {escaped(verdict.word)}**: {sentence}"]


def _next(study: Study, sampler: KappaSampler) -> str:
    """What decides next: the trial that the sampler would plan now."""
    trials = snapshot_now(study)
    n_running = sum(not trial.state.is_finished() for trial in trials)
    try:
        plan = _next_plan(study, sampler, trials)
    except ValueError:  # of values that no run table holds; the note says so above
        return ""
    text = _NEXT.get(plan.kind, "") if plan else ""
    if not text or plan is None:
        return ""

    running = f" {n_running} more are running or waiting." if n_running else ""
    return f"**What decides next:** {escaped(text.format(horizon=plan.horizon))}\\.{running}"


def _next_plan(study: Study, sampler: KappaSampler, trials: Sequence[FrozenTrial]) -> Plan | None:
    """The plan of the next trial, if the sampler of the study would make it."""
    new = create_trial(state=TrialState.RUNNING)
    new.number = len(trials)
    # The sampler's own, since it has the sources and the ladder of probes.
    study_law = sampler.study_law(study, trials)
    return sampler._planner.plan(new, trials, study_law)


def _classes(law: Law) -> str:
    """How probable each class of slopes is, before and after the runs."""
    shares = shares_of(law)
    if shares is None:
        return ""

    lines = [f"**How the best lr moves** \\(prior {escaped(law.prior.name)}\\):", ""]
    for one in law.prior.slopes:
        after = shares.get(one.name, 0.0)
        if max(one.weight, after) >= _LEAST:
            before = f"{100 * one.weight:.0f} %"
            lines.append(
                f"- {escaped(one.name)}: {100 * after:.0f} % \\(before the runs {before}\\)"
            )
    return "\n".join(lines)


def _spent(counted: Counts) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in counted.kinds.items())
    n_trials = sum(counted.kinds.values())
    text = f"After {n_trials} trials ({kinds}), {counted.spent:.3g} full-run equivalents."
    return f"*{escaped(text)}*"
