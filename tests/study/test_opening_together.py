"""Workers that start at the same moment, where there is nothing yet."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import optuna

from optuna_kappa.study.storage import close_storage, open_storage

N_WORKERS = 4


def work(url: str, barrier: Barrier, results: Any) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    barrier.wait()
    try:
        storage = open_storage(url)
        study = optuna.create_study(study_name="shared", storage=storage, load_if_exists=True)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
        results.put("done")
    except BaseException as error:  # noqa: B036
        results.put(repr(error))


def test_workers_that_start_together(new_url: str) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["studies.scale.workers"])
    barrier, results = context.Barrier(N_WORKERS), context.Queue()
    workers = [
        context.Process(target=work, args=(new_url, barrier, results)) for _ in range(N_WORKERS)
    ]
    for worker in workers:
        worker.start()
    said = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert said == ["done"] * N_WORKERS

    storage = open_storage(new_url, create=False)
    study = optuna.load_study(study_name="shared", storage=storage)
    assert [trial.number for trial in study.trials] == list(range(2 * N_WORKERS))
    close_storage(storage)


def test_what_a_killed_worker_began_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "kappa.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name VARCHAR(512))"
        )
        connection.commit()

    storage = open_storage(f"sqlite:///{path}")
    study = optuna.create_study(storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert len(study.trials) == 1
    assert {file.suffix for file in tmp_path.iterdir()} <= {".db", ".db-wal", ".db-shm"}
    close_storage(storage)
