"""Learning rates for long and scheduled training runs, from cheap short ones.

The best learning rate of a long run is expensive to search for, and it is not that of a short run:
it moves with the horizon, the data that a run is planned to see. `KappaSampler` makes the first
trials of an Optuna study short, fits the law by which the optimum moves, and continues the search
at the full horizon, near the learning rate that the law predicts. `KappaPruner` stops each short
trial at its horizon, and other trials once they are unlikely to become the best. Without Optuna,
`fit` finds the law from a table of recorded runs.

Example:
    A search for runs of 24 epochs. The losses are made up; the best learning rate at e epochs is
    0.01 / e.

    >>> import math
    >>> import optuna
    >>> import optuna_kappa

    >>> def objective(trial):
    ...     lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    ...     for epoch in range(1, 25):
    ...         loss = epoch**-0.3 * math.cosh(0.8 * math.log(lr * epoch / 0.01))
    ...         trial.report(loss, step=epoch)
    ...         if trial.should_prune():
    ...             raise optuna.TrialPruned()
    ...     return loss

    >>> sampler = optuna_kappa.KappaSampler(horizon=24, seed=0)
    >>> pruner = optuna_kappa.KappaPruner()
    >>> study = optuna.create_study(sampler=sampler, pruner=pruner)
    >>> study.optimize(objective, n_trials=12)

    Ten of the trials were probes: six of 1 epoch and four of 8. Together with two full runs they
    find the best learning rate, 0.01 / 24.

    >>> round(sampler.recommend(study), 4), round(0.01 / 24, 4)
    (0.0004, 0.0004)

    The law of recorded runs proposes a learning rate for a longer one.

    >>> from optuna_kappa.runs import example_runs
    >>> law = optuna_kappa.fit(example_runs(slope=1.0))
    >>> round(law.propose(horizon=256).lr, 5), round(0.01 / 256, 5)
    (5e-05, 4e-05)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna_kappa.law import Law, Proposal, Verdict, fit, fit_contexts
    from optuna_kappa.runs import RunTable, read_csv
    from optuna_kappa.study import (
        Certified,
        KappaPruner,
        KappaSampler,
        fail_interrupted,
        horizon,
        run_table,
    )

__version__ = "0.1.0"

__all__ = [
    "Certified",
    "KappaPruner",
    "KappaSampler",
    "Law",
    "Proposal",
    "RunTable",
    "Verdict",
    "fail_interrupted",
    "fit",
    "fit_contexts",
    "horizon",
    "read_csv",
    "run_table",
]

# The folders that the public names come from, in the order in which they are looked in.
_FOLDERS = ("law", "runs", "study")
_SUBMODULES = (
    *_FOLDERS,
    "backtest",
    "dashboard",
    "pruning",
    "report",
    "schedules",
    "search",
    "visualization",
)


if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> Any:
        """Import a public name or a folder when it is first used.

        Optuna and NumPy take a second to import. The command line must be able to say that it was
        interrupted in this second, so importing this package alone must not take it.
        """
        if name in __all__:
            for folder in _FOLDERS:
                module = import_module(f"{__name__}.{folder}")
                if hasattr(module, name):
                    globals()[name] = getattr(module, name)
                    return globals()[name]

        if name in _SUBMODULES:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, *_SUBMODULES})
