"""Fit the law to the runs of one context or of several, or to optima found before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from optuna_kappa._validation import check_items, check_mapping
from optuna_kappa.law.contexts import Context, check_pairs, comparable
from optuna_kappa.law.law import Law
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import OWN, Optimum, find_optima
from optuna_kappa.law.prior import MIXTURE, Prior, as_prior
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule, as_schedule, find_schedule


def fit(
    runs: RunTable | Sequence[RunTable],
    schedules: Mapping[str, AnySchedule] | None = None,
    prior: Prior | str = MIXTURE,
) -> Law:
    """Fit the law to the runs of one context.

    Args:
        runs: Run table; constant-rate runs count at every horizon up to their own. Of several
            tables, the last one is the one that proposals are for. The optima of the others (a
            smaller model's, say) are found table by table and joined, as far as they carry over.
        schedules: Shapes of schedules that the tables name but `optuna_kappa.schedules` cannot
            parse. A name found in neither is a schedule of unknown shape: its optima still show
            how the optimum moves, but not what another schedule's would be.
        prior: What is believed before any run: a `Prior`, or the name of one.

    Raises:
        ValueError: A horizon has more than 100,000 periods of its schedule: their units differ.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> law = fit(example_runs(slope=1.0))
        >>> print(f"{law.propose(256).lr:.1e}")
        4.7e-05
    """
    tables = [runs] if isinstance(runs, RunTable) else runs
    remedy = "read_csv makes one from a file, run_table from a study"
    tables = check_items("runs", tables, RunTable, remedy)

    optima_by_table = []
    for table in tables:
        observations = observe(table)
        optima_by_table.append(find_optima(observations))

    return join(optima_by_table, schedules, prior)


def join(
    found: Sequence[Sequence[Optimum]],
    schedules: Mapping[str, AnySchedule] | None = None,
    prior: Prior | str = MIXTURE,
) -> Law:
    """Make a law from optima that were found table by table.

    Args:
        found: Optima of each table; the last table is the one that proposals are for.
        schedules: As in `fit`, which finds the optima too.
        prior: As in `fit`.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> small = find_optima(observe(example_runs(horizons=[1, 4])))
        >>> large = find_optima(observe(example_runs(horizons=[16])))
        >>> [optimum.table for optimum in join([small, large]).optima]
        [1, 1, 0]
    """
    shapes = _checked_shapes(schedules)
    tables: list[Sequence[Any]] = check_items("found", found, Sequence, "find_optima finds them")
    joined = []
    for number, optima in enumerate(tables, start=1):
        is_last = number == len(tables)
        for optimum in check_items("found", optima, Optimum, "find_optima finds them"):
            # A periodic schedule has another mean at each horizon.
            mean, peak, end = _multipliers(optimum.schedule, optimum.horizon, shapes)
            in_table = replace(
                optimum,
                mean=mean,
                peak=peak,
                end=end,
                table=OWN if is_last else number,
            )
            joined.append(in_table)

    return Law(tuple(joined), prior=as_prior(prior))


def fit_contexts(
    tables: Sequence[tuple[Mapping[str, str], RunTable]],
    schedules: Mapping[str, AnySchedule] | None = None,
    prior: Prior | str = MIXTURE,
) -> list[Law]:
    """Fit a law to the runs of each context, partially pooled with those of the others.

    Args:
        tables: Values of the context columns and the runs that have them, as `RunTable.groups`
            yields them.
        schedules: As in `fit`.
        prior: As in `fit`.

    Returns:
        A law for each context, in the same order.

    Raises:
        ValueError: As in `fit`.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> narrow, wide = example_runs(), example_runs(horizons=[1, 4])
        >>> laws = fit_contexts([({"width": "64"}, narrow), ({"width": "128"}, wide)])
        >>> [len(law.related) for law in laws]
        [2, 4]
    """
    laws = []
    for values, table in check_pairs("tables", tables, RunTable):
        law = fit(table, schedules, prior)
        laws.append((values, law))

    return pool(laws)


def pool(laws: Sequence[tuple[Mapping[str, str], Law]]) -> list[Law]:
    """Laws of several contexts, each with the optima of the other contexts as related ones.

    Contexts are compared by those of their values that are positive numbers (batch size, width),
    on the logarithmic scale. Contexts that differ in any other value (the optimizer, say) share
    nothing.

    Args:
        laws: Values of the context columns, and the law fitted to the runs of this context alone.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> law = fit(example_runs())
        >>> adam, sgd = pool([({"optimizer": "adam"}, law), ({"optimizer": "sgd"}, law)])
        >>> adam.context, adam.related
        ((('optimizer', 'adam'),), ())
    """
    own_optima = []
    for values, law in check_pairs("laws", laws, Law):
        context = tuple((name, str(value)) for name, value in values.items())
        optima = _with_context(law, context)
        own_optima.append((context, optima, law.prior))

    pooled = []
    for context, own, prior in own_optima:
        related: list[Optimum] = []
        for other, optima, _ in own_optima:
            # Optima of an equal context are not related ones.
            if other != context and comparable(other, context):
                related += optima

        pooled.append(Law(own, tuple(related), context, prior))
    return pooled


def _with_context(law: Law, context: Context) -> tuple[Optimum, ...]:
    return tuple(replace(optimum, context=context) for optimum in law.optima)


def _checked_shapes(schedules: Mapping[str, AnySchedule] | None) -> dict[str, AnySchedule]:
    if schedules is None:
        return {}

    named = check_mapping("schedules", schedules, "it has the shapes of schedules by name")
    return {name: as_schedule(schedule) for name, schedule in named.items()}


def _multipliers(
    name: str,
    horizon: float,
    shapes: Mapping[str, AnySchedule],
) -> tuple[float | None, float | None, float | None]:
    """Mean, largest and last multiplier of a schedule; None where its shape is not known."""
    schedule = shapes[name] if name in shapes else find_schedule(name)
    if schedule is None:
        return None, None, None

    shape = schedule.resolve(horizon)
    return shape.mean, shape.peak, shape.end
