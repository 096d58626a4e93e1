"""A finished run and its place in the space of parameters."""

from __future__ import annotations

from typing import NamedTuple

from optuna_kappa._typing import Floats


class Place(NamedTuple):
    """Where a run lies in the space of parameters.

    Attributes:
        ln_lr: Natural logarithm of its learning rate; 0 where there is none.
        others: Other parameters, in parts of their ranges, shape `(p,)`.

    Example:
        A learning rate of 0.001, and momentum in the middle of its range:

        >>> import math
        >>> import numpy as np
        >>> place = Place(ln_lr=math.log(1e-3), others=np.array([0.5]))
    """

    ln_lr: float
    others: Floats


class Run(NamedTuple):
    """A finished run, up to where it diverged if it did.

    Attributes:
        step: Steps of its finite reports, ascending, above 0, shape `(n,)`.
        loss: Losses there, lower is better, shape `(n,)`.
        place: Its parameters.
        final: Its loss at the horizon; NaN if it was ended before.

    Example:
        >>> import numpy as np
        >>> place = Place(ln_lr=-6.9, others=np.empty(0))
        >>> step, loss = np.array([50.0, 100.0]), np.array([0.7, 0.4])
        >>> run = Run(step, loss, place, final=0.4)
    """

    step: Floats
    loss: Floats
    place: Place
    final: float
