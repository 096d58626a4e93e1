"""From parameters other than the learning rate to numbers in [-1/2, 1/2].

A number becomes one feature: its place between the lowest and the highest value tried, which are
-1/2 and 1/2. Positive numbers over a wide range are placed by their logarithms. A parameter that
is not a number becomes one feature for each of its k values: 1 - 1/k for the value it has, -1/k
for the others. Missing values and unknown texts become 0, the average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optuna_kappa._typing import Floats

# A positive number is placed by its logarithm if its highest value is more than this factor above
# its lowest: such parameters (batch size, width) are usually tried in multiples.
_WIDE_RANGE = 4.0


class Scale(NamedTuple):
    """How one parameter becomes features.

    Attributes:
        name: Name of the parameter.
        values: Its values if it is not a number; else empty.
        low: Lower end of its range (of the logarithm if `log`).
        high: Upper end.
        log: Whether a number is placed by its logarithm.

    Example:
        >>> Scale("batch", values=(), low=0.0, high=10.0, log=False).features("5")
        [0.0]
        >>> Scale("kind", values=("a", "b"), low=0.0, high=1.0, log=False).features("b")
        [-0.5, 0.5]
    """

    name: str
    values: tuple[str, ...]
    low: float
    high: float
    log: bool

    @property
    def size(self) -> int:
        """Number of features.

        Example:
            >>> Scale("kind", values=("a", "b"), low=0.0, high=1.0, log=False).size
            2
        """
        return len(self.values) or 1

    def features(self, text: str) -> list[float]:
        """Return the features of a value, given as text."""
        if self.values:
            return self._features_of_text(text)

        number = _number(text)
        if number is None or (self.log and number <= 0):
            return [0.0]

        place = float(np.log(number)) if self.log else number
        above_low = place - self.low
        fraction = np.clip(above_low / (self.high - self.low), 0, 1)
        return [float(fraction) - 0.5]

    def _features_of_text(self, text: str) -> list[float]:
        """Return one feature for each value; they sum to 0."""
        if text not in self.values:
            return [0.0] * self.size

        average = 1 / self.size
        return [(text == value) - average for value in self.values]


def scale_of(name: str, column: NDArray[np.str_]) -> Scale | None:
    """Return how a context column becomes features; None if it does not vary.

    Example:
        >>> scale_of("width", np.array(["64", "128", "128"])).high
        128.0
        >>> scale_of("kind", np.array(["a", "b"])).values
        ('a', 'b')
    """
    texts = sorted({str(text) for text in column} - {""})
    if len(texts) < 2:
        return None

    numbers = []
    for text in texts:
        number = _number(text)
        if number is None:
            return Scale(name, tuple(texts), 0.0, 1.0, log=False)
        numbers.append(number)

    low = min(numbers)
    high = max(numbers)
    if low == high:
        return None

    if low > 0 and high / low > _WIDE_RANGE:
        return Scale(
            name=name,
            values=(),
            low=float(np.log(low)),
            high=float(np.log(high)),
            log=True,
        )

    return Scale(name, (), low, high, log=False)


def features_of(
    params: Mapping[str, Any],
    scales: Sequence[Scale],
) -> Floats:
    """Return the features of the parameters of one run, shape `(d,)`.

    Example:
        >>> scale = Scale("batch", values=(), low=0.0, high=10.0, log=False)
        >>> features_of({"batch": 10}, [scale]).tolist()
        [0.5]
    """
    features: list[float] = []
    for scale in scales:
        text = str(params.get(scale.name, ""))
        features += scale.features(text)

    return np.array(features)


def _number(text: str) -> float | None:
    """Return the finite number that a text stands for; None if it is none."""
    try:
        number = float(text)
    except ValueError:
        return None

    return number if np.isfinite(number) else None
