"""Replay one search with any Optuna sampler and pruner, and count every sample it trains on."""

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
from studies.samplers import KAPPA, NOTHING, Known, Target, make

TOP_K = "top-k"
_ROUNDING = 1e-9  # full-run equivalents; budgets this close are equal


@dataclass(frozen=True)
class Searched:
    """What a search recommends after each of its trials.

    Attributes:
        spent: Full-run equivalents spent by the end of each trial, shape `(n,)`.
        regret: Expected regret of the recommendation at that point; NaN while there is none.
        ask_ms: Milliseconds that each ask took, shape `(n,)`.
    """

    spent: np.ndarray
    regret: np.ndarray
    ask_ms: np.ndarray

    def at(self, budgets: np.ndarray) -> np.ndarray:
        """Regret for each budget in full-run equivalents, in the shape of `budgets`."""
        after_trial = np.searchsorted(self.spent, budgets + _ROUNDING, side="right")
        from_start = np.concatenate([[np.nan], self.regret])
        regrets: np.ndarray = from_start[after_trial]
        return regrets


@dataclass(frozen=True)
class _Trial:
    """A replayed trial.

    Attributes:
        cost: Full-run equivalents.
        loss: Final loss of a full run; NaN for other trials.
        params: Parameters.
        ask_ms: Milliseconds that the ask took.
        full: Whether the trial was planned for the target horizon.
        recommended: Parameters that the sampler recommends after this trial; None if the sampler
            recommends nothing by itself.
    """

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
    known: Known = NOTHING,
) -> Searched:
    """Search until the budget is spent.

    Kappa recommends what `KappaSampler.recommend` returns. The other samplers recommend the full
    run with the lowest loss so far. So does kappa if parameters other than the learning rate are
    searched too.

    Args:
        objective: What to search.
        name: Name of a sampler, as `studies.samplers` reads it, or `TOP_K`.
        seed: Seed of the search. Trial number n replays the same recorded seed with any sampler.
        budget: Full-run equivalents.
        lender: Where kappa's probes come from, such as constant-rate runs for a cosine target;
            None for the objective itself.
        sources: Runs that a kappa search starts from, with data in steps. They cost nothing.
        known: What a kappa search is told of the runs of the target horizon.
    """
    spent = 0.0
    best = math.inf
    regret = math.nan
    rows: list[tuple[float, float, float]] = []

    for trial in _trials_of(objective, name, seed, lender, sources, known):
        spent += trial.cost
        if trial.recommended is not None:
            regret = objective.regret(trial.recommended)
        elif trial.loss < best:
            best = trial.loss
            regret = objective.regret(trial.params)

        rows.append((round(spent, 9), regret, trial.ask_ms))
        if spent >= budget - _ROUNDING:
            break

    return Searched(*np.array(rows).T)


def rng_of(seed: int, number: int) -> np.random.Generator:
    """Random generator of a trial.

    Args:
        seed: Seed of the search.
        number: Number of the trial.
    """
    return np.random.default_rng([seed, number])


def new_study(seed: int) -> optuna.Study:
    """Create a study in memory. It has a fixed name because Hyperband derives brackets from it."""
    return optuna.create_study(study_name=f"replay {seed}")


def target_of(
    objective: Objective, seed: int, sources: Sequence[RunTable] = (), known: Known = NOTHING
) -> Target:
    """Target of a search."""
    return Target(
        horizon=round(objective.horizon),
        schedule=objective.schedule,
        sources=sources,
        seed=seed,
        number=0,
        known=known,
    )


def _trials_of(
    objective: Objective,
    name: str,
    seed: int,
    lender: Objective | None,
    given: Sequence[RunTable],
    known: Known,
) -> Iterator[_Trial]:
    """The trials of a search: without end, but for top-k."""
    if name == TOP_K:
        yield from _top_k(objective, seed)
        return

    sources = list(given)
    if lender is not None and name == KAPPA:
        probing = new_study(seed)
        ratio = lender.horizon / objective.horizon
        target = target_of(lender, seed, known=known.at(ratio))
        for trial in _asked(probing, name, target, lender, objective):
            if trial.full:
                break
            yield trial

        # The full run that ended the loop above was not charged, so it is left out.
        probes = [trial for trial in probing.trials if kind_of(trial) == "probe"]
        sources.append(run_table(probes))

    target = target_of(objective, seed, sources, known)
    yield from _asked(new_study(seed), name, target, objective, objective)


def _asked(
    study: optuna.Study,
    name: str,
    target: Target,
    objective: Objective,
    goal: Objective,
) -> Iterator[_Trial]:
    """The trials of an Optuna study, without end.

    Args:
        study: New study.
        name: Name of its sampler.
        target: Target that the sampler is given.
        objective: Objective that is run.
        goal: Objective that the search is for. Its full run is the unit of costs, and
            recommendations are made for it.
    """
    sampler, pruner = make(name, target)
    study.sampler = sampler
    study.pruner = pruner
    prune = not isinstance(pruner, NopPruner)
    space = dict(objective.space)

    while True:
        started = time.perf_counter()
        trial = study.ask(space)
        ask_ms = 1e3 * (time.perf_counter() - started)

        planned = horizon(trial, default=target.horizon)
        full = planned == target.horizon
        rng = rng_of(target.seed, trial.number)
        curve = objective.curve(trial.params, planned, rng)
        cost, ended = follow(trial, curve, prune=prune)
        loss = float(curve.losses[-1])
        tell(study, trial, loss if ended else None)

        yield _Trial(
            cost=cost / goal.horizon,
            loss=loss if ended and full else math.nan,
            params=trial.params,
            ask_ms=ask_ms,
            full=full,
            recommended=_recommended(sampler, study, objective, goal),
        )


def _recommended(
    sampler: BaseSampler,
    study: optuna.Study,
    objective: Objective,
    goal: Objective,
) -> Params | None:
    """What kappa recommends for the goal; None if more than the learning rate is searched."""
    if not isinstance(sampler, KappaSampler) or len(goal.space) > 1:
        return None

    try:
        if objective is goal:
            return {LR: sampler.recommend(study)}
        predicted = sampler.law(study).predict(goal.horizon, goal.schedule)
    except ValueError:  # too few trials for a recommendation
        return None

    return {LR: math.exp(predicted.quantile(0.5))}


def follow(trial: Trial, curve: Curve, *, prune: bool) -> tuple[float, bool]:
    """Report a curve to a trial, until the run diverges or is pruned.

    Args:
        trial: Running trial.
        curve: Its reports.
        prune: Whether the pruner is asked after each report.

    Returns:
        The data that was trained on, and whether the trial came to its end.
    """
    for step, loss in zip(curve.steps, curve.losses, strict=True):
        trial.report(float(loss), max(1, round(step)))
        if not math.isfinite(loss) or (prune and trial.should_prune()):
            return float(step), False

    return float(curve.steps[-1]), True


def tell(study: optuna.Study, trial: Trial, loss: float | None) -> None:
    """Finish a trial with its loss; as pruned if there is none."""
    if loss is None:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, loss)


def _top_k(objective: Objective, seed: int) -> Iterator[_Trial]:
    """Run everything recorded for one epoch, then the best in full, one by one, as new runs."""
    short = min(objective.epoch, objective.horizon)
    short_runs: list[tuple[float, Params]] = []

    for number, params in enumerate(objective.recorded):
        curve = objective.curve(params, short, rng_of(seed, number))
        loss = float(curve.losses[-1])
        short_runs.append((loss if math.isfinite(loss) else math.inf, params))
        yield _Trial(
            cost=float(curve.steps[-1]) / objective.horizon,
            loss=math.nan,
            params=params,
            ask_ms=0.0,
            full=False,
        )

    best_first = sorted(short_runs, key=lambda run: run[0])
    for number, (_, params) in enumerate(best_first, start=len(short_runs)):
        curve = objective.curve(params, objective.horizon, rng_of(seed, number))
        yield _Trial(
            cost=1.0,
            loss=float(curve.losses[-1]),
            params=params,
            ask_ms=0.0,
            full=True,
        )
