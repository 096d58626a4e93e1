"""The samplers and pruners that are compared, by name: `kappa`, `tpe`, `tpe+median`.

A name is that of a sampler, with a plus and the name of a pruner where it is to have one. kappa
has its own. A colon and a number after a pruner's name change what decides how much it prunes:
`percentile:50`, `kappa:0.05`; `PRUNERS` says what that is.
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


def _hyperband(target: Target, factor: float = 3) -> BasePruner:
    # Four brackets: the lowest rung, a 27th of the target, is about what a probe costs.
    lowest = max(1, target.horizon // 27)
    return HyperbandPruner(lowest, target.horizon, reduction_factor=max(2, round(factor)))


def _median(target: Target, startup: float = 5) -> BasePruner:
    return MedianPruner(n_startup_trials=round(startup))


def _percentile(target: Target, percentile: float = 25.0) -> BasePruner:
    return PercentilePruner(percentile)


def _halving(target: Target, factor: float = 4) -> BasePruner:
    return SuccessiveHalvingPruner(reduction_factor=round(factor))


def _wilcoxon(target: Target, p_threshold: float = 0.1) -> BasePruner:
    return WilcoxonPruner(p_threshold=p_threshold)


def _patient(target: Target, patience: float = 3) -> BasePruner:
    return PatientPruner(MedianPruner(), round(patience))


def _kappa_pruner(target: Target, epsilon: float | None = None) -> BasePruner:
    return KappaPruner() if epsilon is None else KappaPruner(epsilon)


SAMPLERS: Mapping[str, Callable[[Target], BaseSampler]] = MappingProxyType(
    {
        KAPPA: _kappa,
        "tpe": lambda target: TPESampler(seed=target.trial_seed),
        "gp": lambda target: GPSampler(seed=target.trial_seed),
        "random": lambda target: RandomSampler(seed=target.trial_seed),
    }
)

# With Optuna's defaults; Hyperband has none for the rungs, the patient pruner for its patience.
# The number after a colon is: trials before the first is pruned, percentile, reduction factor
# (twice), p, reports without improvement, and epsilon.
PRUNERS: Mapping[str, Callable[..., BasePruner]] = MappingProxyType(
    {
        "none": lambda target: NopPruner(),
        "median": _median,
        "percentile": _percentile,
        "sha": _halving,
        "hyperband": _hyperband,
        "wilcoxon": _wilcoxon,
        "patient": _patient,
        KAPPA: _kappa_pruner,
    }
)


def check_pruners(names: Sequence[str], known: Sequence[str] = tuple(PRUNERS)) -> None:
    """Raises a ValueError unless these are names of pruners, with settings or without."""
    check(names, known, "pruner", lambda name: name.partition(":")[0])
    for name in names:
        pruner, colon, setting = name.partition(":")
        try:
            fine = not colon or (pruner != "none" and 0 < float(setting) < 1e6)
        except ValueError:
            fine = False
        if not fine:
            raise ValueError(
                f"the setting of {name!r} must be a number above 0 and below a million, as in "
                "percentile:50, and none has no setting"
            )


def check_names(names: Sequence[str]) -> None:
    """Raises a ValueError unless these are names of samplers, each given once."""
    check(names, tuple(SAMPLERS), "sampler", lambda name: name.partition("+")[0])
    for name in names:
        sampler, plus, pruner = name.partition("+")
        if plus and (pruner.partition(":")[0] not in PRUNERS or sampler == KAPPA):
            raise ValueError(
                f"unknown pruner in {name!r}; write SAMPLER+PRUNER with one of "
                f"{', '.join(PRUNERS)}, and kappa alone, which has its own"
            )
        if plus:
            check_pruners([pruner])


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
    pruner, colon, setting = (pruner or (KAPPA if sampler == KAPPA else "none")).partition(":")
    settings = [float(setting)] if colon else []
    with warnings.catch_warnings():
        # That their interface may change is no news to who compares them.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return SAMPLERS[sampler](target), PRUNERS[pruner](target, *settings)
