"""`optuna-kappa plan`: what a budget of probes buys, or what the next runs are worth."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

from optuna_kappa._validation import POSITIVE, check_horizon, one_line
from optuna_kappa.cli.output import print_json, print_text
from optuna_kappa.cli.priors import check_prior
from optuna_kappa.cli.storages import (
    add_known,
    add_storage,
    default_storage,
    note_unknown_target,
    opened_study,
    sampler_for,
)
from optuna_kappa.law import prior_for
from optuna_kappa.schedules import AnySchedule, as_schedule
from optuna_kappa.search.budget import probes_for
from optuna_kappa.search.certainty import Certainty
from optuna_kappa.search.expectation import expected_regret
from optuna_kappa.search.purchases import Purchase
from optuna_kappa.study.outlook import (
    GOOD,
    TOLERANCES,
    Outlook,
    outlook,
    probability_text,
    within_tolerances,
)
from optuna_kappa.study.stopping_short import runs_that_stop_short

SUMMARY = "plan a budget of probes, or the next runs of a study"
USAGE = """optuna-kappa plan --horizon D [--probe-budget B] [options]
       optuna-kappa plan --storage URL [options]"""
DESCRIPTION = """\
Print what will be run for a budget of probes, what it costs, and how far the
recommended lr will probably be from the best. Of a study that has begun,
print how sure its recommendation is, and what the next runs would be worth.

Regret: the loss expected of a full run, in percent above that at the best lr.
Costs are in full runs.
"""
EXAMPLES = """\
examples:
  optuna-kappa plan --horizon 24 --probe-budget 0.5 --unit epochs
  optuna-kappa plan --horizon 24 --optimizer adam --passes 24
  optuna-kappa plan --storage sqlite:///my.db
"""

_BUDGET = 0.5  # full runs, where none is given
_BESIDE = (0.5, 1.0, 2.0)  # multiples of the budget that are shown, too
_N_DRAWS = 100  # of laws, for each budget
_LIKELY = 0.9  # quantile that is printed beside the median


class _Planned(NamedTuple):
    """What a budget buys.

    Attributes:
        budget: Full runs.
        rungs: (horizon, number of probes) of each rung.
        regret: Distribution of the regret of what is recommended after them.
    """

    budget: float
    rungs: Sequence[tuple[int, int]]
    regret: Certainty

    def cost(self, horizon: int) -> float:
        """What the probes cost, in full runs of a horizon."""
        return sum(d * n for d, n in self.rungs) / horizon


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `plan`."""
    command.add_argument(
        "--probe-budget",
        type=float,
        metavar="B",
        help=f"what the probes may cost, in full runs (default: {_BUDGET})",
    )
    command.add_argument(
        "--regret",
        type=float,
        default=GOOD,
        metavar="R",
        help="regret up to which a recommendation is good enough, as a fraction; the next runs "
        f"are judged by it (default: {GOOD})",
    )
    command.add_argument(
        "--unit", default="steps", metavar="NAME", help="name of the unit of a horizon"
    )
    add_storage(command, several=False)
    add_known(command)


def run(options: argparse.Namespace) -> None:
    """Print a plan.

    Raises:
        ValueError: An option is not allowed, the study cannot be read, or it shows no law yet.
    """
    check_prior(options)
    POSITIVE.check("--regret", options.regret, "it is a fraction, such as 0.02 for 2 %")
    if _is_new(options):
        _plan_new(options)
    else:
        _plan_study(options)


def _is_new(options: argparse.Namespace) -> bool:
    """Whether the plan is for a search that has not begun: no study is asked for."""
    if options.probe_budget is not None:
        return True
    asks_for_study = options.study is not None or options.storage != default_storage()
    return options.horizon is not None and not asks_for_study


def _plan_new(options: argparse.Namespace) -> None:
    if options.horizon is None:
        raise ValueError("--probe-budget plans a new search; give --horizon, its full run, too")

    horizon = check_horizon(options.horizon)
    schedule = as_schedule(options.schedule or "constant")
    budget = _BUDGET if options.probe_budget is None else options.probe_budget
    budget = POSITIVE.check("--probe-budget", budget, "it is in full runs, such as 0.5")
    prior = prior_for(
        options.prior, optimizer=options.optimizer, passes=options.passes, horizon=horizon
    )

    planned = []
    for factor in _BESIDE:
        rungs = probes_for(factor * budget, horizon)
        if rungs:
            regret = expected_regret(rungs, horizon, schedule, prior, _N_DRAWS)
            planned.append(_Planned(factor * budget, rungs, regret))
    if not planned:
        raise ValueError(
            f"--horizon must be at least 2, got {horizon}: a probe is shorter than a full run"
        )

    if options.json:
        print_json(_new_as_dict(planned, horizon, schedule, prior.name))
    else:
        print_text(_new_text(planned, budget, horizon, schedule, options.unit, prior.name))


def _new_as_dict(
    planned: Sequence[_Planned], horizon: int, schedule: AnySchedule, prior: str
) -> dict[str, Any]:
    plans = []
    for one in planned:
        rungs = [{"horizon": d, "probes": n, "cost": d * n / horizon} for d, n in one.rungs]
        plans.append(
            {
                "budget": one.budget,
                "rungs": rungs,
                "cost": one.cost(horizon),
                "median_regret": one.regret.quantile(0.5),
                "p90_regret": one.regret.quantile(_LIKELY),
            }
        )
    return {"horizon": horizon, "schedule": schedule.name, "prior": prior, "plans": plans}


def _new_text(
    planned: Sequence[_Planned],
    budget: float,
    horizon: int,
    schedule: AnySchedule,
    unit: str,
    prior: str,
) -> str:
    chosen = min(planned, key=lambda one: abs(one.budget - budget))
    unit = one_line(unit)
    lines = [f"{horizon} {unit}, {one_line(schedule.name)}, prior: {one_line(prior)}", ""]
    for d, n in chosen.rungs:
        lines.append(f"  {n} probes of {d} {unit}, {_runs(d * n / horizon)}")

    lines += [f"  {_runs(chosen.cost(horizon))} in all, before the first full run", ""]
    lines.append(f"  {'budget':>8} {'cost':>6} {'regret: median':>16} {'in 9 of 10 below':>18}")
    for one in planned:
        median, likely = one.regret.quantile(0.5), one.regret.quantile(_LIKELY)
        lines.append(
            f"  {one.budget:>8.3g} {one.cost(horizon):>6.2f} {_percent(median):>16} "
            f"{_percent(likely):>18}"
        )

    lines += ["", "The regret is that before any full run, from the prior alone.", ""]
    return "\n".join(lines)


def _plan_study(options: argparse.Namespace) -> None:
    with opened_study(options) as study:
        sampler = sampler_for(study, options)
        study_law = sampler.study_law(study, study.get_trials(deepcopy=False))
        horizon = study_law.problem.horizon
        found = outlook(study, sampler, options.regret)
        if found is not None:
            note_unknown_target(study, options, horizon)

    if found is None and runs_that_stop_short(study_law.trials):
        raise ValueError(
            f"all full runs of {study.study_name!r} stop far before step {horizon}, so nothing is "
            "known of runs of that length; the note says what to do"
        )
    if found is None:
        raise ValueError(
            f"the study {study.study_name!r} shows no law yet: three learning rates of one "
            "horizon need a finite loss; run more trials first"
        )
    if options.json:
        print_json({"study": study.study_name, "horizon": horizon, **_study_as_dict(found)})
    else:
        name = one_line(study.study_name)
        print_text(_study_text(name, found, options.regret, horizon, options.unit))


def _study_as_dict(found: Outlook) -> dict[str, Any]:
    return {
        "lr": found.lr,
        "within": within_tolerances(found.certainty),
        "median_regret": found.certainty.quantile(0.5),
        "p90_regret": found.certainty.quantile(_LIKELY),
        "purchases": [one._asdict() for one in found.purchases],
    }


def _study_text(name: str, found: Outlook, regret: float, horizon: int, unit: str) -> str:
    lines = [f"{name}, full runs of {horizon} {one_line(unit)}", ""]
    lines += [f"  recommended lr {found.lr:.3g}", ""]
    for tolerance in TOLERANCES:
        p = found.certainty.within(tolerance)
        lines.append(
            f"  within {_percent(tolerance):>4} of the best with probability {probability_text(p)}"
        )

    lines += ["", f"  next runs, by the probability to be within {_percent(regret)}:"]
    for one in found.purchases:
        lines.append(f"    {_purchase_text(one, horizon, one_line(unit))}")
    return "\n".join([*lines, ""])


def _purchase_text(one: Purchase, horizon: int, unit: str) -> str:
    """A purchase in words, as in "2 more probes of 8 epochs, 0.67 full runs: 71 % -> 90 %"."""
    if one.horizon == horizon:
        what = "1 full run" if one.n == 1 else f"{one.n} full runs"
    else:
        what = f"{one.n} more probes of {one.horizon} {unit}, {_runs(one.cost)}"
    now, then = probability_text(one.now), probability_text(one.then)
    return f"{what}: {now} -> {then}" if now != then else f"{what}: {now}, as now"


def _runs(cost: float) -> str:
    return f"{cost:.2g} full runs"


def _percent(part: float) -> str:
    return f"{100 * part:.2g} %"
