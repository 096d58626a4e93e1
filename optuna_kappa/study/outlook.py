"""How sure a study's recommendation is, and what the next runs would be worth.

The recommendation may stand before the first full run: probes and the law give it a probability,
too, to be within a few percent of the best. See `optuna_kappa.search.certainty` for how it is
computed, and `docs/certainty.md` for how often it holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from optuna.study import Study

from optuna_kappa._validation import POSITIVE, shown
from optuna_kappa.law.observations import observe
from optuna_kappa.law.verdict import Verdict
from optuna_kappa.search.certainty import Certainty, belief_of
from optuna_kappa.search.purchases import Known, Purchase, purchases
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.recommending import BestRate, best_rate
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.stopping_short import runs_that_stop_short
from optuna_kappa.study.study_law import StudyLaw

GOOD = 0.02  # regret up to which a recommendation counts as good, if nothing else is said

_SURE = 0.9  # probability from which a rate seems to be at odds with a law that is not known
_NO_LAW = ("undecided", "broken")

TOLERANCES = (0.01, 0.02, 0.05)  # regrets for which a probability is shown


@dataclass(frozen=True, eq=False)
class Outlook:
    """How sure a recommendation is.

    Attributes:
        lr: The recommended learning rate.
        certainty: The distribution of its regret.
        purchases: What a few more runs would be worth, the one with the largest gain first.

    Example:
        >>> import numpy as np
        >>> certainty = Certainty(np.array([0.01, 0.1]), np.array([0.8, 0.2]))
        >>> Outlook(0.001, certainty, []).certainty.within(0.02)
        0.8
    """

    lr: float
    certainty: Certainty
    purchases: list[Purchase]


def certainty(study: Study, sampler: KappaSampler | None = None) -> Certainty | None:
    """The distribution of the regret of the rate that `KappaSampler.recommend` returns.

    Args:
        study: A study that was searched with a `KappaSampler`.
        sampler: This sampler; by default that of the study.

    Returns:
        None while nothing can be recommended, and where all full runs stop far before their
        horizon.

    Raises:
        ValueError: The study has no `KappaSampler`, and none is given.

    Example:
        >>> import optuna
        >>> certainty(optuna.create_study(sampler=KappaSampler(horizon=24))) is None
        True
    """
    found = _found(study, sampler)
    return None if found is None else _certainty(*found)


def outlook(
    study: Study, sampler: KappaSampler | None = None, regret: float = GOOD
) -> Outlook | None:
    """How sure the recommendation is, and what the next runs would be worth.

    It takes a few seconds: what the runs may show is simulated.

    Args:
        study: A study that was searched with a `KappaSampler`.
        sampler: This sampler; by default that of the study.
        regret: Purchases are judged by the probability that the regret is at most this much.

    Returns:
        None where `certainty` is.

    Raises:
        ValueError: The study has no `KappaSampler`, and none is given, or `regret` is not
            positive.

    Example:
        >>> import optuna
        >>> outlook(optuna.create_study(sampler=KappaSampler(horizon=24))) is None
        True
    """
    regret = POSITIVE.check("regret", regret, "it is a part of the least loss, such as 0.02")
    sampler = kappa_sampler_of(study, sampler)
    found = _found(study, sampler)
    if found is None:
        return None

    now = _certainty(*found)
    if now is None:
        return None
    best, study_law = found
    bought = purchases(_known(best, study_law), sampler.rungs, regret)
    return Outlook(math.exp(best.ln_lr), now, bought)


def certainty_text(certainty: Certainty, verdict: Verdict) -> str:
    """The probability that a recommended rate is good enough, in words.

    Args:
        certainty: The distribution of its regret.
        verdict: That on the law, which the text is shown beside.

    Example:
        >>> import numpy as np
        >>> good = Certainty(np.array([0.01, 0.1]), np.array([0.95, 0.05]))
        >>> certainty_text(good, Verdict("holds", "The optimum falls.", "Use the proposal."))
        'with probability 95 %, the loss of a full run is at most 2 % above that at the best lr'
        >>> certainty_text(good, Verdict("undecided", "Too few runs.", "Run more.")).split(". ")[1]
        'The verdict is on how the best lr moves with the horizon: that may be undecided ...'
    """
    probability = certainty.within(GOOD)
    text = (
        f"with probability {probability_text(probability)}, the loss of a full run is at most "
        f"{100 * GOOD:g} % above that at the best lr"
    )
    if probability < _SURE or verdict.word not in _NO_LAW:
        return text
    return (
        f"{text}. The verdict is on how the best lr moves with the horizon: that may be "
        f"{verdict.word} although this lr is good for full runs"
    )


def within_tolerances(certainty: Certainty) -> dict[str, float]:
    """The probability that the regret is at most each of the tolerances, as JSON has it.

    Example:
        >>> import numpy as np
        >>> within_tolerances(Certainty(np.array([0.01, 0.1]), np.array([0.8, 0.2])))
        {'0.01': 0.8, '0.02': 0.8, '0.05': 0.8}
    """
    return {f"{regret:g}": certainty.within(regret) for regret in TOLERANCES}


def probability_text(probability: float) -> str:
    """A probability in percent, which is never said to be none or certain.

    Example:
        >>> [probability_text(one) for one in (0.0, 0.853, 0.999)]
        ['< 1 %', '85 %', '> 99 %']
    """
    if probability > 0.99:
        return "> 99 %"
    if probability < 0.01:
        return "< 1 %"
    return f"{100 * probability:.0f} %"


def kappa_sampler_of(study: Study, sampler: Any = None) -> KappaSampler:
    """The sampler given, or that of the study.

    Raises:
        ValueError: It is no `KappaSampler`.

    Example:
        >>> import optuna
        >>> kappa_sampler_of(optuna.create_study(), KappaSampler(horizon=24)).rungs
        [(1, 6), (8, 4)]
    """
    sampler = study.sampler if sampler is None else sampler
    if isinstance(sampler, KappaSampler):
        return sampler
    raise ValueError(
        f"sampler must be a KappaSampler, got {shown(sampler)}: give the one that the study was "
        "searched with, or set study.sampler."
    )


def _found(study: Study, sampler: KappaSampler | None) -> tuple[BestRate, StudyLaw] | None:
    sampler = kappa_sampler_of(study, sampler)
    trials = snapshot_now(study)
    study_law = sampler.study_law(study, trials)
    found = best_rate(study, trials, None, study_law)
    return None if found is None else (found, study_law)


def certainty_at(study_law: StudyLaw, ln_lr: float) -> Certainty | None:
    """The distribution of the regret of full runs at an ln lr, moved to the average parameters.

    None if nothing is known of full runs.

    Args:
        study_law: What the finished trials and the sources say.
        ln_lr: ln lr, minus what the other parameters move the optimum by.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> study = example_study()
        >>> study_law = KappaSampler(24, seed=0).study_law(study, study.trials)
        >>> good, bad = math.log(0.02 / 24), math.log(0.2 / 24)  # the best is 0.02 / 24
        >>> certainty_at(study_law, good).mean < certainty_at(study_law, bad).mean
        True
    """
    # Of runs that stop far before their horizon, nobody knows what they would have come to.
    if runs_that_stop_short(study_law.trials):
        return None
    problem = study_law.problem
    belief = belief_of(study_law.chain, study_law.law, problem.horizon, problem.schedule)
    return None if belief is None else belief.certainty(ln_lr)


def _certainty(best: BestRate, study_law: StudyLaw) -> Certainty | None:
    return certainty_at(study_law, best.ln_lr - best.shift)


def _known(best: BestRate, study_law: StudyLaw) -> Known:
    """What is known of runs with the average of the other parameters."""
    problem = study_law.problem
    return Known(
        seen=observe(study_law.adjusted),
        logarithmic=study_law.chain.logarithmic,
        others=problem.sources,
        horizon=problem.horizon,
        schedule=problem.schedule,
        prior=problem.prior,
        low=best.low - best.shift,
        high=best.high - best.shift,
    )
