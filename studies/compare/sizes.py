"""How large a comparison is: what is run by default depends on the time and on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from studies.compare.settings import Job, Settings, jobs, lender


class Size(NamedTuple):
    """Targets, budgets and repeats of a comparison.

    Attributes:
        horizon: Target horizon at a constant rate, in epochs.
        budget: Budget of each search there, in full-run equivalents.
        schedule_horizon: Target horizon with the schedule, in epochs.
        schedule_budget: Budget of each search there.
        repeats: Searches of each sampler at each target.
    """

    horizon: int
    budget: float
    schedule_horizon: int
    schedule_budget: float
    repeats: int


# From the largest to the smallest. Three repeats are the fewest whose middle one means anything.
# With less time first the budgets shrink, since the beginning of a search tells most, then the
# horizons. A schedule's horizon is half of the other, so that the probes it borrows cost it one
# full run.
SIZES = (
    Size(12, 10, 6, 6, 10),
    Size(12, 10, 6, 6, 5),
    Size(12, 10, 6, 6, 3),
    Size(12, 8, 6, 6, 3),
    Size(12, 6, 6, 5, 3),
    Size(8, 6, 4, 5, 3),
    Size(6, 6, 4, 5, 3),
    Size(4, 6, 2, 5, 3),
    Size(4, 5, 2, 4, 3),
    Size(2, 5, 1, 4, 3),
    Size(2, 4, 1, 4, 3),
)
UNLIMITED = SIZES[1]
"""What is run without a limit on the time."""


def with_wishes(size: Size, wishes: Mapping[str, Any]) -> Size:
    """Return a size with what was asked for on the command line in its place."""
    wanted = {name: wishes[name] for name in Size._fields if name in wishes}
    return size._replace(**wanted)


def epochs_of(settings: Settings, job: Job) -> float:
    """Epochs that a search trains in all, without the probes that it borrows."""
    epochs = job.part.budget * job.part.epochs
    lending_job = lender(settings, job)
    if lending_job is not None:
        epochs -= settings.probe_budget * lending_job.part.epochs

    return epochs


def seconds_of(settings: Settings, epoch_seconds: float, n_processes: int) -> float:
    """Seconds that a comparison takes.

    Args:
        settings: The comparison.
        epoch_seconds: Seconds that an epoch takes in each process.
        n_processes: Number of processes.
    """
    epochs = sum(epochs_of(settings, job) for job in jobs(settings))
    return epochs * epoch_seconds / n_processes


def size_of(settings: Settings) -> dict[str, Any]:
    """Return what is kept of the size of a comparison with its studies."""
    kept: dict[str, Any] = {"repeats": settings.repeats}
    for part in settings.parts:
        prefix = "" if part == settings.constant else "schedule_"
        kept |= {f"{prefix}horizon": part.epochs, f"{prefix}budget": part.budget}

    return kept
