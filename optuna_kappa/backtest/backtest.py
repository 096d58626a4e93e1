"""Would the law have worked on past runs? Hide the largest horizon, then propose for it.

For each context group and schedule, the largest horizon with enough learning rates is hidden. The
law is fitted to what lies at least a factor 1.2 below it, and pooled with the laws of the other
groups of its schedule, whose largest horizons are hidden too. The law's proposal is then judged by
the losses that were recorded at the hidden horizon D, beside the rules that need no law:

    copy        lr_last, the best recorded lr of the largest horizon D_last that was not hidden
    slope-s     lr_last * (D / D_last)^-s

A constant-rate run counts at every horizon up to its own, so hiding a horizon means to cut every
curve: at the next smaller planned horizon, or at half of D where all curves are of one length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from optuna_kappa._validation import check_type
from optuna_kappa.backtest import holdout
from optuna_kappa.backtest.recorded import Recorded, RecordedRuns
from optuna_kappa.backtest.results import SLOPES, Backtest, Outcome, Skipped, Tried
from optuna_kappa.law import Law, Prior, Proposal, fit, pool
from optuna_kappa.law.optimum import find_optima
from optuna_kappa.law.prior import MIXTURE, as_prior
from optuna_kappa.runs import RunTable
from optuna_kappa.runs.gaps import without_gaps


class _HiddenGroup(NamedTuple):
    """A group whose largest horizon is hidden.

    Attributes:
        context: Values of the context columns.
        schedule: Name of the schedule.
        hidden_losses: What was recorded at the hidden horizon.
        last_losses: What was recorded at the largest horizon that is not hidden.
        law: Law fitted to the runs that are not hidden.
    """

    context: Mapping[str, str]
    schedule: str
    hidden_losses: Recorded
    last_losses: Recorded
    law: Law


def backtest(
    runs: RunTable,
    context: Sequence[str] = (),
    *,
    hide: float | None = None,
    fit_up_to: float | None = None,
    prior: Prior | str = MIXTURE,
) -> Backtest:
    """Hide the largest horizon of each group and propose for it from the rest.

    Args:
        runs: Run table.
        context: Context columns whose values make a group; each group has its own law,
            partly pooled with the others'.
        hide: Horizon to hide, in the table's unit; by default the largest with at least four
            learning rates. All above it is hidden too.
        fit_up_to: Largest horizon to fit to.
        prior: What is believed before any run: a `Prior`, or the name of one.

    Raises:
        ValueError: A name is no context column or no prior, or a horizon is out of its range.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> outcome = backtest(example_runs(slope=1.0), hide=64).tested[0]
        >>> {rule: round(tried.regret, 2) for rule, tried in outcome.methods.items()}
        {'law': 0.03, 'copy': 0.33, 'slope-0.32': 0.12, 'slope-0.5': 0.07, 'slope-1': 0.0}
    """
    check_type("runs", runs, RunTable, "read_csv and run_table make one")
    holdout.check_horizons(hide, fit_up_to)
    prior = as_prior(prior)
    # Before curves are cut, which could make a gap look like a divergence.
    runs = without_gaps(runs)

    groups: list[_HiddenGroup | Skipped] = []
    for values, table in runs.groups(context):
        for schedule in sorted(set(table.schedule.tolist())):
            try:
                groups.append(_hide(table, values, schedule, hide, fit_up_to, prior))
            except holdout.Unusable as reason:
                groups.append(Skipped(values, schedule, str(reason)))

    return Backtest(tuple(_outcomes(groups)), prior.name)


def _hide(
    runs: RunTable,
    context: Mapping[str, str],
    schedule: str,
    hide: float | None,
    fit_up_to: float | None,
    prior: Prior,
) -> _HiddenGroup:
    """Hide a horizon of one schedule and fit the law to the rest of the runs.

    Raises:
        Unusable: The horizon cannot be hidden, or too little is left to fit to.
    """
    recorded = RecordedRuns(runs.where(runs.schedule == schedule))
    hidden_losses = holdout.hidden_losses(recorded, hide)
    if not find_optima([hidden_losses.seen]):
        raise holdout.Unusable(
            f"the losses at {hidden_losses.horizon:g}, the horizon to hide, cannot be told apart"
        )

    limit = holdout.fitting_limit(recorded, hidden_losses.horizon, fit_up_to)

    # Visible runs of other schedules help to fit the law.
    visible = holdout.truncate(runs, limit)
    visible_of_schedule = RecordedRuns(visible.where(visible.schedule == schedule))
    last_losses = visible_of_schedule.largest(holdout.MIN_FITTED)
    if last_losses is None:
        raise holdout.Unusable(
            f"{hidden_losses.horizon:g} is hidden, and no horizon up to {limit:g} has "
            f"{holdout.MIN_FITTED} learning rates to fit to"
        )

    try:
        law = fit(visible, prior=prior)
    except ValueError as error:
        raise holdout.Unusable(str(error)) from error
    return _HiddenGroup(context, schedule, hidden_losses, last_losses, law)


def _outcomes(groups: Sequence[_HiddenGroup | Skipped]) -> Iterator[Outcome | Skipped]:
    """Outcome of each group, its law pooled with those of the other groups of its schedule."""
    for group in groups:
        if isinstance(group, Skipped):
            yield group
            continue

        law = _pooled_law(group, groups)
        try:
            proposal = law.propose(group.hidden_losses.horizon, group.schedule)
        except ValueError as error:
            yield Skipped(group.context, group.schedule, str(error))
        else:
            yield _judge(group, law, proposal)


def _pooled_law(group: _HiddenGroup, groups: Sequence[_HiddenGroup | Skipped]) -> Law:
    """Law of a group, pooled with those of the other groups of its schedule."""
    members = []
    laws = []
    for candidate in groups:
        if isinstance(candidate, _HiddenGroup) and candidate.schedule == group.schedule:
            members.append(candidate)
            laws.append((candidate.context, candidate.law))

    pooled = pool(laws)
    return pooled[members.index(group)]


def _judge(group: _HiddenGroup, law: Law, proposal: Proposal) -> Outcome:
    """Compare the law's proposal and the simple rules by their losses at the hidden horizon."""
    hidden = group.hidden_losses
    last = group.last_losses

    lrs = {"law": proposal.lr}
    for method, slope in SLOPES.items():
        lrs[method] = last.best_lr * (hidden.horizon / last.horizon) ** -slope

    methods = {}
    for method, lr in lrs.items():
        regret = hidden.regret(lr)
        methods[method] = Tried(lr, regret)

    # The optimum comes from the hidden horizon alone: the law must not judge itself.
    hidden_optimum = find_optima([hidden.seen])[0]
    fitted = {optimum.horizon for optimum in law.optima}
    return Outcome(
        context=group.context,
        schedule=group.schedule,
        hidden=hidden.horizon,
        fitted=tuple(sorted(fitted)),
        last=last.horizon,
        optimum=hidden_optimum,
        methods=methods,
        interval=(proposal.low, proposal.high),
        verdict=proposal.verdict.word,
    )
