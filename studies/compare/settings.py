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
"""Name of the constant schedule."""
SEARCHABLE = ("lr", *OTHERS)
"""Names of the parameters that can be searched."""
PROBE_BUDGET = 0.5
"""What probes cost by default, in full-run equivalents.

In replays of Adam at 4 to 12 epochs, told the optimizer and the passes, searches that begin with
half a full run of probes reach TPE's final loss after as much as those with 1 or 1.6.
"""

_MOST_PROBING = 3.0  # more leaves nothing of the least budget for full runs
_LEAST_BUDGET = 4.0  # with less than the probes and two full runs, no search gets anywhere


@dataclass(frozen=True)
class Part:
    """One target at which the samplers are compared.

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
                f"the budget must be at least {_LEAST_BUDGET:g} full-run equivalents, about the "
                f"cost of the probes and two full runs, but is {self.budget:g}"
            )

    @property
    def length(self) -> str:
        """Target horizon in words."""
        return "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"


@dataclass(frozen=True)
class Settings:
    """Everything that determines a comparison, except the data.

    Attributes:
        parts: The targets. If one has a constant rate, it lends its probes to the others.
        samplers: Names, as `studies.samplers` reads them.
        optimizer: "adam" or "sgd".
        repeats: Number of searches of each sampler at each target.
        lr_range: Lowest and highest base learning rate.
        seed: Seed of the first repeat; the next ones count up from it.
        search: Names of the parameters that are searched. They include lr, and are kept in the
            order of `SEARCHABLE`.
        probe_budget: What the probes of a kappa search cost at most, in full-run equivalents.

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
    probe_budget: float = PROBE_BUDGET

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
        if self.repeats < 1:
            raise ValueError(f"repeats must be at least 1, but is {self.repeats}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, but is {self.seed}")
        if not 0 < self.probe_budget <= _MOST_PROBING:
            raise ValueError(
                f"the probe budget must be above 0 and at most {_MOST_PROBING:g} full-run "
                f"equivalents, but is {self.probe_budget:g}; try {PROBE_BUDGET:g}"
            )

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the parameters that are searched besides lr."""
        return self.search[1:]

    @property
    def constant(self) -> Part | None:
        """The target with a constant rate, None if there is none."""
        return next((part for part in self.parts if part.schedule == CONSTANT), None)


@dataclass(frozen=True)
class Job:
    """One search: a sampler at a target; each repeat has another seed."""

    part: Part
    sampler: str
    repeat: int


def jobs(settings: Settings) -> list[Job]:
    """Return all searches: repeat by repeat, the constant rate first, since it lends its probes.

    `studies.compare.turns` says whose trial is next.
    """
    parts = sorted(settings.parts, key=lambda part: part.schedule != CONSTANT)
    ordered = []
    for repeat in range(settings.repeats):
        for part in parts:
            for sampler in settings.samplers:
                ordered.append(Job(part, sampler, repeat))

    return ordered


def lender(settings: Settings, job: Job) -> Job | None:
    """Return the constant-rate search whose probes a scheduled kappa search starts from."""
    constant = settings.constant
    if job.sampler != "kappa" or constant is None or job.part == constant:
        return None

    return Job(constant, job.sampler, job.repeat)


def times(repeats: int) -> str:
    """A number of repeats in words."""
    return "1 repeat" if repeats == 1 else f"{repeats} repeats"
