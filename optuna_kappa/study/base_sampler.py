"""The base sampler of a `KappaSampler`: all parameters but the lr, and sometimes the lr too.

Ordinary samplers expect values that can be compared, but a study of `KappaSampler` has trials of
several horizons. Each call here is forwarded with a view of the study that hides the wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optuna_kappa._validation import check_type
from optuna_kappa.study.lr_names import LrName, names_of
from optuna_kappa.study.plans import at_horizon, kind_of, probe_end

_KAPPA_KINDS = ("probe", "law", "cover")

# (study, trial, name, distribution) -> value, or NotImplemented for the base sampler's
Choose = Callable[[Study, FrozenTrial, str, BaseDistribution], Any]

_TrialKey = tuple[str, int]  # name of the study and number of the trial


def is_lr_ours(trial: FrozenTrial) -> bool:
    """Whether `KappaSampler` picks the lr of a trial, and not the base sampler or the user.

    Example:
        >>> import optuna
        >>> is_lr_ours(optuna.trial.create_trial(value=0.5))  # of another sampler
        False
    """
    return kind_of(trial) in _KAPPA_KINDS


class BaseSamplerAdapter(BaseSampler):
    """Forwards the life cycle of a trial to its base sampler.

    Example:
        >>> import optuna
        >>> adapter = BaseSamplerAdapter(None, horizon=24, lr="lr", seed=0)
        >>> study = optuna.create_study(sampler=adapter)
        >>> study.optimize(lambda trial: trial.suggest_float("width", 0, 1), n_trials=2)
        >>> len(study.trials)
        2
    """

    def __init__(
        self,
        sampler: BaseSampler | None,
        horizon: int,
        lr: LrName,
        seed: int,
        choose: Choose | None = None,
    ) -> None:
        """Forward to one sampler, or to a new TPESampler for each trial.

        Args:
            sampler: The base sampler that the user gave; None for TPESamplers.
            horizon: Steps of a full run.
            lr: Name of the learning-rate parameter, or several names.
            seed: Seed of the TPESamplers.
            choose: What chooses values in place of a TPESampler. A sampler that the user gave
                chooses for itself.

        Raises:
            ValueError: The base sampler is not one of Optuna's kind.
        """
        if sampler is not None:
            remedy = "it is an object, such as optuna.samplers.TPESampler()"
            check_type("base_sampler", sampler, BaseSampler, remedy)

        self._sampler = sampler
        self._horizon = horizon
        self._lr = lr
        self._seed = seed
        self._choose = choose

        # Of trials under way: their TPESampler, and what `sample_relative` proposed.
        self._samplers: dict[_TrialKey, BaseSampler] = {}
        self._proposed: dict[_TrialKey, dict[str, Any]] = {}

    def reseed_rng(self) -> None:
        """Reseed the user's sampler; a TPESampler depends on the seed and the trial's number."""
        if self._sampler is not None:
            self._sampler.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Forward, with the full runs only."""
        full_runs = at_horizon(study, self._horizon)
        sampler = self._sampler_of(study, trial)
        sampler.before_trial(full_runs, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The base sampler's search space, without the lr if `KappaSampler` picks it."""
        view = self._view(study, trial)
        sampler = self._sampler_of(study, trial)
        space = dict(sampler.infer_relative_search_space(view, trial))

        if is_lr_ours(trial):
            for name in names_of(self._lr):
                space.pop(name, None)
        return space

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """The base sampler's proposal.

        If `KappaSampler` picks the lr, all parameters of the search space are sampled at once: the
        lr may depend on them.
        """
        view = self._view(study, trial)
        sampler = self._sampler_of(study, trial)
        params = sampler.sample_relative(view, trial, search_space)
        if not is_lr_ours(trial):
            return params

        for name, distribution in search_space.items():
            chosen = self._chosen(study, trial, name, distribution)
            if chosen is not NotImplemented:
                params[name] = chosen
            elif name not in params:
                value = sampler.sample_independent(view, trial, name, distribution)
                params[name] = value

        self._proposed[_key(study, trial)] = params
        return params

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The base sampler's value of one parameter."""
        chosen = self._chosen(study, trial, param_name, param_distribution)
        if chosen is not NotImplemented:
            return chosen

        view = self._view(study, trial)
        sampler = self._sampler_of(study, trial)
        return sampler.sample_independent(
            view,
            trial,
            param_name,
            param_distribution,
        )

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Forward, with the full runs only, unless the trial was a probe."""
        sampler = self._sampler_of(study, trial)
        # A base sampler may count trials or stop the study, as GridSampler does; probes are extra.
        is_probe = probe_end(trial) is not None
        if not is_probe:
            full_runs = at_horizon(study, self._horizon)
            sampler.after_trial(full_runs, trial, state, values)

        key = _key(study, trial)
        self._samplers.pop(key, None)
        self._proposed.pop(key, None)

    def proposed(self, study: Study, trial: FrozenTrial) -> Mapping[str, Any]:
        """What `sample_relative` proposed for a trial whose lr `KappaSampler` picks."""
        key = _key(study, trial)
        return self._proposed.get(key, {})

    def _chosen(
        self,
        study: Study,
        trial: FrozenTrial,
        name: str,
        distribution: BaseDistribution,
    ) -> Any:
        """The value that is chosen in place of a TPESampler; NotImplemented if there is none."""
        if self._sampler is not None or self._choose is None:
            return NotImplemented
        return self._choose(study, trial, name, distribution)

    def _view(self, study: Study, trial: FrozenTrial) -> Study:
        """The trials that tell the base sampler something about the parameters it picks.

        A probe's loss does not show which lr is best at the target, but it does compare other
        parameters.
        """
        if is_lr_ours(trial):
            return study
        return at_horizon(study, self._horizon)

    def _sampler_of(self, study: Study, trial: FrozenTrial) -> BaseSampler:
        if self._sampler is not None:
            return self._sampler

        key = _key(study, trial)
        if key not in self._samplers:
            # A new sampler for each trial: what it proposes depends on the trial's number, not on
            # which trials this process has seen before.
            sequence = np.random.SeedSequence([self._seed, trial.number])
            seed = int(sequence.generate_state(1)[0])
            self._samplers[key] = TPESampler(seed=seed)
        return self._samplers[key]


def _key(study: Study, trial: FrozenTrial) -> _TrialKey:
    return study.study_name, trial.number
