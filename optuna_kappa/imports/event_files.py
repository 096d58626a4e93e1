"""Event files of TensorBoard, as torch, Lightning, Keras and others write them.

They are read by the `tensorboard` package, which needs no TensorFlow for it. Scalars are 32-bit
numbers there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from optuna_kappa._validation import one_line
from optuna_kappa.imports.libraries import required
from optuna_kappa.imports.logged import LoggedRun, Series

PATTERN = "*tfevents*"  # in the name of every event file
_ALL = {"scalars": 0, "tensors": 0, "images": 1, "audio": 1, "histograms": 1}  # 0: keep all
_SETTINGS = "_hparams_/session_start_info"  # of the plugin for hyperparameters


def event_run(folder: Path, label: str) -> LoggedRun:
    """The run whose event files are in a folder.

    Args:
        folder: The folder; those below it are other runs.
        label: Name of the run.

    Raises:
        ValueError: A file cannot be read, or the package is not installed.

    Example:
        >>> event_run(Path("no-such-folder"), "a")  # doctest: +SKIP
        Traceback (most recent call last):
        ValueError: cannot read the event files in no-such-folder: ...
    """
    with required("tensorboard", "tensorboard", "event files"):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with _quiet():
        try:
            events = EventAccumulator(str(folder), size_guidance=_ALL)
            events.Reload()
            tags = events.Tags()
            params = _params(events)
        except Exception as error:  # of a file that is no event file, or cut in a bad place
            problem = one_line(str(error)) or type(error).__name__
            raise ValueError(
                f"cannot read the event files in {one_line(str(folder))}: {problem}"
            ) from error

    # Newer writers keep scalars as tensors.
    scalars = set(events.summary_metadata) & set(tags["tensors"])
    tensors = [tag for tag in tags["tensors"] if tag in scalars and _is_scalar(events, tag)]

    def read(metric: str) -> Series:
        if metric in tags["scalars"]:
            rows = [(e.step, e.value, e.wall_time) for e in events.Scalars(metric)]
        else:
            rows = [(e.step, _value(e), e.wall_time) for e in events.Tensors(metric)]
        step, value, time = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return Series(step, _shortest(value) if _is_rate(metric) else value, time)

    return LoggedRun(label, params, [*tags["scalars"], *tensors], read)


def _params(events: Any) -> Mapping[str, Any]:
    """The hyperparameters that were logged with the run, if there are any."""
    from tensorboard.plugins.hparams import plugin_data_pb2

    try:
        content = events.PluginTagToContent("hparams").get(_SETTINGS)
    except KeyError:
        return {}
    if content is None:
        return {}

    logged = plugin_data_pb2.HParamsPluginData.FromString(content)
    params = {}
    for name, value in logged.session_start_info.hparams.items():
        kind = value.WhichOneof("kind")
        if kind is not None:
            params[name] = getattr(value, kind)
    return params


def _is_scalar(events: Any, tag: str) -> bool:
    return bool(events.summary_metadata[tag].plugin_data.plugin_name == "scalars")


def _value(event: Any) -> float:
    from tensorboard.util import tensor_util

    return float(tensor_util.make_ndarray(event.tensor_proto))


def _is_rate(metric: str) -> bool:
    return "lr" in metric.lower() or "learning_rate" in metric.lower()


def _shortest(values: Any) -> Any:
    """The shortest numbers that are the same in 32 bits: 0.001, not 0.0010000000474974513."""
    return np.array([float(str(np.float32(value))) for value in values], dtype=np.float64)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the package logs to itself: a file that is still being written is no problem."""
    logger = logging.getLogger("tensorboard")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
