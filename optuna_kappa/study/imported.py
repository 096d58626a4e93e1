"""Trials that were imported: runs that were trained before, outside of the study.

Where such a trial comes from is stored as its user attribute `kappa:imported`, a text. Its plan
says how long it was planned to train, as that of any trial. It has cost the search nothing, and
how it counts its steps says nothing about the objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from optuna.trial import FrozenTrial

from optuna_kappa.study.attributes import as_fields, as_text
from optuna_kappa.study.lr_names import LrName, name_used

IMPORTED = "kappa:imported"


@dataclass(frozen=True)
class Origin:
    """Where an imported trial comes from.

    Attributes:
        source: Name of the file, the folder or the storage.
        run: Label of the run in it.
        digest: Digest of what was read of the run.

    Example:
        >>> Origin("runs.csv", "a", "0f").text
        '{"source": "runs.csv", "run": "a", "digest": "0f"}'
    """

    source: str
    run: str
    digest: str

    @property
    def text(self) -> str:
        """The origin as it is stored.

        Example:
            >>> Origin("runs.csv", "a", "0f").text
            '{"source": "runs.csv", "run": "a", "digest": "0f"}'
        """
        return as_text(asdict(self))


def is_imported(trial: FrozenTrial) -> bool:
    """Whether a trial was imported.

    Example:
        >>> import optuna
        >>> is_imported(optuna.trial.create_trial(value=0.5))
        False
    """
    return IMPORTED in trial.user_attrs


def origin_of(trial: FrozenTrial) -> Origin | None:
    """Where a trial comes from; None if it was not imported, or that cannot be read.

    Example:
        >>> import optuna
        >>> attrs = {"kappa:imported": Origin("runs.csv", "a", "0f").text}
        >>> origin_of(optuna.trial.create_trial(value=0.5, user_attrs=attrs)).run
        'a'
    """
    fields = as_fields(trial.user_attrs.get(IMPORTED)) or {}
    texts = [fields.get(name) for name in ("source", "run", "digest")]
    if not all(isinstance(text, str) for text in texts):
        return None
    return Origin(*map(str, texts))


def without_repeats(trials: Sequence[FrozenTrial], lr: LrName) -> list[FrozenTrial]:
    """Leave out imported trials at a learning rate that another imported one has.

    Several seeds of one rate show no more of where the best rate is than one of them.

    Args:
        trials: Trials of one horizon.
        lr: Name of the learning-rate parameter, or several names.

    Example:
        >>> import optuna
        >>> rate = {"lr": optuna.distributions.FloatDistribution(0.01, 0.1, log=True)}
        >>> attrs = {"kappa:imported": Origin("runs.csv", "a", "0f").text}
        >>> seed = optuna.trial.create_trial(
        ...     params={"lr": 0.1}, distributions=rate, value=0.5, user_attrs=attrs
        ... )
        >>> len(without_repeats([seed, seed], "lr"))
        1
    """
    kept = []
    rates = set()
    for trial in trials:
        if is_imported(trial):
            used = name_used(trial.params, lr)
            rate = None if used is None else trial.params[used]
            if rate in rates:
                continue
            rates.add(rate)
        kept.append(trial)
    return kept
