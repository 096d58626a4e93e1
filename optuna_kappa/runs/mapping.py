"""Which column of a table holds what: names given by the caller, or names that tools use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields

from optuna_kappa._validation import POSITIVE, check_items, check_type, one_line
from optuna_kappa.runs.columns import COLUMNS
from optuna_kappa.schedules import find_schedule

_logger = logging.getLogger(__name__)

REQUIRED = ("lr", "step", "loss")
MOST_NAMES = 12  # in a message

# Names that trackers and trainers give to these columns, looked for where nothing is mapped:
# W&B writes `_step` and `Name`, its chart export `Step`, Lightning `trainer/global_step` and
# `val_loss`, the Trainer of Hugging Face `train/global_step`, `train/learning_rate`, `eval/loss`.
_USUAL = {
    "run": ("Name", "run_name", "run_id"),
    "lr": ("learning_rate", "train/learning_rate"),
    "step": ("_step", "Step", "global_step", "trainer/global_step", "train/global_step"),
    "loss": (
        "val_loss",
        "val/loss",
        "valid_loss",
        "valid/loss",
        "validation_loss",
        "validation/loss",
        "eval_loss",
        "eval/loss",
    ),
}

# Lightning's LearningRateMonitor writes lr-AdamW, and lr-AdamW/pg1 for groups of parameters.
_MONITOR = "lr-"
_NO_RATES = ("-momentum", "-weight_decay")


@dataclass(frozen=True)
class ColumnNames:
    """Names of the columns that hold what a run table needs; None for the usual name.

    Attributes:
        run: Column that tells runs apart.
        lr: Column of the learning rate, the base rate or the current one.
        schedule: Column of the schedule's name, or the schedule of all runs, such as "cosine".
        horizon: Column of the planned horizon, or the horizon of all runs as a number.
        step: Column of the data seen.
        loss: Column of the loss.
        context: Columns to keep as context; None for all that do not change within a run.

    Raises:
        ValueError: If a name is not a text.

    Example:
        >>> ColumnNames(lr="learning_rate", horizon=1000).mapped
        ['lr', 'horizon']
    """

    run: str | None = None
    lr: str | None = None
    schedule: str | None = None
    horizon: str | float | None = None
    step: str | None = None
    loss: str | None = None
    context: Sequence[str] | None = None

    def __post_init__(self) -> None:
        remedy = "it is the name of a column"
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if field.name == "context":
                names = check_items("context", value, str, "they are names of columns")
                object.__setattr__(self, "context", tuple(names))
            elif field.name == "horizon" and not isinstance(value, str):
                horizon = POSITIVE.check("horizon", value, "it is that of all runs, or a column")
                object.__setattr__(self, "horizon", horizon)
            else:
                check_type(field.name, value, str, remedy)

    @property
    def mapped(self) -> list[str]:
        """What the caller named a column for, in the order of the columns of a run table."""
        return [name for name in COLUMNS if getattr(self, name) is not None]

    def is_native(self, available: Sequence[str]) -> bool:
        """Whether nothing is mapped and all columns of a run table are there by their names.

        Example:
            >>> ColumnNames().is_native(COLUMNS), ColumnNames(lr="lr").is_native(COLUMNS)
            (True, False)
        """
        return not self.mapped and self.context is None and set(COLUMNS) <= set(available)

    def resolve(self, available: Sequence[str]) -> dict[str, str]:
        """Find the column of each thing; what is missing and not required is left out.

        Args:
            available: Names of the columns of the table.

        Returns:
            Names of columns by what they hold, such as {"lr": "learning_rate"}.

        Raises:
            ValueError: If a column that was named, or one that is required, is missing, or if
                several could hold the loss.

        Example:
            >>> ColumnNames(loss="val/loss").resolve(["lr", "_step", "train/loss", "val/loss"])
            {'lr': 'lr', 'step': '_step', 'loss': 'val/loss'}
        """
        found: dict[str, str] = {}
        guessed: list[str] = []
        for name in COLUMNS:
            column = self._column(name, available)
            if column is None:
                continue
            found[name] = column
            if column != name and getattr(self, name) is None:
                guessed.append(f"{name} from {column!r}")

        for name in REQUIRED:
            if name not in found:
                raise ValueError(_missing(name, available))
        for name in self.context or ():
            if name not in available:
                raise ValueError(_unknown("context", name, available))
        if guessed:
            _logger.warning("read %s; name other columns if that is wrong", ", ".join(guessed))
        return found

    def _column(self, name: str, available: Sequence[str]) -> str | None:
        """The column that holds something; None if none does."""
        given = getattr(self, name)
        if isinstance(given, str):
            if given in available:
                return given
            if name == "schedule" and find_schedule(given) is not None:
                return None  # of all runs
            raise ValueError(_unknown(name, given, available))

        if given is not None:
            return None
        if name in available:
            return name
        usual = [column for column in _USUAL.get(name, ()) if column in available]
        if name == "lr":
            usual = usual_rates(available)
        if name == "loss" and len(usual) > 1:
            raise ValueError(
                f"several columns may be the loss: {', '.join(usual)}; choose one by loss (--loss "
                "on the command line)"
            )
        return usual[0] if usual else None


def usual_rates(available: Sequence[str]) -> list[str]:
    """The columns that have a learning rate, by names that tools use; the most usual comes first.

    Example:
        >>> usual_rates(["lr-AdamW", "lr-AdamW-momentum", "loss"])
        ['lr-AdamW']
    """
    usual = [column for column in ("lr", *_USUAL["lr"]) if column in available]
    monitored = [column for column in available if column.startswith(_MONITOR)]
    rates = [column for column in monitored if not column.endswith(_NO_RATES)]
    return [*usual, *(rates if len(rates) == 1 else ())]


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first few of many.

    Example:
        >>> listed(["lr", "loss"]), listed([])
        ('lr, loss', 'none')
    """
    shown = ", ".join(one_line(name) for name in names[:MOST_NAMES])
    n_more = len(names) - MOST_NAMES
    return f"{shown} and {n_more} more" if n_more > 0 else shown or "none"


def _missing(name: str, available: Sequence[str]) -> str:
    return (
        f"column {name!r} is missing; the columns are {listed(available)}: say which one it is by "
        f"{name} (--{name} on the command line)"
    )


def _unknown(name: str, given: str, available: Sequence[str]) -> str:
    return f"there is no column {given!r}, which {name} names; the columns are {listed(available)}"
