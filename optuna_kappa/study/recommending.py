"""The learning rate to train full runs with, at the end of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa._validation import check_mapping
from optuna_kappa.study.lr_names import NAME_USED, quoted
from optuna_kappa.study.lr_range import lr_name_for, lr_range_for
from optuna_kappa.study.search_space import ends, require_lr
from optuna_kappa.study.study_law import StudyLaw
from optuna_kappa.study.trials import best_params, require_known_params


def recommended_lr(
    study: Study,
    trials: Sequence[FrozenTrial],
    params: Mapping[str, Any] | None,
    study_law: StudyLaw,
) -> float:
    """The lr with the least expected loss of a full run, within the range that trials have had.

    Args:
        study: The study of the trials.
        trials: All its trials.
        params: Other parameters of the run. By default those of the best full run; where the
            learning rate has several names, these tell which one is meant.
        study_law: What the finished trials and the sources say.

    Raises:
        ValueError: No trial has a learning rate, no horizon has three learning rates with a
            finite loss yet, or no trial has a parameter of one of these names.

    Example:
        >>> import optuna
        >>> from optuna_kappa.runs import example_runs  # the best lr is 0.01 / horizon
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.sources import source_optima
        >>> from optuna_kappa.study.study_law import Problem
        >>> study = optuna.create_study()
        >>> lr = study.ask().suggest_float("lr", 1e-6, 1e-1, log=True)
        >>> sources = source_optima([example_runs()], lr="lr")
        >>> problem = Problem(64, as_schedule("constant"), "lr", sources, study.direction)
        >>> round(recommended_lr(study, study.trials, None, StudyLaw(problem, [])), 5)
        0.00015
    """
    found = best_rate(study, trials, params, study_law)
    if found is not None:
        return math.exp(found.ln_lr)

    raise ValueError(
        f"nothing can be recommended before a trial has suggested {quoted(study_law.problem.lr)} "
        "and three learning rates have a finite loss at one horizon; run more trials first"
    )


class BestRate(NamedTuple):
    """The learning rate to train full runs with.

    Attributes:
        ln_lr: Its ln lr.
        shift: How far the other parameters of the runs move the optimal ln lr.
        low: Lower end of the range of ln lr.
        high: Upper end.

    Example:
        >>> BestRate(ln_lr=-6.0, shift=0.0, low=-9.0, high=-3.0).ln_lr
        -6.0
    """

    ln_lr: float
    shift: float
    low: float
    high: float


def best_rate(
    study: Study,
    trials: Sequence[FrozenTrial],
    params: Mapping[str, Any] | None,
    study_law: StudyLaw,
) -> BestRate | None:
    """As `recommended_lr`, with what it rests on; None where nothing can be recommended yet.

    Example:
        >>> import optuna
        >>> from optuna_kappa.schedules import as_schedule
        >>> from optuna_kappa.study.study_law import Problem
        >>> study = optuna.create_study()
        >>> problem = Problem(64, as_schedule("constant"), "lr", [], study.direction)
        >>> best_rate(study, study.trials, None, StudyLaw(problem, [])) is None
        True
    """
    problem = study_law.problem
    best = best_params(study, trials, problem.horizon)
    params = best if params is None else params
    check_mapping("params", params, "it has values of other parameters by name")
    require_known_params(params, trials)

    name = lr_name_for(params, trials, problem.lr, missing=best)
    lr_range = lr_range_for(params, trials, name, missing=best)
    if lr_range is None:
        return None

    low, high = ends(require_lr(name, lr_range))
    all_params = {**params, NAME_USED: name}
    ln_lr = study_law.recommend(all_params, low, high)
    if ln_lr is None:
        return None
    return BestRate(ln_lr, study_law.shift(all_params), low, high)
