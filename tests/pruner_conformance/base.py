"""What the rules share: the pruner, storages, and studies with a past."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import Study

from pruner_conformance.streams import (
    Curve,
    Direction,
    improving,
    new_study,
    others_of,
    run,
    sqlite,
)

Factory = Callable[[], BasePruner]  # makes equal pruners


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
class PrunerSuite:
    """The fixtures of the rules."""

    @pytest.fixture
    def pruner(self) -> Factory:
        """To be overridden: a function that makes a pruner."""
        raise NotImplementedError

    @pytest.fixture(params=["memory", "sqlite"])
    def storage(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseStorage]:
        """In memory, or a file that is read anew whenever a study is loaded from it."""
        if request.param == "memory":
            yield InMemoryStorage()
        else:
            database = sqlite(tmp_path / "studies.db")
            yield database
            database.remove_session()
            database.engine.dispose()


def among(others: str, pruner: Factory, direction: Direction = "minimize") -> Study:
    """A study with trials of one kind, added and not judged."""
    study = new_study(pruner(), direction)
    study.add_trials(others_of(others))
    return study


def trained(pruner: Factory, direction: Direction = "minimize", sign: float = 1.0) -> Study:
    """A study in which the pruner was asked about ten trials, all of which ran to their end."""
    study = new_study(pruner(), direction)
    run(study, improving(sign), obey=False)
    return study


def halves(curve: Curve) -> tuple[dict[int, float], dict[int, float]]:
    """The earlier and the later reports."""
    steps = list(curve)
    half = len(steps) // 2
    return {s: curve[s] for s in steps[:half]}, {s: curve[s] for s in steps[half:]}
