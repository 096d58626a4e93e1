"""Measure what a pruner does to a stream of trials: what it ends, what that saves and costs.

The proposals come from a sampler whose trials all run to the end. The same proposals, with the
same curves, are then run without a pruner and with each pruner. Any difference is therefore due to
the pruner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import optuna

from optuna_kappa import KappaPruner
from optuna_kappa._typing import Bools, Floats
from optuna_kappa.runs.table import SAME_HORIZON
from optuna_kappa.study.decisions import decisions
from studies.replay.objective import LR, Curve, Objective, Params
from studies.replay.search import TOP_K, follow, new_study, rng_of, target_of, tell
from studies.samplers import make

_CLOSE = 0.01  # a trial whose loss is within this fraction of the best one's is as good
_KEPT_OF = 8  # without a setting, top-k runs one of this many proposals in full


class Proposal(NamedTuple):
    """A trial of the stream.

    Attributes:
        params: Its parameters.
        curve: Its reports, up to the target horizon.
        regret: Expected regret of its parameters.
    """

    params: Params
    curve: Curve
    regret: float

    @property
    def loss(self) -> float:
        """Its final loss; infinite if it diverged."""
        final = float(self.curve.losses[-1])
        return final if math.isfinite(final) else math.inf


class Outcome(NamedTuple):
    """What a pruner did to one stream. All but the last are fractions.

    Attributes:
        survival: 1 if the trial with the lowest final loss was not pruned, else 0.
        survival_1pct: 1 if at least one trial within 1 % of that loss was not pruned, else 0.
        regret: Expected loss of the best survivor, divided by that of the best trial, minus 1. It
            is negative if the best trial was the best by luck.
        regret_observed: The same with the losses that were seen.
        saved: Data that was not trained on, as a fraction of what the whole stream costs.
        lr_shift: ln of the ratio of the best survivor's learning rate to that of the best trial.
    """

    survival: float
    survival_1pct: float
    regret: float
    regret_observed: float
    saved: float
    lr_shift: float


class _Ran(NamedTuple):
    """A stream that was run with a pruner.

    Attributes:
        costs: Data that each trial trained on, shape `(n,)`.
        ended: Whether each trial came to its end, shape `(n,)`.
    """

    costs: Floats
    ended: Bools


def proposals(
    objective: Objective,
    name: str,
    seed: int,
    n: int,
) -> list[Proposal]:
    """Make a stream of proposals by a sampler whose trials all run to the target horizon.

    Args:
        objective: What is searched.
        name: Name of the sampler.
        seed: Seed of the stream.
        n: Number of proposals.
    """
    study = new_study(seed)
    study.sampler, _ = make(name, target_of(objective, seed))
    space = dict(objective.space)

    stream = []
    for number in range(n):
        trial = study.ask(space)
        curve = objective.curve(trial.params, objective.horizon, rng_of(seed, number))
        _, ended = follow(trial, curve, prune=False)
        tell(study, trial, float(curve.losses[-1]) if ended else None)

        regret = objective.regret(trial.params)
        stream.append(Proposal(dict(trial.params), curve, regret))

    return stream


def outcome(
    objective: Objective,
    stream: Sequence[Proposal],
    pruner: str,
    seed: int,
) -> Outcome:
    """Measure what a pruner does to a stream.

    Args:
        objective: What is searched.
        stream: Proposals.
        pruner: Name of a pruner, as `studies.samplers` reads it, or `TOP_K`.
        seed: Seed of the stream.
    """
    name, _, setting = pruner.partition(":")
    if name == TOP_K:
        ran = _top_k(stream, objective.epoch, float(setting or _KEPT_OF))
    else:
        ran, _ = _pruned(objective, stream, pruner, seed)

    losses = np.array([proposal.loss for proposal in stream])
    winner = int(np.argmin(losses))
    lowest = losses[winner]
    close = losses <= lowest + _CLOSE * abs(lowest)

    survivor = _best_survivor(losses, ran.ended)
    best = stream[winner]
    kept = stream[survivor]
    whole = sum(_length(proposal.curve) for proposal in stream)
    return Outcome(
        survival=float(ran.ended[winner]),
        survival_1pct=float((ran.ended & close).any()),
        regret=(1 + kept.regret) / (1 + best.regret) - 1,
        regret_observed=float(losses[survivor] - lowest) / abs(float(lowest)),
        saved=1 - float(ran.costs.sum()) / whole,
        lr_shift=math.log(kept.params[LR] / best.params[LR]),
    )


def _best_survivor(losses: Floats, ended: Bools) -> int:
    """Number of the trial with the lowest loss among those that came to their end."""
    if not ended.any():
        # There is nothing to recommend. The worst trial stands for that.
        return int(np.argmax(losses))

    return int(np.argmin(np.where(ended, losses, np.inf)))


class Stated(NamedTuple):
    """What KappaPruner stated about one trial at one phase.

    Attributes:
        probability: Probability that the trial ends below the best one so far.
        won: Whether it did, or would have.
        number: Number of the trial in its stream.
    """

    probability: float
    won: bool
    number: int


def stated(
    objective: Objective,
    stream: Sequence[Proposal],
    pruner: str,
    seed: int,
) -> list[Stated]:
    """Collect all that a KappaPruner states while it prunes a stream, and whether it was right.

    Args:
        objective: What is searched.
        stream: Proposals.
        pruner: Name of the pruner, with or without a setting.
        seed: Seed of the stream.
    """
    ran, study = _pruned(objective, stream, pruner, seed)
    kappa = study.pruner
    assert isinstance(kappa, KappaPruner)

    statements = []
    best = math.inf
    for number, proposal in enumerate(stream):
        won = proposal.loss < best
        for decision in decisions(study, number, kappa):
            if decision.probability is not None:
                statements.append(Stated(decision.probability, won, number))

        if ran.ended[number]:
            best = min(best, proposal.loss)

    return statements


def _pruned(
    objective: Objective,
    stream: Sequence[Proposal],
    pruner: str,
    seed: int,
) -> tuple[_Ran, optuna.Study]:
    """Run a stream with a pruner; return what it cost, and the study with all its trials."""
    study = new_study(seed)
    _, study.pruner = make(f"random+{pruner}", target_of(objective, seed))
    space = dict(objective.space)

    costs = []
    ended = []
    for proposal in stream:
        # The study takes the parameters from the queue, so its sampler has no part in them.
        study.enqueue_trial(dict(proposal.params))
        trial = study.ask(space)
        cost, at_end = follow(trial, proposal.curve, prune=True)
        tell(study, trial, proposal.loss if at_end else None)

        costs.append(cost)
        ended.append(at_end)

    return _Ran(np.array(costs), np.array(ended)), study


def _top_k(
    stream: Sequence[Proposal],
    epoch: float,
    kept_of: float,
) -> _Ran:
    """Run all proposals for one epoch, then the best of them, one of `kept_of`, to the end."""
    first_losses = []
    first_costs = []
    end_of_epoch = epoch * (1 - SAME_HORIZON)
    for proposal in stream:
        steps = proposal.curve.steps
        after_epoch = int(np.searchsorted(steps[:-1], end_of_epoch))
        first_losses.append(proposal.curve.losses[after_epoch])
        first_costs.append(steps[after_epoch])

    seen = np.array(first_losses)
    seen = np.where(np.isfinite(seen), seen, np.inf)
    order = np.argsort(seen, kind="stable")
    n_kept = max(1, int(len(stream) / kept_of))
    kept = np.isin(np.arange(len(stream)), order[:n_kept])

    whole = np.array([_length(proposal.curve) for proposal in stream])
    short = np.minimum(first_costs, whole)
    converged = np.isfinite([proposal.loss for proposal in stream])
    return _Ran(np.where(kept, whole, short), kept & converged)


def _length(curve: Curve) -> float:
    """Data that a whole run costs: up to the report at which it diverged, if it did."""
    diverged = ~np.isfinite(curve.losses)
    last = int(np.argmax(diverged)) if diverged.any() else -1
    return float(curve.steps[last])


def as_array(outcomes: Sequence[Outcome]) -> Floats:
    """Outcomes as an array of shape `(n, 6)`, with the fields in their order."""
    return np.array(outcomes, dtype=np.float64)
