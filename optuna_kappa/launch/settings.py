"""How a study is searched: kept with it, so that it goes on as it began."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from optuna.study import Study

from optuna_kappa.study.attributes import as_text
from optuna_kappa.study.imported import is_imported
from optuna_kappa.study.rebuilding import SETTINGS, settings_of
from optuna_kappa.study.sampler import KappaSampler

_LARGEST_SEED = 2**31


@dataclass(frozen=True)
class Settings:
    """Arguments of `KappaSampler`; None for one that is not given.

    Attributes:
        horizon: Steps of a full run.
        schedule: Name of the schedule of the runs.
        lr: Name of the learning-rate parameter.
        optimizer: Name of the optimizer.
        passes: Passes over the data in a full run.
        prior: Name of a prior, in their place.
        probe_budget: What the probes may cost, in full runs.
        seed: Seed of the proposals.

    Example:
        >>> Settings(horizon=24, optimizer="adam").given
        {'horizon': 24, 'optimizer': 'adam'}
    """

    horizon: int | None = None
    schedule: str | None = None
    lr: str | None = None
    optimizer: str | None = None
    passes: float | None = None
    prior: str | None = None
    probe_budget: float | None = None
    seed: int | None = None

    @property
    def given(self) -> dict[str, Any]:
        """Those that are given, by name.

        Example:
            >>> Settings().given
            {}
        """
        return {name: value for name, value in asdict(self).items() if value is not None}

    def sampler(self) -> KappaSampler:
        """The sampler with these settings.

        Raises:
            ValueError: A setting is not allowed, or there is no horizon.

        Example:
            >>> Settings(horizon=24, seed=0).sampler().rungs
            [(1, 6), (8, 4)]
        """
        if self.horizon is None:
            raise ValueError("--horizon is needed for a new study: it is the steps of a full run")
        return KappaSampler(**self.given)


def settle(study: Study, wanted: Settings) -> Settings:
    """The settings to search a study with: those stored with it, which new ones must not change.

    A new study stores the ones wanted, with a seed that is drawn if there is none, so that another
    process proposes the same.

    Args:
        study: The study, new or begun.
        wanted: Settings that are asked for.

    Raises:
        ValueError: The study was begun with others, or by another program, or a setting is not
            allowed.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> settle(study, Settings(horizon=24, seed=0)).horizon
        24
        >>> settle(study, Settings(horizon=12))
        Traceback (most recent call last):
        ValueError: the study '...' was begun with horizon 24, and 12 is asked for; ...
    """
    names = {field.name for field in fields(Settings)}
    stored = {name: value for name, value in settings_of(study).items() if name in names}
    if stored:
        _require_same(study, stored, wanted)
        return Settings(**stored)
    if not all(map(is_imported, study.get_trials(deepcopy=False))):
        raise ValueError(
            f"the study {study.study_name!r} was not launched by this command: choose another "
            "--study for a new one"
        )

    seed = random.SystemRandom().randrange(_LARGEST_SEED) if wanted.seed is None else wanted.seed
    settings = replace(wanted, seed=seed)
    settings.sampler()  # what is wrong shows before anything is stored
    study.set_user_attr(SETTINGS, as_text(settings.given))
    return settings


def _require_same(study: Study, stored: dict[str, Any], wanted: Settings) -> None:
    differing = []
    for name, value in wanted.given.items():
        before = stored.get(name)
        if before != value:
            had = f"{name} {before}" if before is not None else f"no {name}"
            differing.append(f"{had}, and {value} is asked for")

    if differing:
        raise ValueError(
            f"the study {study.study_name!r} was begun with {'; with '.join(differing)}; leave it "
            "out to go on with the study, or choose another --study for a new one"
        )
