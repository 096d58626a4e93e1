"""Sources: earlier studies and run tables whose optima a search starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.study import Study

from optuna_kappa._validation import shown
from optuna_kappa.law import Optimum
from optuna_kappa.law.effects import find_effects
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import find_optima
from optuna_kappa.runs import RunTable
from optuna_kappa.study.lr_names import LrName, quoted
from optuna_kappa.study.trials import run_table


def source_optima(sources: Any, lr: LrName) -> list[list[Optimum]]:
    """The optima of each source, at least one for each.

    Args:
        sources: What the user gave: a sequence of studies and run tables.
        lr: Name of the learning-rate parameter of the studies, or several names.

    Raises:
        ValueError: `sources` is not such a sequence, or no optimum can be located in one of them.

    Example:
        >>> from optuna_kappa.runs import example_runs
        >>> (optima,) = source_optima([example_runs(horizons=[1, 4])], lr="lr")
        >>> [optimum.horizon for optimum in optima]
        [1.0, 4.0]
    """
    # A string is a sequence too, but of characters.
    if isinstance(sources, (Study, RunTable, str)) or not isinstance(sources, Sequence):
        raise ValueError(
            f"sources must be a list of studies and run tables, but is {shown(sources)}"
        )

    optima_by_source = []
    for source in sources:
        if not isinstance(source, (Study, RunTable)):
            raise ValueError(f"a source must be a study or a run table, but is {shown(source)}")

        # Runs of a study may differ in other parameters, which would blur its optima.
        table = source if isinstance(source, RunTable) else _without_effects(source, lr)
        optima = find_optima(observe(table))
        if not optima:
            raise ValueError(
                "a source has no horizon at which three learning rates gave a finite loss; are "
                f"its losses reported, and is {quoted(lr)} the name of its learning rate?"
            )
        optima_by_source.append(optima)

    return optima_by_source


def _without_effects(study: Study, lr: LrName) -> RunTable:
    """A study's runs, as they would have been with the average of the other parameters."""
    table = run_table(study, lr=lr)
    effects = find_effects(table, sorted(table.context))
    return effects.adjusted(table)
