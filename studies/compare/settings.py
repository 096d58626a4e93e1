"""What a comparison is: its settings, checked, and the searches that they ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from optuna_kappa.schedules import as_schedule
from studies.mnist.objective import OTHERS
from studies.mnist.training import OptimizerName
from studies.samplers import check, check_names

CONSTANT = "constant"
SEARCHABLE = ("lr", *OTHERS)
# Less than the probes and two full runs cost gets no search anywhere.
_LEAST_BUDGET = 4.0


@dataclass(frozen=True)
class Part:
    """One target that the samplers are compared at.

    Attributes:
        schedule: Name of the schedule, as `optuna_kappa.schedules.parse` reads it.
        epochs: Target horizon in epochs.
        budget: Budget of each search, in full-run equivalents of this target.

    Raises:
        ValueError: A value is not allowed.
    """

    schedule: str
    epochs: int
    budget: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedule", as_schedule(self.schedule).name)
        if self.epochs < 1:
            raise ValueError(
                f"the target horizon must be at least 1 epoch, but is {self.epochs}; try 12"
            )
        if not _LEAST_BUDGET <= self.budget < math.inf:
            raise ValueError(
                f"the budget must be at least {_LEAST_BUDGET:g} full-run equivalents, about what "
                f"the probes and two full runs cost, but is {self.budget:g}"
            )


@dataclass(frozen=True)
class Settings:
    """All that determines a comparison but the data.

    Attributes:
        parts: The targets. The constant-rate one, if any, lends its probes to the others.
        samplers: Names, as `studies.samplers` reads them.
        optimizer: "adam" or "sgd".
        repeats: Searches of each sampler at each target.
        lr_range: Lowest and highest base learning rate.
        seed: Seed of the first repeat; the following ones count up from it.
        search: Names of the parameters that are searched, lr among them; kept in the order of
            `SEARCHABLE`.

    Raises:
        ValueError: A value is not allowed.
    """

    parts: tuple[Part, ...]
    samplers: tuple[str, ...]
    optimizer: OptimizerName
    repeats: int
    lr_range: tuple[float, float]
    seed: int
    search: tuple[str, ...] = ("lr",)

    def __post_init__(self) -> None:
        check_names(self.samplers)
        check(self.search, SEARCHABLE, "parameter")
        if "lr" not in self.search:
            raise ValueError("the parameters to search must include lr, which kappa is about")
        ordered = tuple(name for name in SEARCHABLE if name in self.search)
        object.__setattr__(self, "search", ordered)
        check((self.optimizer,), get_args(OptimizerName), "optimizer")
        low, high = self.lr_range
        if not 0 < low < high < math.inf:
            raise ValueError(
                "the lr range must be two ascending positive numbers, such as 1e-5 1e-1, "
                f"but is {low:g} {high:g}"
            )
        for name, value, least in (("repeats", self.repeats, 1), ("seed", self.seed, 0)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, but is {value}")

    @property
    def others(self) -> tuple[str, ...]:
        """What is searched besides lr."""
        return self.search[1:]

    @property
    def constant(self) -> Part | None:
        """The constant-rate part."""
        return next((part for part in self.parts if part.schedule == CONSTANT), None)


@dataclass(frozen=True)
class Job:
    """One search: a sampler at a target, repeated with another seed."""

    part: Part
    sampler: str
    repeat: int


def jobs(settings: Settings) -> list[Job]:
    """All searches, repeat by repeat, so that a comparison that is cut short has whole repeats."""
    parts = sorted(settings.parts, key=lambda part: part.schedule != CONSTANT)
    repeats = range(settings.repeats)
    return [Job(p, sampler, r) for r in repeats for p in parts for sampler in settings.samplers]


def lender(settings: Settings, job: Job) -> Job | None:
    """The constant-rate search whose probes a scheduled kappa search starts from."""
    constant = settings.constant
    if job.sampler != "kappa" or constant is None or job.part == constant:
        return None
    return Job(constant, job.sampler, job.repeat)
