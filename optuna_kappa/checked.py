"""Arguments of the sampler, checked: each error says what is allowed."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa import trials as door
from optuna_kappa.law import Optimum
from optuna_kappa.law.effects import find_effects
from optuna_kappa.law.observations import observe
from optuna_kappa.law.optimum import find_optima
from optuna_kappa.runs import RunTable


def whole_horizon(horizon: Any) -> int:
    """A horizon that storages can hold."""
    real = isinstance(horizon, numbers.Real)
    if not (real and horizon > 0 and math.isfinite(horizon) and horizon == int(horizon)):
        raise ValueError(
            "horizon must be a positive whole number of steps (of trial.report), but is "
            f"{horizon!r}"
        )
    if horizon > door.MAX_STEP:
        raise ValueError(
            f"horizon must be at most {door.MAX_STEP}, since storages hold steps in 32 bits, but "
            f"is {horizon}; report in blocks, such as thousands of tokens"
        )
    return int(horizon)


def whole(name: str, value: Any) -> int:
    """A whole number, 0 or more."""
    if not (isinstance(value, numbers.Integral) and int(value) >= 0):
        raise ValueError(f"{name} must be a whole number, 0 or more, but is {value!r}")
    return int(value)


def source_optima(sources: Any, lr: str) -> list[list[Optimum]]:
    """The optima of the runs of each source; each has one to start from."""
    if isinstance(sources, (Study, RunTable, str)) or not isinstance(sources, Sequence):
        raise ValueError(f"sources must be a list of studies and run tables, but is {sources!r}")
    found = []
    for source in sources:
        if not isinstance(source, (Study, RunTable)):
            raise ValueError(f"a source must be a study or a run table, but is {source!r}")
        table = source if isinstance(source, RunTable) else _without_effects(source, lr)
        optima = find_optima(observe(table))
        if not optima:
            raise ValueError(
                "a source has no horizon at which three learning rates gave a finite loss; are "
                f"its losses reported, and is {lr!r} the name of its learning rate?"
            )
        found.append(optima)
    return found


def _without_effects(study: Study, lr: str) -> RunTable:
    """A study's runs, as they would have been with the average of the other parameters."""
    table = door.run_table(study, lr=lr)
    return find_effects(table, sorted(table.context)).adjusted(table)


def known_params(params: Mapping[str, Any], trials: Sequence[FrozenTrial]) -> None:
    """Raises a ValueError for a parameter that no trial has."""
    known = {name for trial in trials for name in trial.params}
    for name in params:
        if name not in known:
            raise ValueError(
                f"no trial has a parameter {name!r}; the trials have {', '.join(sorted(known))}"
            )
