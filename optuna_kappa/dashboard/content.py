"""What is shown of one study, whatever it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa.dashboard.drawing import small_figures
from optuna_kappa.dashboard.note import note_text
from optuna_kappa.study.plans import plan_of
from optuna_kappa.study.private import snapshot_now
from optuna_kappa.study.rebuilding import is_target_known, lr_name_of, sampler_of
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.trials import lr_of


class Content(NamedTuple):
    """What is shown of a study.

    Attributes:
        note: Our part of its note, Markdown; '' for none.
        figures: Its figures by id, JSON.

    Example:
        >>> Content().note
        ''
    """

    note: str = ""
    figures: Mapping[str, str] = {}


def content_of(study: Study, sampler: KappaSampler | None = None) -> Content:
    """What is shown of a study; nothing of one that has no learning rate, or several objectives.

    Args:
        study: Any study.
        sampler: The sampler that searched it; None to make one from what is stored.

    Raises:
        ValueError: The study cannot be read.

    Example:
        >>> import optuna
        >>> content_of(optuna.create_study()).note
        ''
        >>> from optuna_kappa.study.example import example_study
        >>> list(content_of(example_study()).figures)
        ['kappa-proposal', 'kappa-law', 'kappa-kappa', ...]
    """
    if len(study.directions) > 1 or not _has_lr(study, snapshot_now(study)):
        return Content()

    target_known = True
    if sampler is None:
        target_known = is_target_known(study)
        try:
            sampler = sampler_of(study)
        except ValueError:
            # Nothing has been reported yet, so nothing tells how long a full run is.
            return Content()
    note = note_text(study, sampler, target_known=target_known)
    return Content(note, small_figures(study, sampler))


def _has_lr(study: Study, trials: Sequence[FrozenTrial]) -> bool:
    """Whether any trial has a learning rate, or a plan to have one."""
    lr = lr_name_of(study)
    return any(plan_of(trial) is not None or lr_of(trial, lr) for trial in trials)
