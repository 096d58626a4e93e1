"""The interface of objectives that are made from recorded runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from optuna.distributions import BaseDistribution

from optuna_kappa._typing import Floats
from optuna_kappa.schedules import AnySchedule

Params = Mapping[str, Any]
LR = "lr"


class Curve(NamedTuple):
    """The reports of one trial.

    Attributes:
        steps: Data seen, shape `(n,)`, ascending, at least 1, whole numbers up to rounding. The
            last step is the horizon that the trial was planned for.
        losses: Shape `(n,)`; NaN from the step on at which the run had diverged.
    """

    steps: Floats
    losses: Floats


class Objective(Protocol):
    """A stochastic objective made from recorded runs."""

    @property
    def horizon(self) -> float:
        """Target horizon, in steps."""
        ...

    @property
    def epoch(self) -> float:
        """A short horizon, in steps: one epoch if the table says how long an epoch is."""
        ...

    @property
    def schedule(self) -> AnySchedule:
        """The schedule, in the form in which a `KappaSampler` is given it."""
        ...

    @property
    def space(self) -> Mapping[str, BaseDistribution]:
        """The parameters to search, `LR` among them, and their ranges."""
        ...

    @property
    def recorded(self) -> Sequence[Params]:
        """The parameters that have recorded runs."""
        ...

    def curve(
        self,
        params: Params,
        horizon: float,
        rng: np.random.Generator,
    ) -> Curve:
        """Run a trial: replay one of the recorded seeds, chosen at random."""
        ...

    def regret(self, params: Params) -> float:
        """Expected loss of a full run, divided by that of the best one, minus 1."""
        ...
