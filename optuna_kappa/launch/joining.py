"""Joining a study that another process began: how it is searched, and when it ends.

All that a worker has to know is stored with the study: the settings of the sampler, which the
pruner shares (`kappa:settings`), and the limits that count the whole study (`kappa:limits`). What
this version does not know was stored by a newer one, and is an error: a worker that left it out
would search differently from the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import Study
from sqlalchemy.exc import ArgumentError

from optuna_kappa._validation import shown
from optuna_kappa.launch.limits import BUDGET, Limits, parse_certified
from optuna_kappa.study.attributes import as_fields, as_text
from optuna_kappa.study.databases import HEARTBEAT
from optuna_kappa.study.opening import open_any
from optuna_kappa.study.opening import shown as without_password
from optuna_kappa.study.private import require_single_objective
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.rebuilding import SETTINGS, settings_of
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.storage import close_storage

LIMITS = "kappa:limits"
"""Study attribute: the limits that count the whole study, as JSON."""

WAIT = 60.0
"""Seconds that a worker waits for a study that is begun at the same time."""

_PAUSE = 0.5  # seconds between two looks
_NEEDED = ("horizon", "seed")  # without them, two workers would not propose the same
_KEPT = ("budget", "trials", "certify")


class _NotYetError(ValueError):
    """There is no such study; it may be begun at this moment."""


def wait_for_study(
    url: str, name: str | None, seconds: float = WAIT, say: Callable[[str], object] = print
) -> tuple[BaseStorage, Study]:
    """Open a study that another process has begun, or begins at this moment.

    Args:
        url: URL of its storage; nothing is created there.
        name: Its name; None for the only one of the storage.
        seconds: How long to wait for it.
        say: Is told what is waited for.

    Returns:
        The storage, and the study with the sampler and the pruner that it is searched with.

    Raises:
        ValueError: There is no such study, or it cannot be joined by this version.

    Example:
        >>> wait_for_study("sqlite:///no-such.db", None, seconds=0)
        Traceback (most recent call last):
        ValueError: there is no database no-such.db; give the URL of an existing storage
    """
    until = time.monotonic() + seconds
    is_told = False
    while True:
        try:
            return _opened(url, name)
        except _NotYetError as error:
            if time.monotonic() >= until:
                raise ValueError(str(error)) from error
            if not is_told:
                say(f"{error} (waiting for it for {seconds:g} s)")
            is_told = True
        time.sleep(_PAUSE)


def join(study: Study) -> KappaSampler:
    """Give a study the sampler and the pruner that it is searched with, and return the sampler.

    Raises:
        ValueError: It does not say how it is searched, or this version does not know a setting.

    Example:
        >>> study = optuna.create_study()
        >>> study.set_user_attr("kappa:settings", '{"horizon": 24, "seed": 0}')
        >>> join(study).rungs
        [(1, 6), (8, 4)]
        >>> study.set_user_attr("kappa:settings", '{"horizon": 24, "seed": 0, "speed": 2}')
        >>> join(study)
        Traceback (most recent call last):
        ValueError: the study '...' has the setting speed 2, which this version of ...
    """
    name = shown(study.study_name)
    require_single_objective(study, "a search")
    stored = as_fields(study.user_attrs.get(SETTINGS))
    if not stored:
        raise _NotYetError(
            f"the study {name} does not say how it is searched: begin it by optuna-kappa tune, or "
            "by optuna_kappa.launch.open_study"
        )

    known = settings_of(study)
    _require_known(name, "setting", stored, known)
    for needed in _NEEDED:
        if needed not in known:
            raise ValueError(
                f"the settings of the study {name} have no {needed}, without which workers would "
                f"not propose the same; add it to its attribute {SETTINGS!r}"
            )
    try:
        sampler = KappaSampler(**known)
    except ValueError as error:
        raise ValueError(
            f"the settings of the study {name} cannot be used by this version of optuna-kappa: "
            f"{error}"
        ) from error

    study.sampler = sampler
    study.pruner = KappaPruner(lr=sampler.lr)
    return sampler


def keep_limits(study: Study, limits: Limits) -> None:
    """Store the limits that count the whole study, for workers that join it.

    Example:
        >>> study = optuna.create_study()
        >>> keep_limits(study, Limits(budget=4.0, seconds=60.0))
        >>> study.user_attrs["kappa:limits"]
        '{"budget": 4.0}'
    """
    kept: dict[str, Any] = {"budget": limits.budget, "trials": limits.trials}
    if limits.certified is not None:
        kept["certify"] = f"{limits.certified.probability!r}:{limits.certified.regret!r}"
    text = as_text({name: value for name, value in kept.items() if value is not None})
    if study.user_attrs.get(LIMITS) != text:
        study.set_user_attr(LIMITS, text)


def limits_of(study: Study, given: Limits) -> Limits:
    """The limits of a worker: those that it is given, or those of the study.

    The time of a worker counts in any case; it does not end the study.

    Args:
        study: The study.
        given: The worker's own limits.

    Raises:
        ValueError: Those of the study cannot be used.

    Example:
        >>> study = optuna.create_study()
        >>> keep_limits(study, Limits(budget=4.0))
        >>> limits_of(study, Limits(seconds=60.0)).text
        '4 full runs, or 60 s'
        >>> limits_of(study, Limits(trials=30)).text
        '30 trials'
    """
    if given.budget is not None or given.trials is not None or given.certified is not None:
        return given

    name = shown(study.study_name)
    stored = as_fields(study.user_attrs.get(LIMITS)) or {}
    _require_known(name, "limit", stored, _KEPT)
    budget, trials, certify = (stored.get(kept) for kept in _KEPT)
    if budget is None and trials is None and certify is None:
        budget = BUDGET
    try:
        certified = None if certify is None else parse_certified(str(certify))
        return replace(given, budget=budget, trials=trials, certified=certified)
    except ValueError as error:
        raise ValueError(
            f"the limits of the study {name} cannot be used ({error}); give some"
        ) from error


def _opened(url: str, name: str | None) -> tuple[BaseStorage, Study]:
    try:
        storage = open_any(url, heartbeat=HEARTBEAT)
    except ValueError as error:
        if _may_come(error.__cause__):
            raise _NotYetError(str(error)) from error
        raise

    try:
        study = _study_in(storage, url, name)
        join(study)
    except BaseException:
        close_storage(storage)
        raise
    return storage, study


def _study_in(storage: BaseStorage, url: str, name: str | None) -> Study:
    known = optuna.get_all_study_names(storage)
    place = without_password(url)
    if name is None and len(known) > 1:
        raise ValueError(f"there are {len(known)} studies in {place}: choose one by --study")
    if not known or name not in (None, *known):
        which = "no study" if name is None else f"no study {shown(name)}"
        raise _NotYetError(f"there is {which} in {place}; optuna-kappa tune begins one")
    return optuna.load_study(study_name=name or known[0], storage=storage)


def _may_come(cause: BaseException | None) -> bool:
    """Whether a storage that could not be opened may be there soon.

    It may be missing, empty or half made, or its server may be starting. A driver that is not
    installed, and a URL that none has, do not come.
    """
    return not isinstance(cause, (ImportError, ArgumentError, ValueError))


def _require_known(name: str, kind: str, stored: Mapping[str, Any], known: Any) -> None:
    """Raise a ValueError for what another version has stored."""
    for one, value in stored.items():
        if value is not None and one not in known:
            raise ValueError(
                f"the study {name} has the {kind} {shown(one)[1:-1]} {shown(value)}, which this "
                "version of optuna-kappa does not know; install the version that began the study"
            )
