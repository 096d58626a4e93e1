"""The data of the figure of a proposal: where the best rate may be, and what was tried."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law import Law
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.visualization import marks
from optuna_kappa.visualization.classes import Share, by_class, class_shares
from optuna_kappa.visualization.outcomes import Outcome, is_full_run, ran
from optuna_kappa.visualization.searched import Searched

_N_GRID = 121  # learning rates at which densities are given
_MOST_TRIALS = 150  # full runs, and as many others
_TAIL = 1e-3  # probability left out at each end of the distribution
_DECADE = float(np.log(10))


class Tried(NamedTuple):
    """A trial whose rate is shown.

    Attributes:
        trial: Its number.
        lr: Its learning rate.
        value: Its last value; None without a finite one.
        trained: Steps that it was trained for.
        outcome: How it ended.

    Example:
        >>> Tried(3, lr=0.01, value=0.9, trained=8, outcome="probe").outcome
        'probe'
    """

    trial: int
    lr: float
    value: float | None
    trained: int
    outcome: Outcome


class ProposalInfo(NamedTuple):
    """The data of the figure.

    Attributes:
        horizon: Horizon of a full run.
        schedule: Name of its schedule.
        lr: Learning rates at which the densities are given, ascending.
        shares: The prior's classes of slopes.
        densities: By class, its part of the density of the optimal lr, per decade.
        interval: Lower end of the 90 % interval of the optimal lr, its median, and the upper end;
            None if the law has nothing to start from.
        recommended: Learning rate to train full runs with; None if there is none yet.
        full: Full runs that came to their end, evenly chosen and with the best, by their numbers.
        others: Trials that did not: probes, and full runs that were ended.
        best: Number of the best full run.
        counts: Full runs and other trials of the study, shown or not.
        maximize: Whether the study maximizes.
        verdict: What the law is worth for full runs, in words.
        varied: Other parameters in which the trials differ.

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> get_proposal_info(searched(optuna.create_study())).interval is None
        True
    """

    horizon: int
    schedule: str
    lr: list[float]
    shares: list[Share]
    densities: dict[str, list[float]]
    interval: tuple[float, float, float] | None
    recommended: float | None
    full: list[Tried]
    others: list[Tried]
    best: int | None
    counts: tuple[int, int]
    maximize: bool
    verdict: str
    varied: list[str]


def get_proposal_info(known: Searched) -> ProposalInfo:
    """What the figure shows of a study.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> from optuna_kappa.runs import example_runs
        >>> from optuna_kappa.visualization.searched import searched
        >>> sampler = KappaSampler(horizon=64, sources=[example_runs()], seed=0)
        >>> info = get_proposal_info(searched(optuna.create_study(sampler=sampler)))
        >>> low, median, high = info.interval
        >>> low < 0.01 / 64 < high
        True
    """
    full, others = _tried(known)
    best = None
    if full:
        best = min(full, key=lambda one: known.sign * (one.value or 0.0)).trial

    law = known.law
    target = known.shape or known.schedule
    has_law = bool(law.optima and known.horizon)
    distribution = _Distribution([], {}, None, str(law.verdict))
    if has_law:
        distribution = _distribution(law, known.horizon, target)

    return ProposalInfo(
        horizon=known.horizon,
        schedule=known.schedule,
        lr=distribution.lr,
        shares=class_shares(law) if has_law else [],
        densities=distribution.densities,
        interval=distribution.interval,
        recommended=known.recommended,
        full=_chosen(full, best),
        others=_chosen(others, None),
        best=best,
        counts=(len(full), len(others)),
        maximize=known.sign < 0,
        verdict=distribution.verdict,
        varied=known.varied,
    )


class _Distribution(NamedTuple):
    lr: list[float]
    densities: dict[str, list[float]]
    interval: tuple[float, float, float] | None
    verdict: str


def _distribution(law: Law, horizon: int, schedule: str | AnySchedule) -> _Distribution:
    """The law's distribution of the optimal lr, in parts."""
    whole = law.predict(horizon, schedule)
    proposal = law.propose(horizon, schedule)
    ln_lr = np.linspace(whole.quantile(_TAIL), whole.quantile(1 - _TAIL), _N_GRID)

    densities = {}
    for name, part in by_class(law, horizon, schedule).items():
        densities[name] = marks.rounded(_per_decade(part, ln_lr).tolist())

    return _Distribution(
        lr=marks.rounded(np.exp(ln_lr).tolist()),
        densities=densities,
        interval=(proposal.low, proposal.lr, proposal.high),
        verdict=str(proposal.verdict),
    )


def _per_decade(part: Mixture, ln_lr: Floats) -> Floats:
    if not len(part.weight):
        return np.zeros_like(ln_lr)
    return part.density(ln_lr) * _DECADE


def _tried(known: Searched) -> tuple[list[Tried], list[Tried]]:
    """Full runs that came to their end, and all other trials with a learning rate."""
    full: list[Tried] = []
    others: list[Tried] = []
    for one in ran(known):
        if one.lr is None or one.outcome == "failed":
            continue
        tried = Tried(one.trial, one.lr, one.value, one.trained, one.outcome)
        is_full = is_full_run(one, known.horizon)
        (full if is_full else others).append(tried)

    return full, others


def _chosen(tried: list[Tried], best: int | None) -> list[Tried]:
    """At most as many trials as readers can tell apart, the best one among them."""
    keep = [i for i, one in enumerate(tried) if one.trial == best]
    return [tried[i] for i in marks.thin(len(tried), keep, _MOST_TRIALS)]
