"""What pytest needs to know before it collects, and what tests of the studies share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from studies.mnist.data import Dataset

# Their assertions are outside of test files, where pytest would not explain a failure.
pytest.register_assert_rewrite("optuna.testing.pytest_samplers", "pruner_conformance")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Losses depend on the number of threads, and two would wait for each other on a busy machine.

    A test that changes the number has to restore it.
    """
    torch = pytest.importorskip("torch")
    default = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    left = torch.get_num_threads()
    torch.set_num_threads(default)
    assert left == 1


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Scikit-learn's embedded digits: 1,000 training images."""
    from studies.mnist.data import load

    return load("digits")
