"""Random numbers that depend on a seed and the number of a trial only."""

from __future__ import annotations

import numpy as np

from optuna_kappa._validation import check_count

# A third number beside the seed and the trial's. It is not 0: NumPy fills up with zeros.
_STREAM = 0x6B


def seed_or_drawn(seed: int | None) -> int:
    """Return a seed, or draw one if it is None.

    Raises:
        ValueError: The seed is no whole number of at least 0.

    Example:
        >>> seed_or_drawn(3)
        3
    """
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    return check_count("seed", seed, "leave it out to draw one", least=0)


def uniform_number(seed: int, number: int) -> float:
    """A random number in [0, 1) that depends on the seed and the number of a trial only.

    Its stream differs from `default_rng([seed, number])`. An objective that draws its own noise
    from that would otherwise tie the noise to the learning rate.

    Example:
        >>> uniform_number(0, 3) == uniform_number(0, 3)
        True
        >>> uniform_number(0, 3) == np.random.default_rng([0, 3]).random()
        False
    """
    return float(np.random.default_rng([seed, number, _STREAM]).random())
