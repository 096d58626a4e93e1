"""What a study had found by each budget: in full-run equivalents, or in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from optuna.trial import FrozenTrial

from optuna_kappa._typing import Floats
from optuna_kappa.search.trajectory import Trajectory, trajectory
from optuna_kappa.visualization.outcomes import Ran, is_full_run, ran
from optuna_kappa.visualization.searched import Searched

Unit = Literal["budget", "time"]


class Progress(NamedTuple):
    """A quantity that changes whenever a trial of a search ends.

    Attributes:
        spent: Spent by each change, ascending, in full-run equivalents or seconds.
        value: The quantity from then on; infinite where it is not known yet.

    Example:
        >>> Progress(np.array([1.0, 2.0]), np.array([0.5, 0.25])).at([0.5, 1.5]).tolist()
        [inf, 0.5]
    """

    spent: Floats
    value: Floats

    def at(self, budget: ArrayLike) -> Floats:
        """The quantity with a budget, or several; infinite before it is known.

        Example:
            >>> Progress(np.array([1.0]), np.array([0.5])).at([0.0, 9.0]).tolist()
            [inf, 0.5]
        """
        with_none = np.concatenate([[np.inf], self.value])
        n_ended = np.searchsorted(self.spent, np.asarray(budget, dtype=float), side="right")
        values: Floats = with_none[n_ended]
        return values


class Ended(NamedTuple):
    """The finished trials of a study in the order in which they ended.

    Attributes:
        trials: The trials.
        ran: What became of each of them.
        spent: Spent by the end of each of them, in full-run equivalents or seconds.

    Example:
        >>> Ended([], [], np.array([])).trials
        []
    """

    trials: list[FrozenTrial]
    ran: list[Ran]
    spent: Floats


def ended(known: Searched, unit: Unit) -> Ended:
    """The finished trials of a study, with what had been spent by the end of each.

    Seconds count from the start of the first trial. Several trials may run at once.

    Args:
        known: The study; without the length of a full run, a budget counts trials.
        unit: In full-run equivalents ("budget") or in seconds ("time").

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> study = optuna.create_study()
        >>> pruned = optuna.trial.TrialState.PRUNED
        >>> study.add_trial(optuna.create_trial(state=pruned, intermediate_values={4: 2.0}))
        >>> study.add_trial(optuna.create_trial(value=1.0, intermediate_values={8: 1.0}))
        >>> ended(searched(study), "budget").spent.tolist()
        [0.5, 1.5]
    """
    by_number = {trial.number: trial for trial in known.trials}
    finished = [one for one in ran(known) if by_number[one.trial].datetime_complete is not None]
    finished.sort(key=lambda one: (by_number[one.trial].datetime_complete, one.trial))
    trials = [by_number[one.trial] for one in finished]

    if unit == "budget":
        full = known.horizon
        costs = [one.trained / full if full else 1.0 for one in finished]
        spent = np.round(np.cumsum(costs), 9)  # 24 runs of 1/24 have spent 1
    else:
        spent = _seconds(trials)
    return Ended(trials, finished, spent)


def _seconds(trials: Sequence[FrozenTrial]) -> Floats:
    """Seconds from the start of the first trial to the end of each."""
    starts = [trial.datetime_start for trial in trials if trial.datetime_start is not None]
    if not starts:
        return np.zeros(len(trials))

    start = min(starts)
    seconds = []
    for trial in trials:
        assert trial.datetime_complete is not None
        seconds.append((trial.datetime_complete - start).total_seconds())
    return np.maximum.accumulate(np.maximum(seconds, 0.0))


def best_so_far(known: Searched, unit: Unit) -> Trajectory:
    """The best loss of a full run that a study had found by each budget.

    Values of a study that maximizes count as losses with the other sign.

    Example:
        >>> import optuna
        >>> from optuna_kappa.visualization.searched import searched
        >>> study = optuna.create_study(direction="maximize")
        >>> for value in (0.5, 0.75):
        ...     study.add_trial(optuna.create_trial(value=value, intermediate_values={8: value}))
        >>> best_so_far(searched(study), "budget").best.tolist()
        [-0.5, -0.75]
    """
    found = ended(known, unit)
    losses = []
    for one in found.ran:
        value = np.nan if not is_full_run(one, known.horizon) or one.value is None else one.value
        losses.append(known.sign * value)
    return trajectory(np.diff(found.spent, prepend=0.0), losses)
