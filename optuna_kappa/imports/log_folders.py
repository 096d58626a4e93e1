"""Folders of logs: each folder below them with a log is a run.

    lightning_logs/version_0/metrics.csv            Lightning's CSVLogger
    lightning_logs/version_0/events.out.tfevents.*  TensorBoard, also as Lightning writes it
    lightning_logs/version_0/hparams.yaml           hyperparameters of either

`SummaryWriter.add_hparams` of torch writes a folder of its own below that of the run. What is in
it belongs to the run above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from optuna_kappa._validation import one_line
from optuna_kappa.imports.event_files import PATTERN, event_run
from optuna_kappa.imports.logged import LoggedRun, Series
from optuna_kappa.runs.cells import Cells, Place, numbers
from optuna_kappa.runs.files import csv_cells

METRICS = "metrics.csv"  # of Lightning's CSVLogger
_PARAMS = "hparams.yaml"
_STEP = "step"


def run_folders(source: str) -> list[Path]:
    """The folders with the log of a run in or below a folder, or that of a file of such a log.

    Example:
        >>> run_folders("no-such-folder")
        []
    """
    path = Path(source)
    if path.is_file():
        is_log = path.name == METRICS and _is_metrics(path)
        return [path.parent] if is_log or path.match(PATTERN) else []

    logs = [*path.rglob(PATTERN), *filter(_is_metrics, path.rglob(METRICS))]
    return sorted({log.parent for log in logs if log.is_file()}, key=_by_number)


def folder_runs(source: str, folders: Sequence[Path]) -> list[LoggedRun]:
    """The runs of some folders.

    Args:
        source: The folder, or the file, that the runs were looked for in.
        folders: The folders of the runs, as `run_folders` finds them.

    Raises:
        ValueError: A log cannot be read.

    Example:
        >>> folder_runs("lightning_logs", [])
        []
    """
    root = Path(source)
    runs: dict[Path, LoggedRun] = {}
    for folder in folders:
        is_inside = folder != root and root in folder.parents
        label = str(folder.relative_to(root)) if is_inside else folder.name
        run = (
            _csv_run(folder, label) if _is_metrics(folder / METRICS) else event_run(folder, label)
        )
        run = replace(run, params={**run.params, **_yaml_params(folder / _PARAMS)})

        above = runs.get(folder.parent)
        if above is not None and run.params and not above.params:
            runs[folder.parent] = replace(above, params=run.params)
        else:
            runs[folder] = run
    return list(runs.values())


def _by_number(path: Path) -> tuple[Any, ...]:
    """Folders in their order: version_2 comes before version_10."""
    return tuple((len(part), part) for part in path.parts)


def _is_metrics(path: Path) -> bool:
    """Whether a file is one of Lightning's CSVLogger: it has columns for epoch and step."""
    try:
        with path.open(encoding="utf-8") as file:
            header = file.readline(100_000).strip().split(",")
    except (OSError, ValueError):
        return False
    return {"epoch", _STEP} <= set(header)


def _csv_run(folder: Path, label: str) -> LoggedRun:
    """The run of a file of Lightning's CSVLogger: a row for each group of metrics logged."""
    cells, lines = csv_cells(folder / METRICS)
    place = Place("line", lines)
    step = numbers(_STEP, cells[_STEP], place)
    metrics = [name for name in cells if name != _STEP and any(map(str.strip, cells[name]))]
    return LoggedRun(label, {}, metrics, partial(_column, cells, step, place))


def _column(cells: Cells, step: np.ndarray, place: Place, metric: str) -> Series:
    """A column without the rows in which it is blank. Rows are in the order of time."""
    values = numbers(metric, cells[metric], place)
    is_blank = np.array([isinstance(cell, str) and not cell.strip() for cell in cells[metric]])
    rows = np.flatnonzero(~is_blank & np.isfinite(step))
    return Series(step[rows], values[rows], rows.astype(np.float64))


def _yaml_params(path: Path) -> Mapping[str, Any]:
    """The hyperparameters of a file; those of nested groups with a slash in their names.

    Raises:
        ValueError: The file is no YAML.
    """
    import yaml

    if not path.is_file():
        return {}
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_loader())
    except (OSError, ValueError, yaml.YAMLError) as error:
        problem = one_line(str(error))
        raise ValueError(f"cannot read {one_line(str(path))}: {problem}") from error
    return _flat(content) if isinstance(content, Mapping) else {}


def _loader() -> Any:
    """A safe loader that reads objects of Python, which it must not make, as None."""
    import yaml

    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    return loader


def _flat(params: Mapping[Any, Any], start: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{start}{name}/"))
        else:
            flat[f"{start}{name}"] = value
    return flat
