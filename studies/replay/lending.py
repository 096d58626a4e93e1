"""Read what `oneshot` is asked for: its budgets, and where its probes come from."""

from __future__ import annotations

from pathlib import Path

from optuna_kappa import RunTable, read_csv
from optuna_kappa._validation import POSITIVE
from studies.replay.grid import Grid
from studies.replay.objective import Objective
from studies.replay.table import Prepared, prepare


def parse_budgets(text: str) -> list[float]:
    """Read budgets.

    Args:
        text: Full-run equivalents, separated by commas.

    Raises:
        ValueError: There is none, or one is not a positive number.
    """
    budgets = []
    for part in text.split(","):
        try:
            budget = float(part)
        except ValueError:
            raise ValueError(
                f"--budgets must be numbers of full runs, such as 0.25,0.5,1, but is {text!r}"
            ) from None
        budgets.append(POSITIVE.check("a budget", budget, "it is in full-run equivalents"))

    return budgets


def lent_runs(path: str, source: str, lender: str | None) -> RunTable:
    """Read the table that has the probes of another schedule.

    It is the table of the target if that has runs of the schedule, or else the table beside it
    whose name differs in the schedule only: `adam-constant.csv.gz` for `adam-cosine.csv.gz`.

    Args:
        path: File of the target's runs.
        source: Schedule of the probes.
        lender: File of the probes, if the user has named it.

    Raises:
        ValueError: There is no such table.
    """
    if lender is not None:
        return read_csv(lender)

    runs = read_csv(path)
    words = {name.partition("(")[0] for name in runs.schedule.tolist()}
    if source.partition("(")[0] in words:
        return runs

    for word in sorted(words):
        file = Path(path)
        beside = file.with_name(file.name.replace(word, source))
        if word in file.name and beside.exists():
            return read_csv(beside)

    raise ValueError(
        f"{path} has no {source} runs for the probes, and there is no table of them beside it; "
        "name one by --source-runs"
    )


def lender_of(runs: RunTable, source: str, target: Prepared) -> Grid:
    """The objective that the probes come from.

    Args:
        runs: Table that has the probes.
        source: Their schedule.
        target: What a rate is proposed for.

    Raises:
        ValueError: The table has no such runs as long as the target.
    """
    made = prepare(runs, source, target.horizon, target.per_unit)
    return as_grid(made.objective)


def as_grid(objective: Objective) -> Grid:
    """Return the objective if only the learning rate is searched.

    Raises:
        ValueError: Other parameters are searched too.
    """
    if not isinstance(objective, Grid):
        raise ValueError(
            "the runs differ in more than their learning rates; choose by --where, since one "
            "learning rate is proposed"
        )
    return objective
