"""Rules that any pruner should keep.

The tests of a pruner subclass the classes here:

```python
class TestMyPruner(PrunerTestCase):
    @pytest.fixture
    def pruner(self) -> Callable[[], BasePruner]:
        return lambda: MyPruner()
```

How a pruner decides is its own affair. Most rules compare what it decides on one stream of curves
in two situations that should make no difference. Losses are between 0 and 5 unless a rule
multiplies them.
"""

from __future__ import annotations

from pruner_conformance.fair import FairPrunerTestCase
from pruner_conformance.robust import DivergencePrunerTestCase, RobustPrunerTestCase
from pruner_conformance.stateless import StatelessPrunerTestCase

__all__ = [
    "DivergencePrunerTestCase",
    "FairPrunerTestCase",
    "PrunerTestCase",
    "RobustPrunerTestCase",
    "StatelessPrunerTestCase",
]


class PrunerTestCase(RobustPrunerTestCase, FairPrunerTestCase, StatelessPrunerTestCase):
    """All rules, but for those that need a promise (`DivergencePrunerTestCase`)."""
