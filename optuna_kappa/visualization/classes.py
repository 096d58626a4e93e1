"""The prior's classes of slopes: how probable each is, and what it expects."""

from __future__ import annotations

from itertools import cycle
from typing import NamedTuple

import numpy as np

from optuna_kappa._typing import Floats
from optuna_kappa.law import Law
from optuna_kappa.law.mixture import Mixture
from optuna_kappa.law.posterior import posterior_of
from optuna_kappa.law.prior import ANYTHING
from optuna_kappa.schedules import AnySchedule
from optuna_kappa.visualization import theme

_COLORS = (theme.GREEN, theme.ORANGE, "#56B4E9", "#CC79A7", "#5E4FA2", "#8C6D31")
_LEAST = 0.005  # a class below it is shown as "below 1 %"


class Share(NamedTuple):
    """One class of slopes.

    Attributes:
        name: Its name.
        prior: Its probability before any run.
        posterior: Its probability after the runs.

    Example:
        >>> Share("inverse", prior=0.5, posterior=0.62).name
        'inverse'
    """

    name: str
    prior: float
    posterior: float


def class_shares(law: Law) -> list[Share]:
    """The classes of a law's prior, in its order; empty without optima.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> [share.name for share in class_shares(fit(example_runs()))]
        ['inverse', 'published for language models', 'flat', 'anything']
    """
    if not (law.optima or law.related):
        return []

    prior: dict[str, float] = {}
    for one in law.prior.slopes:
        prior[one.name] = prior.get(one.name, 0.0) + one.weight
    return [Share(name, prior[name], share) for name, share in law.classes.items()]


def by_class(law: Law, horizon: float, schedule: str | AnySchedule) -> dict[str, Mixture]:
    """What each class expects of the optimal ln lr at a horizon.

    Args:
        law: A law with optima.
        horizon: Horizon of the runs.
        schedule: Their schedule.

    Returns:
        By name of the class, the part of the law's distribution that belongs to it. Its weights
        sum to the posterior probability of the class.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> parts = by_class(fit(example_runs(slope=1.0)), 256, "constant")
        >>> round(sum(float(part.weight.sum()) for part in parts.values()), 6)
        1.0
    """
    whole = law.predict(horizon, schedule)
    posterior = posterior_of((*law.optima, *law.related), law.prior, law.context)

    chosen: dict[str, Floats] = {}
    for index, one in enumerate(law.prior.slopes):
        of_class = posterior.slope_class == index
        # Two classes may have one name.
        chosen[one.name] = chosen.get(one.name, np.zeros_like(of_class)) | of_class

    parts = {}
    for name, of_class in chosen.items():
        parts[name] = Mixture(whole.weight[of_class], whole.mean[of_class], whole.sd[of_class])
    return parts


def share_text(share: Share) -> str:
    """A class with its probabilities, for a legend.

    Example:
        >>> share_text(Share("inverse", prior=0.5, posterior=0.62))
        'inverse: 62 % (prior 50 %)'
    """
    posterior = f"{100 * share.posterior:.0f} %" if share.posterior >= _LEAST else "below 1 %"
    return f"{share.name}: {posterior} (prior {100 * share.prior:.0f} %)"


def class_colors(shares: list[Share]) -> dict[str, str]:
    """A color for each class; grey for that of any other slope.

    Example:
        >>> class_colors([Share("flat", 0.95, 0.9), Share("anything", 0.05, 0.1)])["anything"]
        '#7F7F7F'
    """
    colors = cycle(_COLORS)
    chosen = {}
    for share in shares:
        chosen[share.name] = theme.GREY if share.name == ANYTHING else next(colors)
    return chosen
