"""One replayed search: any Optuna sampler and pruner, charged for every sample."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from optuna_kappa import KappaSampler, RunTable, horizon, run_table
from optuna_kappa.study.plans import kind_of
from studies.replay.objective import LR, Curve, Objective, Params
from studies.samplers import KAPPA, Target, make

TOP_K = "top-k"


@dataclass(frozen=True)
class Searched:
    """What a search would recommend, trial by trial.

    Attributes:
        spent: Full-run equivalents spent by the end of each trial, shape `(n,)`.
        regret: Expected regret of what is recommended then; NaN while nothing is.
        ask_ms: Milliseconds that each ask took, shape `(n,)`.
    """

    spent: np.ndarray
    regret: np.ndarray
    ask_ms: np.ndarray

    def at(self, budgets: np.ndarray) -> np.ndarray:
        """Regret with a budget in full-run equivalents, of its shape."""
        known = np.concatenate([[np.nan], self.regret])
        found: np.ndarray = known[np.searchsorted(self.spent, budgets + 1e-9, side="right")]
        return found


@dataclass(frozen=True)
class _Trial:
    """A trial: its cost in full-run equivalents, its loss if it is a full run, NaN if not."""

    cost: float
    loss: float
    params: Params
    ask_ms: float
    full: bool
    recommended: Params | None = None


def search(
    objective: Objective,
    name: str,
    seed: int,
    budget: float,
    lender: Objective | None = None,
    sources: Sequence[RunTable] = (),
) -> Searched:
    """Searches until the budget is spent.

    Kappa recommends what `KappaSampler.recommend` says. The others, and kappa where more than the
    learning rate is searched, recommend the full run with the lowest loss seen.

    Args:
        objective: What to search.
        name: Name of a sampler, as `studies.samplers` reads it, or `TOP_K`.
        seed: Seed of the search. Its trial number n gets the same recorded seed from any sampler.
        budget: Full-run equivalents.
        lender: What kappa's probes are runs of, such as constant-rate runs for a cosine target;
            None for the objective itself.
        sources: Runs that a kappa search starts from, data in steps. Nothing is charged for them.
    """
    if name == TOP_K:
        trials = _top_k(objective, seed)
    else:
        trials = _ask(objective, name, seed, lender, sources)
    spent, best, regret = 0.0, math.inf, math.nan
    rows: list[tuple[float, float, float]] = []
    for trial in trials:
        spent += trial.cost
        if trial.recommended is not None:
            regret = objective.regret(trial.recommended)
        elif trial.loss < best:
            best, regret = trial.loss, objective.regret(trial.params)
        rows.append((round(spent, 9), regret, trial.ask_ms))
        if spent >= budget - 1e-9:
            break
    return Searched(*np.array(rows).T)


def rng_of(seed: int, number: int) -> np.random.Generator:
    """Randomness of a trial."""
    return np.random.default_rng([seed, number])


def new_study(seed: int) -> optuna.Study:
    """A study in memory. Hyperband takes a trial's bracket from the study's name."""
    return optuna.create_study(study_name=f"replay {seed}")


def target_of(objective: Objective, seed: int, sources: Sequence[RunTable] = ()) -> Target:
    """The target of a search."""
    return Target(round(objective.horizon), objective.schedule, sources, seed, number=0)


def _ask(
    objective: Objective,
    name: str,
    seed: int,
    lender: Objective | None,
    given: Sequence[RunTable],
) -> Iterator[_Trial]:
    """The trials of a search, without end."""
    sources = list(given)
    if lender is not None and name == KAPPA:
        study = new_study(seed)
        for trial in _run(study, name, target_of(lender, seed), lender, objective):
            if trial.full:
                break
            yield trial
        # Without the full run that ended the probes: nobody is charged for it.
        sources.append(run_table([t for t in study.trials if kind_of(t) == "probe"]))
    yield from _run(
        new_study(seed), name, target_of(objective, seed, sources), objective, objective
    )


def _run(
    study: optuna.Study, name: str, target: Target, objective: Objective, goal: Objective
) -> Iterator[_Trial]:
    """The trials of an Optuna study, without end.

    Args:
        study: New study.
        name: Name of its sampler.
        target: What the sampler is told.
        objective: What its trials are runs of.
        goal: What the search is for: what costs are in full runs of, and recommendations are for.
    """
    study.sampler, study.pruner = sampler, pruner = make(name, target)
    prune, space = not isinstance(pruner, NopPruner), dict(objective.space)
    while True:
        started = time.perf_counter()
        trial = study.ask(space)
        ask_ms = 1e3 * (time.perf_counter() - started)
        planned = horizon(trial, default=target.horizon)
        curve = objective.curve(trial.params, planned, rng_of(target.seed, trial.number))
        cost, ended = follow(trial, curve, prune=prune)
        full = planned == target.horizon
        if ended:
            study.tell(trial, float(curve.losses[-1]))
        else:
            study.tell(trial, state=TrialState.PRUNED)
        yield _Trial(
            cost=cost / goal.horizon,
            loss=float(curve.losses[-1]) if ended and full else math.nan,
            params=trial.params,
            ask_ms=ask_ms,
            full=full,
            recommended=_recommended(sampler, study, objective, goal),
        )


def _recommended(
    sampler: BaseSampler, study: optuna.Study, objective: Objective, goal: Objective
) -> Params | None:
    """What kappa recommends for the goal; only where the learning rate is all there is."""
    if not isinstance(sampler, KappaSampler) or len(goal.space) > 1:
        return None
    try:
        if objective is goal:
            return {LR: sampler.recommend(study)}
        predicted = sampler.law(study).predict(goal.horizon, goal.schedule)
    except ValueError:  # there is nothing to start from yet
        return None
    return {LR: math.exp(predicted.quantile(0.5))}


def follow(trial: Trial, curve: Curve, *, prune: bool) -> tuple[float, bool]:
    """Reports a curve; returns the data it has cost, and whether it came to its end."""
    for step, loss in zip(curve.steps, curve.losses, strict=True):
        trial.report(float(loss), max(1, round(step)))
        if not math.isfinite(loss) or (prune and trial.should_prune()):
            return float(step), False
    return float(curve.steps[-1]), True


def _top_k(objective: Objective, seed: int) -> Iterator[_Trial]:
    """Everything recorded for one epoch, then the best in full, one by one, as new runs."""
    short = min(objective.epoch, objective.horizon)
    first: list[tuple[float, Params]] = []
    for params in objective.recorded:
        curve = objective.curve(params, short, rng_of(seed, len(first)))
        loss = float(curve.losses[-1])
        first.append((loss if math.isfinite(loss) else math.inf, params))
        yield _Trial(float(curve.steps[-1]) / objective.horizon, math.nan, params, 0.0, full=False)
    for number, (_, params) in enumerate(sorted(first, key=lambda pair: pair[0]), len(first)):
        curve = objective.curve(params, objective.horizon, rng_of(seed, number))
        yield _Trial(1.0, float(curve.losses[-1]), params, 0.0, full=True)
