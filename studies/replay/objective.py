"""What a replayed search is told: the interface of the objectives made from run tables."""

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
        steps: Data seen, shape `(n,)`, ascending, at least 1, whole but for rounding; the last is
            the horizon that the trial was planned for.
        losses: Shape `(n,)`; NaN from where the run had diverged.
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
        """A short horizon, one epoch where the table says what that is, in steps."""
        ...

    @property
    def schedule(self) -> AnySchedule:
        """The schedule, as a `KappaSampler` is told it."""
        ...

    @property
    def space(self) -> Mapping[str, BaseDistribution]:
        """The parameters to search, `LR` among them, and their ranges."""
        ...

    @property
    def recorded(self) -> Sequence[Params]:
        """The parameters that the table has runs of."""
        ...

    def curve(self, params: Params, horizon: float, rng: np.random.Generator) -> Curve:
        """Runs a trial: one of the recorded seeds, at random."""
        ...

    def regret(self, params: Params) -> float:
        """Expected loss of a full run over that of the best one, minus 1."""
        ...
