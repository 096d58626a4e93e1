"""What pytest needs to know before it collects."""

from __future__ import annotations

import pytest

# Its assertions are in library code, where pytest would not explain a failure.
pytest.register_assert_rewrite("optuna.testing.pytest_samplers")
