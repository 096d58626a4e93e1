"""The samplers and pruners that can be compared, by name.

They are made anew for each trial, seeded by the search and the trial's number: a search that was
interrupted goes on as it would have, and does not repeat the draws it began with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from optuna_kappa import KappaPruner, KappaSampler, RunTable


class Target(NamedTuple):
    """What a search is for.

    Attributes:
        horizon: Target horizon in samples.
        schedule: Name of the schedule.
        sources: Runs that a kappa search starts from.
        seed: Seed of the search.
        number: Number of the trial to come.
    """

    horizon: int
    schedule: str
    sources: Sequence[RunTable]
    seed: int
    number: int

    @property
    def trial_seed(self) -> int:
        """Seed of a sampler that is used for this trial only."""
        return int(np.random.SeedSequence([self.seed, self.number]).generate_state(1)[0])


def _kappa(target: Target) -> tuple[BaseSampler, BasePruner]:
    sampler = KappaSampler(
        target.horizon, target.schedule, sources=target.sources, seed=target.seed
    )
    return sampler, KappaPruner()


def _hyperband(target: Target) -> BasePruner:
    # Three brackets: the lowest rung, a 27th of the target, is about what a probe costs.
    return HyperbandPruner(max(1, target.horizon // 27), target.horizon)


SAMPLERS: dict[str, Callable[[Target], tuple[BaseSampler, BasePruner]]] = {
    "kappa": _kappa,
    "tpe": lambda target: (TPESampler(seed=target.trial_seed), NopPruner()),
    "random": lambda target: (RandomSampler(seed=target.trial_seed), NopPruner()),
    "gp": lambda target: (GPSampler(seed=target.trial_seed), NopPruner()),
    "tpe+median": lambda target: (TPESampler(seed=target.trial_seed), MedianPruner()),
    "tpe+hyperband": lambda target: (TPESampler(seed=target.trial_seed), _hyperband(target)),
}
