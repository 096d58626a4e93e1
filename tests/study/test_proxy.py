"""Optuna's gRPC proxy in front of a database: it may start late, and be restarted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from searching import TARGET, objective

from optuna_kappa import KappaPruner, KappaSampler
from optuna_kappa.study import storage as module
from optuna_kappa.study.opening import open_any
from optuna_kappa.study.storage import close_storage, open_storage
from studies.scale.places import Proxy
from studies.scale.postgres import free_port

pytest.importorskip("grpc")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """It has just been started, and does not answer yet."""
    made = Proxy(f"sqlite:///{tmp_path / 'kappa.db'}")
    yield made
    made.stop()


def test_a_study_outlives_the_proxy(proxy: Proxy) -> None:
    study = optuna.create_study(
        study_name="shared",
        storage=open_storage(proxy.url),
        sampler=KappaSampler(TARGET, seed=0),
        pruner=KappaPruner(),
    )
    study.optimize(objective(), n_trials=2)
    proxy.restart()
    study.optimize(objective(), n_trials=2)

    again = optuna.load_study(study_name="shared", storage=open_any(proxy.url))
    assert [trial.number for trial in again.trials] == [0, 1, 2, 3]
    alone = optuna.create_study(sampler=KappaSampler(TARGET, seed=0), pruner=KappaPruner())
    alone.optimize(objective(), n_trials=4)
    assert [trial.params for trial in again.trials] == [trial.params for trial in alone.trials]
    close_storage(study._storage)


def test_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRPC_WAIT", 0.1)
    with pytest.raises(ValueError, match="nothing answers at grpc://127.0.0.1:.*start Optuna's"):
        open_storage(f"grpc://127.0.0.1:{free_port()}")
    with pytest.raises(ValueError, match="has no port that is a number"):
        open_storage("grpc://host:port")
