"""What a pruner does to a stream of trials: which it ends, what that saves and what it costs.

The same proposals, with the same curves, are run without and with each pruner, so that what
differs is the pruner's doing. The proposals are a sampler's that saw them all run to the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import TrialState

from optuna_kappa import KappaPruner
from optuna_kappa._typing import Floats
from optuna_kappa.study.decisions import decisions
from studies.replay.objective import LR, Curve, Objective, Params
from studies.replay.search import TOP_K, follow, new_study, rng_of, target_of
from studies.samplers import make

_CLOSE = 0.01  # a trial within this part of the best one's loss is as good
_KEPT = 8  # top-k runs one of so many proposals in full, without a setting


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
    """What a pruner did to one stream; fractions of one.

    Attributes:
        survival: 1 if the trial with the lowest final loss was not pruned, else 0.
        survival_1pct: 1 if any trial within 1 % of it was not.
        regret: Expected loss of the best survivor over that of the best trial, minus 1. Negative
            where the best trial was that by luck.
        regret_observed: The same with the losses seen.
        saved: Data not trained on, of all that the stream would have cost.
        lr_shift: ln of the best survivor's learning rate over that of the best trial.
    """

    survival: float
    survival_1pct: float
    regret: float
    regret_observed: float
    saved: float
    lr_shift: float


def proposals(objective: Objective, name: str, seed: int, n: int) -> list[Proposal]:
    """A stream of proposals by a sampler whose trials all run to the target horizon."""
    study = new_study(seed)
    study.sampler = make(name, target_of(objective, seed))[0]
    space = dict(objective.space)
    stream = []
    for number in range(n):
        trial = study.ask(space)
        curve = objective.curve(trial.params, objective.horizon, rng_of(seed, number))
        _, ended = follow(trial, curve, prune=False)
        if ended:
            study.tell(trial, float(curve.losses[-1]))
        else:
            study.tell(trial, state=TrialState.PRUNED)
        stream.append(Proposal(dict(trial.params), curve, objective.regret(trial.params)))
    return stream


def outcome(objective: Objective, stream: Sequence[Proposal], pruner: str, seed: int) -> Outcome:
    """What a pruner of `studies.samplers`, or top-k, does to a stream."""
    name, _, setting = pruner.partition(":")
    if name == TOP_K:
        costs, ended = _top_k(stream, objective.epoch, float(setting or _KEPT))
    else:
        costs, ended, _ = _pruned(objective, stream, pruner, seed)
    losses = np.array([proposal.loss for proposal in stream])
    best = int(np.argmin(losses))
    close = losses <= losses[best] + _CLOSE * abs(losses[best])
    # Where nothing survives, the worst trial is as good a recommendation as any.
    kept = int(np.argmin(np.where(ended, losses, np.inf)) if ended.any() else np.argmax(losses))
    whole = sum(_length(proposal.curve) for proposal in stream)
    return Outcome(
        survival=float(ended[best]),
        survival_1pct=float((ended & close).any()),
        regret=(1 + stream[kept].regret) / (1 + stream[best].regret) - 1,
        regret_observed=float(losses[kept] - losses[best]) / abs(float(losses[best])),
        saved=1 - float(costs.sum()) / whole,
        lr_shift=math.log(stream[kept].params[LR] / stream[best].params[LR]),
    )


class Stated(NamedTuple):
    """What KappaPruner said about one trial at one phase.

    Attributes:
        probability: That it beats the best trial so far.
        won: Whether it did, or would have.
        number: Number of the trial in its stream.
    """

    probability: float
    won: bool
    number: int


def stated(
    objective: Objective, stream: Sequence[Proposal], pruner: str, seed: int
) -> list[Stated]:
    """All that a KappaPruner says while it prunes a stream, beside what comes of it."""
    _, ended, study = _pruned(objective, stream, pruner, seed)
    judge, found, best = study.pruner, list[Stated](), math.inf
    assert isinstance(judge, KappaPruner)
    for number, proposal in enumerate(stream):
        for decision in decisions(study, number, judge):
            if decision.probability is not None:
                found.append(Stated(decision.probability, proposal.loss < best, number))
        if ended[number]:
            best = min(best, proposal.loss)
    return found


def _pruned(
    objective: Objective, stream: Sequence[Proposal], pruner: str, seed: int
) -> tuple[Floats, NDArray[np.bool_], optuna.Study]:
    """Cost of each trial, whether it came to its end, and the study of them all."""
    study = new_study(seed)
    study.pruner = make(f"random+{pruner}", target_of(objective, seed))[1]
    space = dict(objective.space)
    results = []
    for proposal in stream:
        study.enqueue_trial(dict(proposal.params))
        trial = study.ask(space)
        cost, ended = follow(trial, proposal.curve, prune=True)
        if ended:
            study.tell(trial, proposal.loss)
        else:
            study.tell(trial, state=TrialState.PRUNED)
        results.append((cost, ended))
    costs, ended_all = zip(*results, strict=True)
    return np.array(costs), np.array(ended_all), study


def _top_k(
    stream: Sequence[Proposal], epoch: float, kept_of: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Everything for one epoch; the best, one of so many, go on to the end."""
    whole = np.array([_length(proposal.curve) for proposal in stream])
    at = [int(np.searchsorted(p.curve.steps[:-1], epoch * (1 - 1e-6))) for p in stream]
    pairs = list(zip(stream, at, strict=True))
    seen = np.array([p.curve.losses[i] for p, i in pairs])
    order = np.argsort(np.where(np.isfinite(seen), seen, np.inf), kind="stable")
    kept = np.isin(np.arange(len(stream)), order[: max(1, int(len(stream) / kept_of))])
    short = np.minimum([p.curve.steps[i] for p, i in pairs], whole)
    fine = np.isfinite([p.loss for p in stream])
    return np.where(kept, whole, short), kept & fine


def _length(curve: Curve) -> float:
    """Data that a curve has cost: up to the report at which it diverged, if it did."""
    bad = ~np.isfinite(curve.losses)
    return float(curve.steps[int(np.argmax(bad)) if bad.any() else -1])


def as_array(outcomes: Sequence[Outcome]) -> Floats:
    """Outcomes as an array of shape `(n, 6)`, in the order of the fields."""
    return np.array(outcomes, dtype=np.float64)
