"""MLflow tracking: a server, a database or a folder of files, read by MLflow's own client.

`mlflow-skinny` is enough for all of them.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from optuna_kappa._validation import one_line
from optuna_kappa.imports.databases import sqlite_file, tables_in
from optuna_kappa.imports.libraries import required
from optuna_kappa.imports.logged import LoggedRun, Series
from optuna_kappa.runs.mapping import listed

EXPERIMENT = "experiment"  # column with the name of the experiment, if there are several
_ALLOW_FILES = "MLFLOW_ALLOW_FILE_STORE"  # without it, MLflow 3 refuses to read folders
_PAGE = 1000  # runs that are asked for at once
_SHORT = 8  # characters of an id


def tracking_uri(source: str) -> str | None:
    """The tracking URI of an MLflow store; None if a source is none.

    Args:
        source: URL of a server, URL or name of a SQLite database, or name of a folder.

    Example:
        >>> tracking_uri("http://localhost:5000"), tracking_uri("runs.csv")
        ('http://localhost:5000', None)
    """
    if source.startswith(("http://", "https://")):
        return source
    path = sqlite_file(source)
    if path is not None:
        is_mlflow = {"experiments", "latest_metrics"} <= tables_in(path)
        return f"sqlite:///{os.path.abspath(path)}" if is_mlflow else None

    folder = Path(source)
    for place in (folder, folder / "mlruns"):
        if any(_is_experiment(meta) for meta in place.glob("*/meta.yaml")):
            return place.resolve().as_uri()
    return None


def mlflow_runs(uri: str, where: Mapping[str, str]) -> list[LoggedRun]:
    """The runs of an MLflow store, with the name of the experiment if there are several.

    Args:
        uri: Tracking URI.
        where: Values that are asked for; that of "experiment" chooses one.

    Raises:
        ValueError: The store cannot be read, has no runs or no such experiment, or MLflow is not
            installed.

    Example:
        >>> mlflow_runs("http://127.0.0.1:1", {})  # doctest: +SKIP
        Traceback (most recent call last):
        ValueError: cannot read the MLflow store http://127.0.0.1:1: ...
    """
    with _quiet(), required("mlflow-skinny", "mlflow", "MLflow stores"):
        from mlflow.tracking import MlflowClient

    with _readable(uri):
        client = MlflowClient(uri)
        names = {one.experiment_id: one.name for one in client.search_experiments()}
        chosen = _chosen(names, where)
        found = list(_runs(client, list(chosen)))
    if not found:
        raise ValueError(f"the MLflow store {one_line(uri)} has no runs")

    several = len({run.info.experiment_id for run in found}) > 1 or EXPERIMENT in where
    label_counts = Counter(run.info.run_name for run in found)
    runs = []
    for run in found:
        params: dict[str, Any] = dict(run.data.params)
        if several:
            params[EXPERIMENT] = chosen[run.info.experiment_id]
        name, run_id = run.info.run_name, run.info.run_id
        is_unique = name and label_counts[name] == 1
        label = name if is_unique else f"{name or 'run'} {run_id[:_SHORT]}"
        read = partial(_history, client, uri, run_id)
        runs.append(LoggedRun(label, params, sorted(run.data.metrics), read))
    return runs


def _is_experiment(meta: Path) -> bool:
    """Whether a file describes an experiment, as those of a folder of MLflow do."""
    try:
        return "experiment_id:" in meta.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _chosen(names: Mapping[str, str], where: Mapping[str, str]) -> Mapping[str, str]:
    """Names of the experiments to read, by id."""
    wanted = where.get(EXPERIMENT)
    if wanted is None:
        return names
    chosen = {key: name for key, name in names.items() if wanted in (name, key)}
    if not chosen:
        raise ValueError(f"there is no experiment {wanted!r}, only {listed(list(names.values()))}")
    return chosen


def _runs(client: Any, experiments: list[str]) -> Iterator[Any]:
    """All runs that are not deleted, the first ones first."""
    token = None
    while True:
        page = client.search_runs(
            experiments,
            max_results=_PAGE,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def _history(client: Any, uri: str, run_id: str, metric: str) -> Series:
    """The values of a metric of a run."""
    with _readable(uri):
        values = client.get_metric_history(run_id, metric)
    columns = [(value.step, value.value, value.timestamp) for value in values]
    step, value, time = np.array(columns, dtype=np.float64).reshape(-1, 3).T
    return Series(step, value, time)


@contextmanager
def _readable(uri: str) -> Iterator[None]:
    """Raise a ValueError for whatever MLflow raises."""
    with _quiet():
        try:
            yield
        except ValueError:
            raise
        except Exception as error:  # of MLflow, of the database, of the network
            problem = one_line(str(error).partition("\n")[0])
            raise ValueError(f"cannot read the MLflow store {one_line(uri)}: {problem}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what MLflow logs and warns of to itself, and let it read folders."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    before = os.environ.get(_ALLOW_FILES)
    logger.setLevel(logging.ERROR)
    os.environ.setdefault(_ALLOW_FILES, "true")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        if before is None:
            os.environ.pop(_ALLOW_FILES, None)
