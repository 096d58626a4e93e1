"""Samplers and pruners that the studies compare, by name: `kappa`, `tpe`, `tpe+median`.

A name is that of a sampler. A plus sign adds a pruner: `tpe+median`. The sampler `kappa` always
uses its own pruner. A number after a colon sets how much a pruner prunes: `percentile:50`,
`kappa:0.05`. The comment at `PRUNERS` says what the number means for each pruner.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

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


class Known(NamedTuple):
    """What is known of the runs before the first trial.

    Attributes:
        optimizer: Name of their optimizer; None if it is not told.
        passes: Passes over the data in a full run; None if they are not told.
        prior: Name of the prior that is told in their place; None for the one that follows.
    """

    optimizer: str | None = None
    passes: float | None = None
    prior: str | None = None

    @property
    def regime(self) -> dict[str, Any]:
        """The optimizer and the passes, by name."""
        return {"optimizer": self.optimizer, "passes": self.passes}

    def at(self, ratio: float) -> Known:
        """What is known of runs that are longer by a ratio."""
        return self._replace(passes=None if self.passes is None else ratio * self.passes)


NOTHING = Known()


class Target(NamedTuple):
    """Target of a search.

    Attributes:
        horizon: Target horizon, in the unit of the reports.
        schedule: The schedule, or its name.
        sources: Runs that a kappa search starts from.
        seed: Seed of the search.
        number: Number of the next trial. A sampler that is created anew for each trial draws from
            it. After an interruption it goes on as it would have and does not repeat its first
            draws.
        known: What a kappa search is told of the runs.
        probe_budget: What the probes of a kappa search may cost, in full-run equivalents; None
            for as many as `KappaSampler` chooses by itself.
    """

    horizon: int
    schedule: str | AnySchedule
    sources: Sequence[RunTable]
    seed: int
    number: int
    known: Known = NOTHING
    probe_budget: float | None = None

    @property
    def trial_seed(self) -> int:
        """Seed of a sampler that is used from this trial on."""
        sequence = np.random.SeedSequence([self.seed, self.number])
        return int(sequence.generate_state(1)[0])


def _kappa(target: Target) -> BaseSampler:
    return KappaSampler(
        target.horizon,
        target.schedule,
        sources=target.sources,
        seed=target.seed,
        optimizer=target.known.optimizer,
        passes=target.known.passes,
        prior=target.known.prior,
        probe_budget=target.probe_budget,
    )


def _hyperband(target: Target, factor: float = 3) -> BasePruner:
    # Four brackets. The lowest rung, a 27th of the target, costs about as much as a probe.
    lowest = max(1, target.horizon // 27)
    return HyperbandPruner(
        min_resource=lowest,
        max_resource=target.horizon,
        reduction_factor=max(2, round(factor)),
    )


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

# Optuna's defaults, except for the rungs of Hyperband and the patience of the patient pruner,
# which have no default. The number after the colon is
#
#     median                  trials that finish before the first is pruned
#     percentile              the percentile
#     sha, hyperband          the reduction factor
#     wilcoxon                the p-value
#     patient                 reports without improvement
#     kappa                   epsilon
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
    """Check names of pruners, with or without settings.

    Args:
        names: Names to check.
        known: Names that are allowed, without settings.

    Raises:
        ValueError: A name is unknown, is given twice, or has a setting that is not allowed.
    """
    check(names, known, "pruner", lambda name: name.partition(":")[0])

    for name in names:
        pruner, colon, setting = name.partition(":")
        if colon and (pruner == "none" or not _is_setting(setting)):
            raise ValueError(
                f"the setting of {name!r} must be a number above 0 and below a million, as in "
                "percentile:50, and none has no setting"
            )


def _is_setting(text: str) -> bool:
    """Whether a text is a number that may follow a colon."""
    try:
        return 0 < float(text) < 1e6
    except ValueError:
        return False


def check_names(names: Sequence[str]) -> None:
    """Check names of samplers, with or without pruners.

    Args:
        names: Names to check.

    Raises:
        ValueError: A name is unknown, is given twice, or has a pruner that is not allowed.
    """
    check(names, tuple(SAMPLERS), "sampler", lambda name: name.partition("+")[0])

    for name in names:
        sampler, plus, pruner = name.partition("+")
        if not plus:
            continue

        if sampler == KAPPA or pruner.partition(":")[0] not in PRUNERS:
            raise ValueError(
                f"unknown pruner in {name!r}; write SAMPLER+PRUNER with one of "
                f"{', '.join(PRUNERS)}, and kappa alone, which has its own"
            )
        check_pruners([pruner])


def check(
    names: Sequence[str],
    known: Sequence[str],
    what: str,
    key: Callable[[str], str] = lambda name: name,
) -> None:
    """Check that there are names, each known and given once.

    Args:
        names: Names to check.
        known: Names that are allowed.
        what: What the names stand for, such as "sampler"; the error message uses it.
        key: The part of a name that must be known; all of it by default.

    Raises:
        ValueError: There are no names, or one is unknown or given twice.
    """
    if not names:
        raise ValueError(f"no {what} is given; choose from {', '.join(known)}")

    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"{what} {name!r} is given twice; once is enough")
        if key(name) not in known:
            raise ValueError(f"unknown {what} {name!r}; choose from {', '.join(known)}")


def make(name: str, target: Target) -> tuple[BaseSampler, BasePruner]:
    """Create the sampler and the pruner of a name that `check_names` accepts."""
    sampler, _, pruner = name.partition("+")
    if not pruner:
        pruner = KAPPA if sampler == KAPPA else "none"

    pruner, colon, setting = pruner.partition(":")
    settings = [float(setting)] if colon else []

    with warnings.catch_warnings():
        # Some of them warn that their interface is experimental. A comparison need not show that.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return SAMPLERS[sampler](target), PRUNERS[pruner](target, *settings)
