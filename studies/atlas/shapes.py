"""Tasks of drawn shapes: strokes of eight kinds, 8 by 8 pixels, without any noise."""

from __future__ import annotations

import math

import numpy as np
import torch

from optuna_kappa._typing import Floats
from studies.atlas.networks import cnn, mlp
from studies.atlas.training import NetworkTask, Samples

SIZE = 8
"""Pixels along a side."""

_N_VALID = 600
_Point = tuple[float, float]

# Each shape is a line through these points, in a square from -1 to 1; a new list lifts the pen.
_SQUARE: list[_Point] = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
_CIRCLE: list[_Point] = [
    (math.cos(turn * math.pi / 6), math.sin(turn * math.pi / 6)) for turn in range(13)
]
SHAPES: dict[str, list[list[_Point]]] = {
    "square": [_SQUARE],
    "circle": [_CIRCLE],
    "triangle": [[(-1, 1), (0, -1), (1, 1), (-1, 1)]],
    "plus": [[(-1, 0), (1, 0)], [(0, -1), (0, 1)]],
    "times": [[(-1, -1), (1, 1)], [(-1, 1), (1, -1)]],
    "l": [[(-1, -1), (-1, 1), (1, 1)]],
    "t": [[(-1, -1), (1, -1)], [(0, -1), (0, 1)]],
    "z": [[(-1, -1), (1, -1), (-1, 1), (1, 1)]],
}
"""Strokes of each class, by its name."""


def shapes_cnn(n_train: int) -> NetworkTask:
    """Classes of shapes by two convolutions."""
    images, classes = drawn(n_train + _N_VALID)
    x, y = torch.tensor(images, dtype=torch.float32), torch.tensor(classes)
    valid = Samples(x[:_N_VALID], y[:_N_VALID])
    return NetworkTask(
        cnn((8, 16), len(SHAPES)), Samples(x[_N_VALID:], y[_N_VALID:]), valid, "cross-entropy"
    )


def shapes_autoencoder(n_train: int, code: int) -> NetworkTask:
    """Shapes rebuilt from a short code."""
    images, _ = drawn(n_train + _N_VALID)
    x = torch.tensor(images, dtype=torch.float32)
    train, valid = x[_N_VALID:], x[:_N_VALID]
    network = mlp(SIZE * SIZE, code, SIZE * SIZE, activation="tanh")
    return NetworkTask(network, Samples(train, train), Samples(valid, valid), "squares")


def drawn(n: int) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Draw shapes of random place, size, angle and thickness.

    Returns:
        Images with values from -1, paper, to 1, ink, shape (n, 64), and classes, shape (n,).

    Example:
        >>> images, classes = drawn(3)
        >>> images.shape, classes.shape
        ((3, 64), (3,))
    """
    random = np.random.default_rng(21)
    classes = random.integers(len(SHAPES), size=n)
    centre = (SIZE - 1) / 2 + random.uniform(-1, 1, size=(n, 1, 1, 2))
    radius = random.uniform(1.6, 3.2, size=(n, 1, 1, 2))
    thickness = random.uniform(0.3, 0.8, size=(n, 1))
    angle = random.uniform(-0.3, 0.3, size=n)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)

    images = np.zeros((n, SIZE * SIZE))
    for number, strokes in enumerate(SHAPES.values()):
        rows = np.flatnonzero(classes == number)
        # Shape (rows, segments, ends, 2): wider or higher first, then turned, then moved.
        ends = _segments(strokes) * radius[rows]
        ends = np.einsum("nij,nsej->nsei", turn[rows], ends) + centre[rows]
        ink = np.clip(thickness[rows] - _distances(ends) + 0.5, 0, 1)
        images[rows] = 2 * ink - 1

    return images, classes


def _segments(strokes: list[list[_Point]]) -> Floats:
    """Both ends of each straight piece, shape (segments, 2, 2)."""
    pieces = [np.stack([line[:-1], line[1:]], axis=1) for line in map(np.array, strokes)]
    return np.concatenate(pieces)


def _distances(ends: Floats) -> Floats:
    """Distance in pixels from each pixel to the nearest segment, shape (n, 64).

    Args:
        ends: Ends of the segments, shape (n, segments, 2, 2), in pixels.
    """
    places = np.arange(SIZE)
    pixels = np.stack(np.meshgrid(places, places), axis=-1).reshape(1, 1, -1, 2)
    start, along = ends[:, :, :1], ends[:, :, 1:] - ends[:, :, :1]
    share = ((pixels - start) * along).sum(axis=3) / np.square(along).sum(axis=3)
    nearest = start + np.clip(share, 0, 1)[..., None] * along
    distances = np.sqrt(np.square(pixels - nearest).sum(axis=3))
    nearest_line: Floats = distances.min(axis=1)
    return nearest_line
