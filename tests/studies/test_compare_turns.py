"""Whose turn it is, how large a comparison is, and what it shows: all of plain values."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch")

from studies.compare.options import parser, settings_of
from studies.compare.settings import Job, Part, Settings, jobs, lender
from studies.compare.sizes import SIZES, UNLIMITED, seconds_of, with_wishes
from studies.compare.store import _of_any_size
from studies.compare.turns import Standing, longest_trial, next_job, share
from studies.compare.view import View
from studies.compare.workers import Limit, Running, Turn

CONSTANT = Part("constant", 12, 10)
COSINE = Part("cosine", 6, 6)
SETTINGS = Settings((CONSTANT, COSINE), ("kappa", "tpe"), "adam", 3, (1e-5, 0.1), 0)
NOT_BEGUN = Standing(0.0, math.inf, is_done=False, lends=False)


def standings_after(n_trials: int, n_processes: int = 2) -> dict[Job, Standing]:
    """Standings once trials have ended, each the oldest of those that run."""
    standings = dict.fromkeys(jobs(SETTINGS), NOT_BEGUN)
    running: list[Job] = []
    for _ in range(n_trials):
        while len(running) < n_processes:
            job = next_job(SETTINGS, standings, running)
            if job is None:
                break
            running.append(job)
        if not running:
            break

        ended = running.pop(0)
        before = standings[ended].spent
        if not before and lender(SETTINGS, ended):
            before = 1.0  # borrowed probes
        spent = before + 1
        is_done = spent + 1 > ended.part.budget
        standings[ended] = Standing(spent, 0.1, is_done, lends=True)
    return standings


@pytest.mark.parametrize("n_trials", range(14, 90, 5))
def test_all_repeats_of_all_parts_advance_together(n_trials: int) -> None:
    """Whenever it is stopped, no search is more than two trials behind another."""
    standings = standings_after(n_trials)
    shares = [share(job, standing) for job, standing in standings.items()]
    assert min(shares) > 0
    assert max(shares) - min(shares) <= 2 / COSINE.budget


def test_every_budget_is_spent() -> None:
    assert all(standing.is_done for standing in standings_after(1000).values())


def test_a_search_waits_for_the_probes_it_borrows() -> None:
    standings = dict.fromkeys(jobs(SETTINGS), NOT_BEGUN)
    first = next_job(SETTINGS, standings, [])
    assert first == Job(CONSTANT, "kappa", 0)

    borrower = Job(COSINE, "kappa", 0)
    others = [job for job in jobs(SETTINGS) if job != borrower]
    assert next_job(SETTINGS, standings, others) is None
    standings[first] = Standing(0.5, math.inf, is_done=False, lends=True)
    assert next_job(SETTINGS, standings, others) == borrower
    assert next_job(SETTINGS, standings, others, lambda job: job.part == CONSTANT) is None


def test_probes_are_short() -> None:
    kappa, tpe = Job(CONSTANT, "kappa", 0), Job(CONSTANT, "tpe", 0)
    assert longest_trial(kappa, NOT_BEGUN) == 2
    assert longest_trial(tpe, NOT_BEGUN) == 12
    assert longest_trial(kappa, NOT_BEGUN._replace(lends=True)) == 12
    assert longest_trial(Job(COSINE, "kappa", 0), NOT_BEGUN) == 6


def test_sizes_shrink() -> None:
    options = parser().parse_args([])
    times = [seconds_of(settings_of(options, size), 1.0, 2) for size in SIZES]
    assert times == sorted(times, reverse=True)
    assert all(size.repeats >= 3 for size in SIZES)


def test_borrowed_probes_are_not_run_twice() -> None:
    alone = Settings((COSINE,), ("kappa", "tpe"), "adam", 3, (1e-5, 0.1), 0)
    constant = Settings((CONSTANT,), ("kappa", "tpe"), "adam", 3, (1e-5, 0.1), 0)
    both = seconds_of(SETTINGS, 1.0, 1)
    saved = 3 * SETTINGS.probe_budget * CONSTANT.epochs
    assert both == pytest.approx(seconds_of(alone, 1.0, 1) + seconds_of(constant, 1.0, 1) - saved)


def test_wishes_replace_what_is_chosen() -> None:
    options = parser().parse_args(["--horizon", "24", "--repeats", "7"])
    size = with_wishes(UNLIMITED, vars(options))
    assert (size.horizon, size.repeats) == (24, 7)
    assert size.budget == UNLIMITED.budget
    assert settings_of(options, UNLIMITED).repeats == 7


def test_studies_of_other_sizes_are_found() -> None:
    import re

    pattern = _of_any_size("compare/MNIST/adam cosine 6 epochs, lr, hidden/tpe/repeat 0")
    assert re.fullmatch(pattern, "compare/MNIST/adam cosine 12 epochs, lr, hidden/tpe/repeat 10")
    for other in (
        "compare/MNIST/adam cosine 6 epochs/tpe/repeat 0",
        "compare/MNIST/sgd cosine 6 epochs, lr, hidden/tpe/repeat 0",
        "compare/MNIST/adam cosine 6 epochs, lr, hidden/kappa/repeat 0",
    ):
        assert not re.fullmatch(pattern, other)


@pytest.mark.parametrize("width", [40, 80])
def test_the_block_fits(width: int) -> None:
    standings = standings_after(20)
    view = View(SETTINGS, standings, Limit(math.inf, 2.0), 2)
    job = Job(COSINE, "kappa", 2)
    view.note(Running(job, is_probe=True, lr=1.234e-3, epochs=12, done=3))
    block = view.block(width)
    assert max(map(len, block)) <= width
    assert len(block) == 8
    assert any("now kappa" in line and "probe" in line for line in block)
    assert "1.2e-03" in "".join(block)

    view.note(Turn(job, standings[job], 12, 20.0))
    assert len(view.block(width)) == 7


def test_progress_counts_what_is_left() -> None:
    view = View(SETTINGS, standings_after(1000), Limit(), 2)
    assert view.line().startswith("100 % done")
    begun = View(SETTINGS, standings_after(0), Limit(), 2)
    assert begun.line().startswith("0 % done")
    assert "kappa 0.0 (none yet)" in begun.line()
