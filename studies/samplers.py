"""The samplers and pruners that are compared, by name: `kappa`, `tpe`, `tpe+median`.

A name is that of a sampler, with a plus and the name of a pruner where it is to have one. kappa
has its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    WilcoxonPruner,
)
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from optuna_kappa import KappaPruner, KappaSampler, RunTable
from optuna_kappa.schedules import AnySchedule

KAPPA = "kappa"
_PATIENCE = 3  # reports without improvement that the patient pruner waits for


class Target(NamedTuple):
    """What a search is for.

    Attributes:
        horizon: Target horizon, in the unit of the reports.
        schedule: The schedule, or its name.
        sources: Runs that a kappa search starts from.
        seed: Seed of the search.
        number: Number of the trial to come. A sampler that is made anew for each trial goes on,
            after an interruption, as it would have, and does not repeat its first draws.
    """

    horizon: int
    schedule: str | AnySchedule
    sources: Sequence[RunTable]
    seed: int
    number: int

    @property
    def trial_seed(self) -> int:
        """Seed of a sampler that is used from this trial on."""
        return int(np.random.SeedSequence([self.seed, self.number]).generate_state(1)[0])


def _kappa(target: Target) -> BaseSampler:
    return KappaSampler(target.horizon, target.schedule, sources=target.sources, seed=target.seed)


def _hyperband(target: Target) -> BasePruner:
    # Four brackets: the lowest rung, a 27th of the target, is about what a probe costs.
    return HyperbandPruner(max(1, target.horizon // 27), target.horizon)


SAMPLERS: Mapping[str, Callable[[Target], BaseSampler]] = MappingProxyType(
    {
        KAPPA: _kappa,
        "tpe": lambda target: TPESampler(seed=target.trial_seed),
        "gp": lambda target: GPSampler(seed=target.trial_seed),
        "random": lambda target: RandomSampler(seed=target.trial_seed),
    }
)

# With Optuna's defaults; Hyperband has none for the rungs, the patient pruner for its patience.
PRUNERS: Mapping[str, Callable[[Target], BasePruner]] = MappingProxyType(
    {
        "none": lambda target: NopPruner(),
        "median": lambda target: MedianPruner(),
        "percentile": lambda target: PercentilePruner(25.0),
        "sha": lambda target: SuccessiveHalvingPruner(),
        "hyperband": _hyperband,
        "wilcoxon": lambda target: WilcoxonPruner(),
        "patient": lambda target: PatientPruner(MedianPruner(), _PATIENCE),
        KAPPA: lambda target: KappaPruner(),
    }
)


def check_names(names: Sequence[str]) -> None:
    """Raises a ValueError unless these are names of samplers, each given once."""
    check(names, tuple(SAMPLERS), "sampler", lambda name: name.partition("+")[0])
    for name in names:
        sampler, plus, pruner = name.partition("+")
        if plus and (pruner not in PRUNERS or sampler == KAPPA):
            raise ValueError(
                f"unknown pruner in {name!r}; write SAMPLER+PRUNER with one of "
                f"{', '.join(PRUNERS)}, and kappa alone, which has its own"
            )


def check(
    names: Sequence[str],
    known: Sequence[str],
    what: str,
    key: Callable[[str], str] = lambda name: name,
) -> None:
    """Raises a ValueError unless there are names, each known and given once."""
    if not names:
        raise ValueError(f"no {what} is given; choose from {', '.join(known)}")
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"{what} {name!r} is given twice; once is enough")
        if key(name) not in known:
            raise ValueError(f"unknown {what} {name!r}; choose from {', '.join(known)}")


def make(name: str, target: Target) -> tuple[BaseSampler, BasePruner]:
    """The sampler and the pruner of a name that `check_names` accepts."""
    sampler, _, pruner = name.partition("+")
    pruner = pruner or (KAPPA if sampler == KAPPA else "none")
    with warnings.catch_warnings():
        # That their interface may change is no news to who compares them.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return SAMPLERS[sampler](target), PRUNERS[pruner](target)
