"""What the trials of a study depend on: it is kept with the study, and must not change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial

from studies.compare.settings import Settings
from studies.mnist.objective import OTHERS

SETTINGS = "settings"
"""Study attribute: what must not change when a study is resumed."""


def check_settings(
    study: Study, settings: Settings, epoch: int, lent: Sequence[FrozenTrial]
) -> None:
    """Raise a ValueError if a study's trials were made with other settings than these.

    Args:
        study: The study.
        settings: The comparison.
        epoch: Samples in an epoch.
        lent: The probes that the search starts from.
    """
    stored = study.user_attrs.get(SETTINGS)
    if stored is None:
        return

    for name, wanted in stamp(settings, epoch, lent).items():
        if stored.get(name) != wanted:
            raise ValueError(
                f"the study {study.study_name!r} was made with {name} {stored.get(name)}, not "
                f"{wanted}; start again with --fresh or choose another --storage"
            )


def stamp(settings: Settings, epoch: int, lent: Sequence[FrozenTrial]) -> dict[str, Any]:
    """Return what a study's trials depend on, besides what its name says."""
    starts = [trial.datetime_start for trial in lent if trial.datetime_start]
    values: dict[str, Any] = {
        "lr range": list(settings.lr_range),
        "seed": settings.seed,
        "epoch of samples": epoch,
        "probes of": str(min(starts)) if lent else "its own",
        "a probe budget of": settings.probe_budget,
    }
    for name in settings.others:
        values[f"{name} range"] = list(OTHERS[name])

    return values
