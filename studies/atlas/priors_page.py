"""Shows the priors of the regimes as text: for the terminal, and for `docs/atlas.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

import numpy as np

from optuna_kappa.law.descent import Descent
from optuna_kappa.law.prior import ANYTHING
from optuna_kappa.law.regimes import CLASSES, DESCENTS, WEIGHTS, Regime
from studies.atlas.cases import BUDGET
from studies.atlas.priors import (
    ONE_PRIOR,
    REGIME,
    TODAY,
    Evidence,
    Score,
    estimate_descents,
    estimate_weights,
    evaluate,
)
from studies.atlas.shots import Shots, Summary, summarize
from studies.replay.markdown import as_table, percent
from studies.replay.oneshot import LAW, RULES, UNINFORMED

Json = dict[str, Any]

_TOLERANCE = 0.02  # within which the probabilities in use agree with the estimated ones


def agree(
    weights: Mapping[Regime, Sequence[float]],
    descents: Mapping[Regime, Descent],
) -> bool:
    """Whether the numbers in use agree with estimated ones."""
    for regime, descent in descents.items():
        pairs = zip(astuple(descent), astuple(DESCENTS[regime]), strict=True)
        if any(abs(one - used) > _TOLERANCE + 1e-9 for one, used in pairs):
            return False

    for regime, estimated in weights.items():
        for one, used in zip(estimated, WEIGHTS[regime], strict=True):
            if abs(one - used) > _TOLERANCE + 1e-9:
                return False
    return True


def page(evidence: Evidence, shots: Sequence[Shots]) -> Iterator[str]:
    """Yield the lines of the section on the priors.

    Args:
        evidence: What they are estimated from.
        shots: What came of ladders of probes; it may be empty.
    """
    weights = estimate_weights(evidence)
    scores = evaluate(evidence)
    yield "## The priors of the regimes"
    yield ""
    yield _INTRODUCTION
    yield ""
    yield from weights_table(evidence, weights)
    yield ""
    yield from descents_text(estimate_descents(evidence))
    yield "What they predict on a family that they have not seen:"
    yield ""
    yield from scores_table(scores)
    yield ""
    yield from _misses(scores)
    if shots:
        summaries = summarize(shots)
        yield ""
        yield _SHOTS.format(repeats=len(shots[0].regrets[LAW]))
        yield ""
        yield from shots_table(summaries)
        yield ""
        yield from _shot_misses(summaries)


def advice(evidence: Evidence) -> str:
    """Say which numbers to write into `optuna_kappa.law.regimes`."""
    weights = estimate_weights(evidence)
    descents = estimate_descents(evidence)
    if agree(weights, descents):
        return "WEIGHTS and DESCENTS of optuna_kappa/law/regimes.py agree with these numbers."

    lines = ["Write into optuna_kappa/law/regimes.py:"]
    for name, estimated in (("WEIGHTS", weights), ("DESCENTS", descents)):
        rows = [f"    {regime}: {numbers}," for regime, numbers in estimated.items()]
        lines += [f"{name} = {{", *rows, "}"]
    return "\n".join(lines)


def as_json(evidence: Evidence, shots: Sequence[Shots]) -> Json:
    """The estimates and the evaluation as a JSON object.

    Args:
        evidence: What they are estimated from.
        shots: What came of ladders of probes; it may be empty.
    """
    weights = estimate_weights(evidence)
    scores = evaluate(evidence)
    summaries = summarize(shots)
    regimes = {}
    for regime, probabilities in weights.items():
        regimes[_title(regime)] = {
            "families": evidence.n_families(regime),
            "weights": dict(zip(CLASSES, probabilities, strict=True)),
            "scores": {rule: asdict(one) for rule, one in scores.get(regime, {}).items()},
            "one_shot": asdict(summaries[regime]) if regime in summaries else None,
        }
    descents = estimate_descents(evidence)
    return {
        "regimes": regimes,
        "descents": {_title(regime): asdict(one) for regime, one in descents.items()},
        "weights_agree": agree(weights, descents),
        "probe_budget": BUDGET,
    }


def weights_table(
    evidence: Evidence,
    weights: Mapping[Regime, Sequence[float]],
) -> Iterator[str]:
    """Yield a table of the probabilities of the classes."""
    rows = []
    for regime, probabilities in weights.items():
        numbers = [f"{probability:.2f}" for probability in probabilities]
        rows.append((_title(regime), str(evidence.n_families(regime)), *numbers))
    yield from as_table(("regime", "families", *CLASSES), rows)


def descents_text(descents: Mapping[Regime, Descent]) -> Iterator[str]:
    """Yield a paragraph for each regime in which the descent of the loss counts."""
    for regime, told in descents.items():
        yield _DESCENT.format(
            regime=_title(regime),
            stays=np.exp(told.ln_mean),
            falls=np.exp(told.ln_mean + told.per_slope),
            shape=told.shape,
        )
        yield ""


def scores_table(scores: Mapping[Regime, Mapping[str, Score]]) -> Iterator[str]:
    """Yield a table of how well each rule predicts the optimum."""
    rows = []
    for regime, by_rule in scores.items():
        for rule, score in by_rule.items():
            density = "-" if score.ln_density is None else f"{score.ln_density:.2f}"
            row = (_title(regime), rule, density, f"{score.error:.2f}", percent(score.coverage))
            rows.append(row)
    yield from as_table(
        ("regime", "rule", "ln density", "error in ln lr", "interval holds, %"), rows
    )


def shots_table(summaries: Mapping[Regime, Summary]) -> Iterator[str]:
    """Yield a table of regrets after ladders of probes."""
    rows = []
    for regime, summary in summaries.items():
        regrets = [
            f"{percent(summary.median[rule])} / {percent(summary.mean[rule])}" for rule in RULES
        ]
        tables = f"{summary.n_tables} ({summary.n_families})"
        rows.append((_title(regime), tables, *regrets, percent(summary.coverage)))
    yield from as_table(("regime", "tables (families)", *RULES, "interval holds, %"), rows)


def _misses(scores: Mapping[Regime, Mapping[str, Score]]) -> Iterator[str]:
    """Yield a line for each regime in which its prior is worse than another rule."""
    for regime, by_rule in scores.items():
        own = by_rule[REGIME]
        for rule, score in by_rule.items():
            worse = []
            if score.error < own.error:
                worse.append(f"errors of {score.error:.2f}, not {own.error:.2f}")
            if _density(score) > _density(own):
                worse.append(f"a ln density of {_density(score):.2f}, not {_density(own):.2f}")
            if worse:
                yield f"- {_title(regime)}: {rule} is better, with {' and '.join(worse)}."


def _shot_misses(summaries: Mapping[Regime, Summary]) -> Iterator[str]:
    """Yield a line for each regime in which the law loses more than another rule."""
    for regime, summary in summaries.items():
        fixed = [rule for rule in RULES if rule not in (LAW, UNINFORMED)]
        best = min(fixed, key=summary.mean.__getitem__)
        for rule in (UNINFORMED, best):
            if summary.mean[rule] < summary.mean[LAW]:
                yield (
                    f"- {_title(regime)}: {rule} loses less on average, "
                    f"{percent(summary.mean[rule])} %, not {percent(summary.mean[LAW])} %."
                )


def _density(score: Score) -> float:
    return -float("inf") if score.ln_density is None else score.ln_density


def _title(regime: Regime) -> str:
    kind, data = regime
    return f"{kind}, {data} data"


_INTRODUCTION = f"""\
`python -m studies.atlas priors` estimates the probabilities of the classes of slopes
(`optuna_kappa.law.regimes`) by empirical Bayes: it maximizes the probability of the optima of the
longest and of half as long runs, given what the law finds after ladders of probes of
{BUDGET:g} full runs (`python -m studies.atlas cases` draws them from the recorded runs). Each
family weighs the same, and only tables at a constant rate count. The probability of
*{ANYTHING}* is not estimated. Below, *{REGIME}* and *{ONE_PRIOR}* are
estimated without the family that they predict; *{TODAY}* is what the law believes when it is told
nothing. Errors are means of the absolute difference to the recorded optimum. Only the
probabilities leave the family out: means, spreads and ceilings of the classes were chosen with all
families in sight but those of clean data."""

_DESCENT = """\
*{regime}*: how fast the lowest loss of the probes falls with the data counts too. Its exponent
-d ln loss / d ln D is {stays:.2f} on average where the optimum will stay and {falls:.2f} where it
will fall as 1 / D, gamma distributed with a shape of {shape:.1f} (`optuna_kappa.law.descent`)."""

_SHOTS = f"""\
Ladders of probes of {BUDGET:g} full runs, drawn from the recorded runs ({{repeats}} a table), and
one proposal for the longest horizon: the median / mean regret in %, where the mean weighs families
equally. The law is told the optimizer and the passes, and its prior has not seen the family."""
