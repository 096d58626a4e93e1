"""Hints about set-ups that waste probes or hide what happened, seen in the trials that ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa.study.asked import never_asked
from optuna_kappa.study.attributes import unreadable_message
from optuna_kappa.study.counting import interval_of, is_step_0_unclear
from optuna_kappa.study.interrupted import was_interrupted
from optuna_kappa.study.lr_names import LrName, name_used, quoted
from optuna_kappa.study.plans import PLAN, Plan, has_unreadable_plan, plan_of
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.reporting import Reporting, find_reporting
from optuna_kappa.study.stopping_short import runs_that_stop_short
from optuna_kappa.study.trials import sign_of

# A last step that differs from the planned horizon by more than this factor is in another unit.
_UNIT_FACTOR = 1.5
_SEVERAL = 3  # trials that stopped early one by one, or all of them in another unit


class Hint(NamedTuple):
    """What the user should know about the set-up.

    Attributes:
        topic: What it is about, in a word or two; each topic is logged once.
        message: What is wrong and what to do, in sentences.

    Example:
        >>> Hint("step 0", "Trial 3 reported at step 0.").topic
        'step 0'
    """

    topic: str
    message: str


class Hints:
    """Logs each topic once.

    Example:
        >>> logger = logging.getLogger("example")
        >>> logger.disabled = True
        >>> hints = Hints(logger)
        >>> hints.say(Hint("step 0", "Trial 3 reported at step 0."), None)
    """

    def __init__(self, logger: logging.Logger) -> None:
        """Log nothing yet."""
        self._logger = logger
        self._said: dict[str, Hint] = {}

    def say(self, *hints: Hint | None) -> None:
        """Log those hints whose topics are new."""
        for hint in hints:
            # In one step, since another thread may look at the study at the same time.
            if hint and self._said.setdefault(hint.topic, hint) is hint:
                self._logger.warning(hint.message)


def hint(
    trial: FrozenTrial,
    plan: Plan | None,
    state: TrialState,
    pruner: BasePruner,
    lr: LrName,
) -> Hint | None:
    """Say what is wrong with the set-up of a trial.

    Args:
        trial: The trial, still running.
        plan: Its plan.
        state: The state that it ends in.
        pruner: The study's pruner.
        lr: Name of the learning-rate parameter, or several names.

    Returns:
        None if all is well.

    Example:
        >>> import optuna
        >>> trial = optuna.trial.create_trial(value=0.5)
        >>> hint(trial, None, TrialState.COMPLETE, optuna.pruners.NopPruner(), "lr").topic
        'no lr'
    """
    unasked = plan is not None and never_asked(trial, plan.schedule)
    died = state == TrialState.FAIL
    if state == TrialState.PRUNED:
        died = not trial.intermediate_values
    if name_used(trial.params, lr) is None:
        return None if died else _no_lr(trial, lr)
    if died:
        is_known_why = trial.intermediate_values or was_interrupted(trial)
        return None if is_known_why else _told_nothing(trial, state)
    if plan is None:
        return None

    complete = state == TrialState.COMPLETE
    last_step = max(trial.intermediate_values, default=plan.horizon)

    too_long = complete or last_step > plan.horizon
    if plan.is_probe and too_long and not isinstance(pruner, KappaPruner):
        return _no_pruner(trial, plan, pruner)

    # A run may report seldom: only from a whole interval beyond its end on is it too long.
    beyond = last_step - interval_of(trial) >= plan.horizon
    if beyond and last_step > _UNIT_FACTOR * plan.horizon:
        return _other_unit(trial, plan, last_step)

    if plan.is_probe and unasked:
        return _never_asked(trial, plan)
    reached = last_step + interval_of(trial) >= plan.horizon
    return _complete_probe(trial, plan) if plan.is_probe and complete and reached else None


def study_hints(
    trials: Sequence[FrozenTrial],
    evidence: Sequence[FrozenTrial],
    direction: StudyDirection,
) -> Iterator[Hint]:
    """Say what is wrong with the set-up of a study, as its trials show together.

    Args:
        trials: All trials.
        evidence: Those that the law is fitted to.
        direction: Direction of the objective.

    Example:
        >>> import optuna
        >>> attrs = {"kappa:plan": "eight steps"}
        >>> garbage = optuna.trial.create_trial(value=0.5, user_attrs=attrs)
        >>> [hint.topic for hint in study_hints([garbage], [], StudyDirection.MINIMIZE)]
        ['unreadable plan']
    """
    unreadable = [trial for trial in trials if has_unreadable_plan(trial)]
    if unreadable:
        yield Hint("unreadable plan", unreadable_message(unreadable, PLAN))

    reporting = find_reporting(evidence, sign_of(direction))
    if reporting.shift:
        yield _counted_from_0(evidence)
    elif is_step_0_unclear(evidence):
        yield _step_0_unclear(evidence)
    if reporting.kind:
        yield _contradiction(evidence, reporting)

    full_runs = runs_that_stop_short(evidence)
    short = _far_short(evidence, reporting)
    if full_runs:
        yield _stop_short(full_runs, reporting)
    elif short is not None:
        yield _never_arrives(short)


def _far_short(evidence: Sequence[FrozenTrial], reporting: Reporting) -> FrozenTrial | None:
    """A completed trial far short of its horizon, if there are several and none arrived.

    Single ones have stopped early.
    """
    short: list[FrozenTrial] = []
    for trial in evidence:
        plan = plan_of(trial)
        if plan is None or not trial.intermediate_values:
            continue

        last = reporting.step(max(trial.intermediate_values))
        if last + interval_of(trial) >= plan.horizon:
            return None
        if trial.state == TrialState.COMPLETE and _UNIT_FACTOR * last < plan.horizon:
            short.append(trial)
    return short[0] if len(short) >= _SEVERAL else None


def _no_lr(trial: FrozenTrial, lr: LrName) -> Hint:
    return Hint(
        "no lr",
        f"No parameter {quoted(lr)} in trial {trial.number}: KappaSampler leaves all "
        "parameters to its base sampler. If the learning rate has another name, pass it as "
        "KappaSampler(lr=...).",
    )


def _told_nothing(trial: FrozenTrial, state: TrialState) -> Hint:
    ended = "failed" if state == TrialState.FAIL else "was pruned"
    return Hint(
        "told nothing",
        f"Trial {trial.number} {ended} without a report, so it says nothing about its learning "
        "rate: another trial takes its place. If the training broke off, all is well. If the loss "
        "was NaN, give it to trial.report before returning it, because Optuna does not store a "
        "NaN that is only returned.",
    )


def _counted_from_0(evidence: Sequence[FrozenTrial]) -> Hint:
    first = next(trial for trial in evidence if trial.intermediate_values)
    return Hint(
        "step 0",
        f"The steps of trial {first.number} and others are counted from 0: the report after the "
        "first step of training is at step 0. They are read one step later. Objectives that can "
        "choose say so themselves: trial.report(loss, step=epoch + 1).",
    )


def _step_0_unclear(evidence: Sequence[FrozenTrial]) -> Hint:
    first = next(trial for trial in evidence if 0 in trial.intermediate_values)
    return Hint(
        "step 0",
        f"Trial {first.number} reported at step 0. A step counts the training that is done, so "
        "the first epoch ends at step 1: trial.report(loss, step=epoch + 1). Nothing shows yet "
        "that steps are counted from 0, so the report at step 0 is ignored, and probes run one "
        "step too long.",
    )


def _contradiction(evidence: Sequence[FrozenTrial], reporting: Reporting) -> Hint:
    differs = {
        "sign": "are of the other sign than",
        "scale": "are of another scale than",
        "order": "put the trials in another order than",
    }
    complete = [t for t in evidence if t.state == TrialState.COMPLETE and t.intermediate_values]
    first = complete[0]
    last = first.intermediate_values[max(first.intermediate_values)]
    return Hint(
        "contradiction",
        f"The values that the objective returns {differs[reporting.kind]} the last reports (trial "
        f"{first.number} returned {first.values[0]:.4g} and reported {last:.4g}). The values "
        "count, and reports are converted to them. Report what is returned, such as the "
        "accuracy in both places: probes and pruned trials have nothing but their reports.",
    )


def _never_arrives(trial: FrozenTrial) -> Hint:
    plan = plan_of(trial)
    assert plan is not None
    return _other_unit(trial, plan, max(trial.intermediate_values))


def _stop_short(full_runs: Sequence[FrozenTrial], reporting: Reporting) -> Hint:
    first = full_runs[0]
    plan = plan_of(first)
    assert plan is not None
    last = max(first.intermediate_values)
    longest = reporting.step(max(max(trial.intermediate_values) for trial in full_runs))
    return Hint(
        "unit",
        f"Trial {first.number} was to train for {plan.horizon} steps, but it reported its last "
        f"step at {last}, and no full run has come further than step {longest}. The recommended "
        f"learning rate is for {plan.horizon} steps, and none was trained for so long. If a full "
        f"run has {longest} steps, give horizon={longest} (tune --horizon {longest}). Otherwise "
        "let the objective train for optuna_kappa.horizon(trial) steps, and report in that unit.",
    )


def _no_pruner(trial: FrozenTrial, plan: Plan, pruner: BasePruner) -> Hint:
    return Hint(
        "pruner",
        f"Trial {trial.number} was planned as a probe of {plan.horizon} steps, but the study's "
        f"{type(pruner).__name__} did not end it there. Probes then cost more than they should, "
        "and study.best_trial may be a probe. Give the study "
        "pruner=optuna_kappa.KappaPruner().",
    )


def _other_unit(trial: FrozenTrial, plan: Plan, last_step: int) -> Hint:
    return Hint(
        "unit",
        f"Trial {trial.number} was planned for {plan.horizon} steps, but its last report was at "
        f"step {last_step}. KappaSampler's horizon must be in the unit of trial.report's step, "
        "and the objective should stop as soon as trial.should_prune() returns True.",
    )


def _never_asked(trial: FrozenTrial, plan: Plan) -> Hint:
    return Hint(
        "horizon",
        f"Trial {trial.number} was planned as a probe of {plan.horizon} steps with the schedule "
        f"{plan.schedule!r}, but its objective did not ask how long it should train. A schedule "
        "that is built for a full run is cut off in a probe, and the law learns nonsense: build "
        "it for optuna_kappa.horizon(trial) steps.",
    )


def _complete_probe(trial: FrozenTrial, plan: Plan) -> Hint:
    return Hint(
        "probe complete",
        f"Trial {trial.number} was planned as a probe of {plan.horizon} steps but ended "
        "COMPLETE, so study.best_trial may be a probe. Call trial.should_prune() after each "
        "trial.report() in the objective.",
    )
