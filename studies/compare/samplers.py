"""The samplers and pruners that can be compared, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from optuna_kappa import KappaPruner, KappaSampler, RunTable


class Target(NamedTuple):
    """What a search is for.

    Attributes:
        horizon: Target horizon in samples.
        schedule: Name of the schedule.
        sources: Runs that a kappa search starts from.
        seed: Seed of the sampler.
    """

    horizon: int
    schedule: str
    sources: Sequence[RunTable]
    seed: int


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
    "tpe": lambda target: (TPESampler(seed=target.seed), NopPruner()),
    "random": lambda target: (RandomSampler(seed=target.seed), NopPruner()),
    "gp": lambda target: (GPSampler(seed=target.seed), NopPruner()),
    "tpe+median": lambda target: (TPESampler(seed=target.seed), MedianPruner()),
    "tpe+hyperband": lambda target: (TPESampler(seed=target.seed), _hyperband(target)),
}
