"""KappaPruner: ends a trial at its planned horizon."""

from __future__ import annotations

import math

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa.trials import plan_of


class KappaPruner(BasePruner):
    """Ends a probe at the horizon that `KappaSampler` planned for it, so that it costs no more.

    Probes end PRUNED, so `study.best_trial` stays a full run. A trial whose last report is NaN or
    infinite has diverged and is ended at once. Other trials run on. The decision needs the trial
    in hand only; the storage is not read.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial should end now.

        Raises:
            RuntimeError: The study has several objectives.
        """
        _ = study.direction  # raises if there are several
        plan = plan_of(trial)
        horizon = plan.horizon if plan is not None and plan.is_probe else None
        return ends(trial.intermediate_values, horizon)


def ends(reports: dict[int, float], horizon: int | None) -> bool:
    """The decision: diverged, or reported at or beyond the horizon; None for no horizon."""
    if not reports:
        return False
    last = max(reports)
    return not math.isfinite(reports[last]) or (horizon is not None and last >= horizon)
