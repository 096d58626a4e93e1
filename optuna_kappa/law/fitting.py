"""Fits the law to run tables: of one context, of several, or to optima found before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from optuna_kappa.law.contexts import comparable
from optuna_kappa.law.law import Law
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import OWN, Optimum, find_optima
from optuna_kappa.runs import RunTable
from optuna_kappa.schedules import AnySchedule, find_schedule


def fit(
    runs: RunTable | Sequence[RunTable], schedules: Mapping[str, AnySchedule] | None = None
) -> Law:
    """Fits the law to the runs of one context.

    Args:
        runs: Run table; constant-rate runs count at every horizon up to their own. Of several
            tables the last one is what proposals are for; the optima of the others (a smaller
            model's, say) are found one by one and joined, as far as they carry over.
        schedules: Shapes of schedules that the tables name but `optuna_kappa.schedules` cannot
            parse. A name found in neither is a schedule of unknown shape: its optima still show
            how the optimum moves, but not what another schedule's would be.

    Raises:
        ValueError: A horizon has more than 100,000 periods of its schedule: their units differ.
    """
    tables = [runs] if isinstance(runs, RunTable) else list(runs)
    if not all(isinstance(table, RunTable) for table in tables):
        raise ValueError(
            f"fit needs a RunTable or several, but got {runs!r}; read_csv makes one of a file, "
            "run_table of a study"
        )
    return join([find_optima(observe(table)) for table in tables], schedules)


def join(
    found: Sequence[Sequence[Optimum]], schedules: Mapping[str, AnySchedule] | None = None
) -> Law:
    """The law of optima as found table by table; see `fit`, which finds them, too."""
    shapes, optima = dict(schedules or {}), []
    for i, several in enumerate(found, start=1):
        for optimum in several:
            mean, peak = _multipliers(optimum.schedule, optimum.horizon, shapes)
            which = OWN if i == len(found) else i
            optima.append(replace(optimum, mean=mean, peak=peak, table=which))
    return Law(tuple(optima))


def fit_contexts(
    tables: Sequence[tuple[Mapping[str, str], RunTable]],
    schedules: Mapping[str, AnySchedule] | None = None,
) -> list[Law]:
    """Fits a law to the runs of each context, partially pooled with those of the others.

    Args:
        tables: Values of the context columns and the runs that have them, as `RunTable.groups`
            yields them.
        schedules: As in `fit`.

    Returns:
        A law for each, in the same order.

    Raises:
        ValueError: As in `fit`.
    """
    return pool([(values, fit(table, schedules)) for values, table in tables])


def pool(laws: Sequence[tuple[Mapping[str, str], Law]]) -> list[Law]:
    """Laws of several contexts, each with the optima of the others beside its own.

    Contexts are compared by their values that are positive numbers (batch size, width), on the
    logarithmic scale. Those that differ in any other value (the optimizer, say) share nothing.

    Args:
        laws: Values of the context columns, and the law fitted to the runs that have them alone.
    """
    contexts = [tuple(values.items()) for values, _ in laws]
    optima = [
        tuple(replace(optimum, context=context) for optimum in law.optima)
        for context, (_, law) in zip(contexts, laws, strict=True)
    ]
    found = []
    for context, own in zip(contexts, optima, strict=True):
        others = (
            several
            for other, several in zip(contexts, optima, strict=True)
            if other != context and comparable(other, context)
        )
        found.append(Law(own, tuple(chain.from_iterable(others)), context))
    return found


def _multipliers(
    name: str, horizon: float, shapes: Mapping[str, AnySchedule]
) -> tuple[float | None, float | None]:
    """Mean and largest multiplier of a schedule; None where it cannot be parsed."""
    schedule = shapes[name] if name in shapes else find_schedule(name)
    if schedule is None:
        return None, None

    shape = schedule.resolve(horizon)
    return shape.mean, shape.peak
