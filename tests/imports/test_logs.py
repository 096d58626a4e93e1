"""Logs that the trackers' own libraries write: the law is that of the same runs as a table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated import Simulated, grid, joined

from optuna_kappa import RunTable, fit
from optuna_kappa.cli import main
from optuna_kappa.imports import read_source
from optuna_kappa.runs.mapping import ColumnNames


def few_runs() -> RunTable:
    """Runs of two horizons, with noise, at whole steps: a log is slow to write."""
    problem = Simulated(noise=0.1)
    parts = []
    for horizon in (8.0, 32.0):
        table = problem.runs(grid(4), horizon, first=horizon / 4)
        parts.append(table.where(table.step == np.round(table.step)))
    runs = joined(*parts)
    return replace(runs, run=np.char.replace(runs.run, ":", "-"))


@contextmanager
def quietly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The libraries warn of themselves while they write."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def write_mlflow(
    uri: str, runs: RunTable, experiment: str = "sweep", logs_rate: bool = False
) -> None:
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment_id = client.create_experiment(experiment)
    for rows in runs.by_run():
        first = rows[0]
        run_id = client.create_run(experiment_id, run_name=str(runs.run[first])).info.run_id
        rate = float(runs.lr[first])
        params = [Param("max_steps", str(int(runs.horizon[first])))]
        if not logs_rate:
            params.append(Param("learning_rate", repr(rate)))
        metrics = []
        for time, row in enumerate(rows):
            at = (time, int(runs.step[row]))
            metrics.append(Metric("train_loss", 9.0, *at))
            metrics.append(Metric("val_loss", float(runs.loss[row]), *at))
            if logs_rate:
                metrics.append(Metric("learning_rate", rate, *at))
        client.log_batch(run_id, metrics, params)
    client.create_run(experiment_id)  # one that has logged nothing


@pytest.mark.parametrize("kind", ["folder", "database"])
def test_an_mlflow_store(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    pytest.importorskip("mlflow")
    place = tmp_path / ("mlruns" if kind == "folder" else "mlflow.db")
    runs = few_runs()
    with quietly(monkeypatch):
        write_mlflow(place.as_uri() if kind == "folder" else f"sqlite:///{place}", runs)
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")

    table = read_source(place, ColumnNames(horizon="max_steps"))
    assert fit(table).to_json() == fit(runs).to_json()
    assert "1 of 9 runs have not logged 'val_loss'" in caplog.text
    assert "MLFLOW_ALLOW_FILE_STORE" not in __import__("os").environ


def test_experiments_of_an_mlflow_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mlflow")
    runs = few_runs()
    place = tmp_path / "mlruns"
    uri = place.as_uri()
    with quietly(monkeypatch):
        write_mlflow(uri, runs, "first")
        write_mlflow(uri, replace(runs, loss=runs.loss + 1), "second", logs_rate=True)

    names = ColumnNames(horizon="max_steps")
    assert set(read_source(place, names).context["experiment"].tolist()) == {"first", "second"}
    second = read_source(place, names, {"experiment": "second"})
    assert fit(second).to_json() == fit(replace(runs, loss=runs.loss + 1)).to_json()

    words = ["fit", str(place), "--horizon", "max_steps", "--where"]
    assert main([*words, "experiment=first"]) == 0
    capsys.readouterr()
    assert main([*words, "experiment=third"]) == 2
    message = "there is no experiment 'third', only "
    assert message in capsys.readouterr().err


def write_events(folder: Path, runs: RunTable, hparams: bool) -> None:
    from torch.utils.tensorboard import SummaryWriter

    for rows in runs.by_run():
        first = rows[0]
        with SummaryWriter(str(folder / str(runs.run[first]))) as writer:
            for row in rows:
                step = int(runs.step[row])
                writer.add_scalar("val/loss", runs.loss[row], step)
                if not hparams:
                    writer.add_scalar("train/learning_rate", runs.lr[row], step)
            if hparams:
                values = {"lr": float(runs.lr[first]), "max_steps": int(runs.horizon[first])}
                writer.add_hparams(values, {"hparam/loss": 0.0})


@pytest.mark.parametrize("hparams", [True, False])
def test_event_files_of_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hparams: bool
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorboard")
    runs = few_runs()
    # Rates that 32 bits hold in few digits.
    lr = np.array([float(f"{rate:.3g}") for rate in runs.lr])
    runs = replace(runs, lr=lr, loss=runs.loss.astype(np.float32).astype(np.float64))
    with quietly(monkeypatch):
        write_events(tmp_path / "logs", runs, hparams)
    table = read_source(tmp_path / "logs")
    assert fit(table).to_json() == fit(runs).to_json()


def test_scalars_that_are_kept_as_tensors(tmp_path: Path) -> None:
    """As TensorFlow 2 and Keras write them."""
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    plugin = SummaryMetadata.PluginData(plugin_name="scalars")
    for name in ("a", "b"):
        writer = EventFileWriter(str(tmp_path / name))
        for step in (1, 2):
            for tag, value in (("lr", 0.1), ("loss", 1 / step)):
                metadata = SummaryMetadata(plugin_data=plugin)
                tensor = make_tensor_proto(np.float32(value))
                summary = Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])
                writer.add_event(Event(step=step, wall_time=step, summary=summary))
        writer.close()
    table = read_source(tmp_path)
    assert table.loss.tolist() == [1.0, 0.5] * 2 and set(table.lr.tolist()) == {0.1}


def write_lightning(folder: Path, runs: RunTable, rate: Callable[[float], float]) -> None:
    """Folders as Lightning's CSVLogger writes them: a row for each group of metrics."""
    for version, rows in enumerate(runs.by_run()):
        place = folder / f"version_{version}"
        place.mkdir(parents=True)
        lines = ["epoch,lr-AdamW,step,train_loss,val_loss"]
        for row in rows:
            step, lr = int(runs.step[row]), float(runs.lr[row])
            lines.append(f"0,,{step},9.0,")
            if rate(0.0):
                lines.append(f",{lr * rate(step / runs.horizon[row])!r},{step},,")
            lines.append(f"0,,{step},,{float(runs.loss[row])!r}")
        (place / "metrics.csv").write_text("\n".join(lines) + "\n")
        hparams = f"lr: {float(runs.lr[rows[0]])!r}\nnet:\n  width: 64\n"
        fine = f"max_steps: {int(runs.horizon[rows[0]])}\nmodel: !!python/object:a.B {{}}\n"
        (place / "hparams.yaml").write_text(hparams + fine)


def test_logs_of_lightning(tmp_path: Path) -> None:
    runs = few_runs()
    write_lightning(tmp_path / "lightning_logs", runs, lambda p: 0.0)
    table = read_source(tmp_path / "lightning_logs", ColumnNames(horizon="max_steps"))
    assert fit(table).to_json() == fit(runs).to_json()
    assert set(table.context["net/width"].tolist()) == {"64"}
    assert table.run[0] == "version_0"

    one = read_source(tmp_path / "lightning_logs" / "version_0" / "metrics.csv")
    assert len(set(one.lr.tolist())) == 1


def test_the_monitored_rate_of_lightning(tmp_path: Path) -> None:
    runs = Simulated().runs(grid(3), 32.0, first=1.0)
    steps = np.arange(1.0, 33.0)
    every = RunTable.from_columns(
        {
            "run": np.repeat(["a", "b", "c"], 32),
            "lr": np.repeat(np.unique(runs.lr), 32),
            "schedule": ["cosine"] * 96,
            "horizon": [32.0] * 96,
            "step": np.tile(steps, 3),
            "loss": np.tile(1 / steps, 3),
        }
    )
    write_lightning(tmp_path, every, lambda p: float((1 + np.cos(np.pi * p)) / 2))
    table = read_source(tmp_path)
    assert set(table.schedule.tolist()) == {"cosine"}
    np.testing.assert_allclose(np.unique(table.lr), np.unique(every.lr), rtol=1e-4)
    assert "lr" not in table.context  # what the monitored rate says is not said twice


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there are no runs in the folder"),
        ({"notes.txt": "x"}, "neither an MLflow store, nor event files"),
        ({"metrics.csv": "epoch,step,loss\n0,1,0.5\n"}, "column 'lr' is missing; the columns are"),
        (
            {"metrics.csv": "epoch,step,train_loss\n0,1,0.5\n", "hparams.yaml": "lr: 0.1"},
            "column 'loss' is missing; the columns are run, step, lr, epoch, train_loss",
        ),
        (
            {"metrics.csv": "epoch,step,loss\n0,1,0.5\n", "hparams.yaml": "lr: fast"},
            "lr must be a number, but is 'fast'",
        ),
        ({"metrics.csv": "epoch,step,loss\n0,1,0.5\n", "hparams.yaml": "lr: [}"}, "cannot read"),
        ({"metrics.csv": "epoch,step,loss\n0,one,0.5\n", "hparams.yaml": "lr: 1"}, "line 2: step"),
        ({"metrics.csv": "epoch,step,loss\n", "hparams.yaml": "lr: 1"}, "a header but no rows"),
        ({"events.out.tfevents.1": "no events"}, "column 'lr' is missing"),
    ],
)
def test_folders_that_say_too_little(
    tmp_path: Path, files: Mapping[str, str], message: str
) -> None:
    pytest.importorskip("tensorboard")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message.replace("(", r"\(")) as caught:
        read_source(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_storage_of_optuna_is_named(tmp_path: Path) -> None:
    import optuna

    optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/my.db").engine.dispose()
    with pytest.raises(ValueError, match="is a storage of Optuna; give it by --storage"):
        read_source(tmp_path / "my.db")


def test_a_server_of_mlflow_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ValueError, match="cannot read the MLflow store http://127.0.0.1:1: "):
        read_source("http://127.0.0.1:1")
