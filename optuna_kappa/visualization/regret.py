"""How much a full run at the rate that a search would recommend is expected to lose.

After each trial, a search recommends a rate: a `KappaSampler` the one with the least expected
loss, any other sampler that of its best full run so far. How good these rates are is judged by
what is known in the end: by the law and the valley of all runs of all studies that are compared.
With the minimum at the i-th of several places, a full run at x = ln lr has the expected loss
L_i(x), so the expected regret is

    sum over i of weight_i (L_i(x) - min L_i)

as `optuna_kappa.search.surrogate` has them. Where all losses are positive, L is the logarithm of a
loss and the regret a fraction of the best loss; otherwise it is in the unit of the values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law import fit
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import find_chain
from optuna_kappa.runs import RunTable
from optuna_kappa.search.surrogate import surrogate
from optuna_kappa.study.evidence import select_evidence
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.recommending import recommended_lr
from optuna_kappa.study.study_law import StudyLaw
from optuna_kappa.visualization import marks
from optuna_kappa.visualization.outcomes import is_full_run
from optuna_kappa.visualization.searched import Searched
from optuna_kappa.visualization.spending import Ended, Progress, Unit, ended

_MOST_LAWS = 16  # that are fitted for the recommendations of one study


class Regret(NamedTuple):
    """Expected regret of the recommendations of several studies.

    Attributes:
        by_study: For each study, the expected regret by each budget.
        is_fraction: Whether it is a fraction of the best loss.

    Example:
        >>> Regret([], is_fraction=True).is_fraction
        True
    """

    by_study: list[Progress]
    is_fraction: bool


def expected_regret(studies: Sequence[Searched], unit: Unit) -> Regret | None:
    """Expected regret of what each study would have recommended by each budget.

    Args:
        studies: Studies of one problem.
        unit: Unit of the budget, full-run equivalents ("budget") or seconds ("time").

    Returns:
        None where it cannot be said: the studies are of several problems, other parameters vary,
        or their runs locate no optimum.

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> expected_regret([searched(optuna.create_study())], "budget") is None
        True
    """
    if not studies or not _is_one_problem(studies):
        return None

    rates = [_recommendations(known, unit) for known in studies]
    judge = _judge(studies, [rate for _, lrs in rates for rate in lrs if math.isfinite(rate)])
    if judge is None:
        return None

    by_study = []
    for spent, lrs in rates:
        regrets = [judge.regret(lr) if math.isfinite(lr) else math.inf for lr in lrs]
        by_study.append(Progress(spent, np.array(regrets)))
    return Regret(by_study, judge.is_fraction)


def _is_one_problem(studies: Sequence[Searched]) -> bool:
    """Whether all full runs of some studies can be compared by their rates alone."""
    first = studies[0]
    if not first.horizon or first.shape is None:
        return False

    for known in studies:
        same_runs = (known.horizon, known.schedule) == (first.horizon, first.schedule)
        if not same_runs or known.sign != first.sign or known.varied:
            return False
    return True


class _Judge(NamedTuple):
    """What is known of full runs in the end."""

    regret: Callable[[float], float]  # of a learning rate
    is_fraction: bool


def _judge(studies: Sequence[Searched], rates: Sequence[float]) -> _Judge | None:
    """What the runs of all studies say about full runs at any of some rates."""
    runs = RunTable.concatenate([known.runs for known in studies])
    if not len(runs) or not rates:
        return None

    first = studies[0]
    assert first.shape is not None
    law = fit(runs, prior=first.law.prior)
    if not law.optima:
        return None

    chain = find_chain(observe(runs))
    best = law.propose(first.horizon, first.shape).lr
    low, high = math.log(min(*rates, best)), math.log(max(*rates, best))
    losses = surrogate(chain, law, first.horizon, first.shape, low - 1.0, high + 1.0)
    regrets: Floats = losses.weight @ (losses.loss - losses.loss.min(axis=1, keepdims=True))
    return _Judge(
        regret=lambda lr: float(np.interp(math.log(lr), losses.x, regrets)),
        is_fraction=chain.logarithmic,
    )


def _recommendations(known: Searched, unit: Unit) -> tuple[Floats, list[float]]:
    """What a study had spent, and the rate that it would have recommended then; NaN for none."""
    found = ended(known, unit)
    has_plans = any(plan_of(trial) for trial in found.trials)
    if not has_plans:
        return found.spent, _best_rates(known, found)

    places = marks.thin(len(found.trials), most=_MOST_LAWS)
    return found.spent[places], [_recommended(known, found, place) for place in places]


def _recommended(known: Searched, found: Ended, place: int) -> float:
    """The rate that the law recommends once the trials up to a place have ended."""
    assert known.study_law is not None
    trials = sorted(found.trials[: place + 1], key=lambda trial: trial.number)
    study_law = StudyLaw(known.study_law.problem, select_evidence(trials, known.lr))
    try:
        return recommended_lr(known.study, trials, None, study_law)
    except ValueError:
        return math.nan


def _best_rates(known: Searched, found: Ended) -> list[float]:
    """The rate of the best full run so far, after each trial."""
    best = math.inf
    rate = math.nan
    rates = []
    for one in found.ran:
        if is_full_run(one, known.horizon) and one.lr is not None and one.value is not None:
            loss = known.sign * one.value
            if loss < best:
                best, rate = loss, one.lr
        rates.append(rate)
    return rates
