"""Whose turn it is: all searches spend their budgets in step.

The next trial goes to the search that has spent the smallest share of its budget. So all repeats
of all parts have spent about the same share whenever a comparison is stopped, and can be compared
up to there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from studies.compare.settings import CONSTANT, Job, Settings, jobs, lender
from studies.samplers import KAPPA

# With half a full run for all of them, a probe takes a 12th of a full run (docs/guides/plan.md).
_LONGEST_PROBE = 1 / 6


class Standing(NamedTuple):
    """How far a search has come.

    Attributes:
        spent: Full-run equivalents charged so far.
        best: Lowest loss of a full run so far; infinite before the first.
        is_done: Whether another full run does not fit into its budget.
        lends: Whether its probes are all run, so that other searches can start from them.
    """

    spent: float
    best: float
    is_done: bool
    lends: bool


def next_job(
    settings: Settings,
    standings: Mapping[Job, Standing],
    running: Collection[Job],
    is_allowed: Callable[[Job], bool] = lambda job: True,
) -> Job | None:
    """Return the search that the next trial belongs to; None if there is none at present.

    Args:
        settings: The comparison.
        standings: How far each search has come.
        running: Searches with a running trial. A search runs one trial at a time.
        is_allowed: Whether a search may run a trial now.
    """
    waiting = []
    for job in jobs(settings):
        standing = standings[job]
        lending_job = lender(settings, job)
        has_probes = lending_job is None or standings[lending_job].lends
        if has_probes and not standing.is_done and job not in running and is_allowed(job):
            waiting.append(job)

    # Of equals, the first one.
    return min(waiting, key=lambda job: share(job, standings[job]), default=None)


def share(job: Job, standing: Standing) -> float:
    """Share of its budget that a search has spent, in [0, 1]."""
    return 1.0 if standing.is_done else min(1.0, standing.spent / job.part.budget)


def longest_trial(job: Job, standing: Standing) -> float:
    """Epochs that the next trial of a search may take."""
    is_probing = job.sampler == KAPPA and job.part.schedule == CONSTANT and not standing.lends
    return job.part.epochs * (_LONGEST_PROBE if is_probing else 1.0)
