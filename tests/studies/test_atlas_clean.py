"""Clean families: each with an adaptive and a plain optimizer, and 8 to 30 passes."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from studies.atlas.clean import CLEAN
from studies.atlas.family import CONSTANT, Family

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN = {"sgd", "momentum"}


@pytest.mark.parametrize("family", CLEAN, ids=lambda family: family.name)
def test_optimizers_and_passes(family: Family) -> None:
    is_plain = [trained.optimizer in PLAIN for trained in family.trained]
    assert sorted(is_plain) == [False, True]
    assert 8 <= family.passes <= 30
    assert all(trained.schedules == (CONSTANT,) for trained in family.trained)
    assert min(table.grid(family.horizon).steps[0] for table in family.tables()) >= (
        20 * family.batch
    )
