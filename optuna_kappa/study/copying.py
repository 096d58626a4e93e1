"""Copy studies from one storage to another, whole, and check that nothing was lost on the way.

A study is copied trial by trial, in the order of their numbers, each in one step. So a copy that
is interrupted is a beginning of the study, and the next one goes on where it ended. Two studies
are the same if the digests of their trials are: of all that a trial has but its times, which some
databases keep to the second only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.private import append_trial, set_study_attr, study_attrs

_SHOWN = 12  # digits of a digest in a message


class Copied(NamedTuple):
    """A study that was copied.

    Attributes:
        name: Its name.
        n_trials: Number of its trials, in both storages.
        n_new: How many of them were not there before.
        n_running: How many are still running: what they tell goes to where they came from.
        digest: Digest of the study, the same in both storages.
    """

    name: str
    n_trials: int
    n_new: int
    n_running: int
    digest: str


def copy_study(
    study: Study,
    destination: BaseStorage,
    progress: Callable[[int, int], None] | None = None,
) -> Copied:
    """Copy a study to another storage, or go on with a copy that was interrupted.

    Args:
        study: The study.
        destination: Where to copy it to.
        progress: Told the number of trials there, and of all trials, after each.

    Raises:
        ValueError: There is another study of this name, or what is read back is different.

    Example:
        >>> from optuna.storages import InMemoryStorage
        >>> study = optuna.create_study(study_name="mine")
        >>> study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
        >>> storage = InMemoryStorage()
        >>> copied = copy_study(study, storage)
        >>> copied.n_trials, copied.n_new
        (3, 3)
        >>> copy_study(study, storage).n_new
        0
    """
    trials = study.get_trials(deepcopy=False)
    copy = optuna.create_study(
        storage=destination,
        study_name=study.study_name,
        directions=study.directions,
        load_if_exists=True,
    )
    there = copy.get_trials(deepcopy=False)
    _require_beginning(study, copy, trials, there)

    for name, value in study.user_attrs.items():
        copy.set_user_attr(name, value)
    for name, value in study_attrs(study).items():
        set_study_attr(copy, name, value)

    for trial in trials[len(there) :]:
        append_trial(copy, trial)
        if progress is not None:
            progress(trial.number + 1, len(trials))

    return _checked(study, trials, copy, n_before=len(there))


def _require_beginning(
    study: Study,
    copy: Study,
    trials: Sequence[FrozenTrial],
    there: Sequence[FrozenTrial],
) -> None:
    """Raise a ValueError unless what is there already is a beginning of the study."""
    name = study.study_name
    remedy = "give another storage, or delete the study there first"
    if copy.directions != study.directions:
        raise ValueError(f"another study {name!r} is there, with other directions; {remedy}")
    if len(there) > len(trials):
        raise ValueError(
            f"the study {name!r} has {len(there)} trials there already, more than the "
            f"{len(trials)} to copy; {remedy}"
        )

    for trial, other in zip(trials, there, strict=False):
        if trial_digest(trial) != trial_digest(other):
            raise ValueError(
                f"trial {trial.number} of {name!r} is there already, and is another one or has "
                f"gone on since it was copied; {remedy}"
            )


def _checked(study: Study, trials: Sequence[FrozenTrial], copy: Study, n_before: int) -> Copied:
    """Read everything back, and compare."""
    back = copy.get_trials(deepcopy=False)
    expected, got = study_digest(study, trials), study_digest(copy, back)
    if expected != got or len(back) != len(trials):
        differing = []
        for trial, other in zip(trials, back, strict=False):
            if trial_digest(trial) != trial_digest(other):
                differing.append(str(trial.number))
        raise ValueError(
            f"the copy of {study.study_name!r} differs: {len(back)} of {len(trials)} trials, "
            f"digest {got[:_SHOWN]} in place of {expected[:_SHOWN]}; trials that differ: "
            f"{', '.join(differing[:5]) or 'none, but their study does'}"
        )

    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    return Copied(study.study_name, len(trials), len(trials) - n_before, len(running), got)


def study_digest(study: Study, trials: Sequence[FrozenTrial]) -> str:
    """A digest of a study and its trials, the same in every storage.

    Example:
        >>> study = optuna.create_study()
        >>> study_digest(study, study.trials) == study_digest(study, study.trials)
        True
    """
    whole = hashlib.sha256()
    about = (
        [direction.name for direction in study.directions],
        study.user_attrs,
        study_attrs(study),
    )
    whole.update(_as_bytes(about))
    for trial in trials:
        whole.update(trial_digest(trial).encode())
    return whole.hexdigest()


def trial_digest(trial: FrozenTrial) -> str:
    """A digest of all that a trial has, but its times.

    Example:
        >>> first = optuna.trial.create_trial(value=0.5)
        >>> trial_digest(first) == trial_digest(optuna.trial.create_trial(value=0.5))
        True
        >>> trial_digest(first) == trial_digest(optuna.trial.create_trial(value=0.25))
        False
    """
    ranges = {name: distribution_to_json(kept) for name, kept in trial.distributions.items()}
    reports = sorted(trial.intermediate_values.items())
    fields = (
        trial.number,
        trial.state.name,
        [repr(value) for value in trial.values or ()],
        {name: repr(value) for name, value in trial.params.items()},
        ranges,
        [(step, repr(float(value))) for step, value in reports],
        trial.user_attrs,
        trial.system_attrs,
    )
    return hashlib.sha256(_as_bytes(fields)).hexdigest()


def _as_bytes(fields: object) -> bytes:
    return json.dumps(fields, sort_keys=True, default=repr).encode()
