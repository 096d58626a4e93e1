"""The sampler of a study that was searched by another process, made again from its storage.

A storage keeps no sampler. What is needed to read a study as its sampler would is found, in this
order, in what the caller says, in the study attribute `kappa:settings` (JSON, with the names of
`KappaSampler`'s arguments), in the plans of the trials, and in the trials themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import FloatDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa._validation import shown
from optuna_kappa.study.attributes import as_fields
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.private import require_single_objective, snapshot_now
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.trials import run_table

_logger = logging.getLogger(__name__)

SETTINGS = "kappa:settings"

# Arguments of `KappaSampler` that can be stored. Others, such as its sources, are objects.
_STORED = (
    "horizon",
    "schedule",
    "lr",
    "n_probes",
    "seed",
    "prior",
    "optimizer",
    "passes",
    "probe_budget",
)
# What a learning rate is called where nothing tells.
_USUAL_NAMES = ("lr", "learning_rate", "LR", "eta")
_NO_SEED = 0  # of a sampler that proposes nothing; a drawn one would differ from call to call


def sampler_of(study: Study, **given: Any) -> KappaSampler:
    """A sampler that reads a study as the one that searched it.

    It has no sources, since a storage does not say where they are.

    Args:
        study: The study. Trials of other samplers count as full runs.
        **given: Arguments of `KappaSampler` that are known; None for those that are not.

    Raises:
        ValueError: The study has several objectives, an argument is not allowed, or nothing tells
            how long a full run is.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, n_probes=0))
        >>> trial = study.ask()
        >>> sampler_of(study, schedule="cosine").recommend(study)
        Traceback (most recent call last):
        ValueError: nothing can be recommended before a trial has suggested 'lr' and ...
    """
    require_single_objective(study, "a recommendation")
    known = {name: value for name, value in given.items() if value is not None}
    stored = settings_of(study)
    if "prior" in known:
        stored = _without(stored, ("optimizer", "passes"))
    if "optimizer" in known or "passes" in known:
        stored = _without(stored, ("prior",))
    if "n_probes" in known or "probe_budget" in known:
        stored = _without(stored, ("n_probes", "probe_budget"))

    if stored:
        try:
            return _made(study, stored, known)
        except ValueError as error:
            # Stored by another version, or by hand: what the trials say is enough for an answer.
            _logger.warning(
                "The attribute %r of the study %r cannot be used (%s); it is left out.",
                SETTINGS,
                study.study_name,
                error,
            )
    return _made(study, {}, known)


def is_target_known(study: Study) -> bool:
    """Whether a study tells the horizon of its full runs: by its settings, or by any such run.

    As long as all trials are probes, `sampler_of` can but take the longest of them for a full run.

    Example:
        >>> import optuna
        >>> from optuna_kappa import KappaSampler
        >>> study = optuna.create_study(sampler=KappaSampler(horizon=24, seed=0))
        >>> trial = study.ask()  # a probe
        >>> is_target_known(study)
        False
    """
    if "horizon" in settings_of(study):
        return True
    plans = [plan_of(trial) for trial in snapshot_now(study)]
    return not all(plan is not None and plan.is_probe for plan in plans)


def settings_of(study: Study) -> Mapping[str, Any]:
    """Arguments of `KappaSampler` that are stored with a study; those that cannot be are left out.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> study.set_user_attr("kappa:settings", '{"horizon": 24, "budget": 8, "prior": null}')
        >>> settings_of(study)
        {'horizon': 24}
    """
    fields = as_fields(study.user_attrs.get(SETTINGS)) or {}
    settings = {}
    for name in _STORED:
        value = fields.get(name)
        # A text could be a list where several names of the learning rate are stored.
        if isinstance(value, (str, int, float)) or (name == "lr" and isinstance(value, list)):
            settings[name] = value
    return settings


def lr_name_of(study: Study) -> LrName:
    """What a study calls its learning rate.

    Returns:
        The stored name; without one, a usual name that trials have; without that, the only float
        parameter on a logarithmic scale; "lr" where nothing tells.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> rate = study.ask().suggest_float("step_size", 1e-5, 1e-1, log=True)
        >>> lr_name_of(study)
        'step_size'
    """
    stored = settings_of(study).get("lr")
    if isinstance(stored, str):
        return stored
    if isinstance(stored, list) and stored:
        return tuple(map(str, stored))

    ranges = {}
    for trial in snapshot_now(study):
        ranges.update(trial.distributions)
    for name in _USUAL_NAMES:
        if isinstance(ranges.get(name), FloatDistribution):
            return name

    logarithmic = []
    for name, values in ranges.items():
        if isinstance(values, FloatDistribution) and values.log:
            logarithmic.append(name)
    return logarithmic[0] if len(logarithmic) == 1 else _USUAL_NAMES[0]


def _made(study: Study, stored: Mapping[str, Any], known: Mapping[str, Any]) -> KappaSampler:
    """A sampler with the arguments that are stored or known, and for the rest what trials say."""
    arguments = {"seed": _NO_SEED, **_from_plans(snapshot_now(study)), **stored, **known}
    arguments.setdefault("lr", lr_name_of(study))
    if "horizon" not in arguments:
        arguments["horizon"] = _longest(study, arguments["lr"])
    return KappaSampler(**arguments)


def _from_plans(trials: Sequence[FrozenTrial]) -> dict[str, Any]:
    """Horizon and schedule of the last full run that was planned; of the longest plan, if none."""
    plans = [plan for plan in map(plan_of, trials) if plan is not None]
    if not plans:
        return {}

    # A study that was continued with another horizon has full runs of both.
    full = [plan for plan in plans if not plan.is_probe]
    target = full[-1] if full else max(plans, key=lambda plan: plan.horizon)
    return {"horizon": target.horizon, "schedule": target.schedule}


def _longest(study: Study, lr: LrName) -> int:
    """The longest run of a study without plans, in steps.

    Raises:
        ValueError: No trial has a learning rate and a loss at a step.
    """
    runs = run_table(study, lr=lr)
    if len(runs):
        return int(runs.horizon.max())

    raise ValueError(
        f"nothing tells how long a full run of the study {shown(study.study_name)} is: no trial "
        f"has a plan, nor {shown(lr)} and a loss reported at a step; give the horizon, or the "
        "name of the learning rate"
    )


def _without(arguments: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in names}
