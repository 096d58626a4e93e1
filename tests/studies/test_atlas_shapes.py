"""Drawn shapes can be told apart, and differ in nothing but what is jittered."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from studies.atlas.shapes import SHAPES, SIZE, drawn, shapes_autoencoder


def test_images_have_ink_and_paper() -> None:
    images, classes = drawn(400)
    assert images.shape == (400, SIZE * SIZE) and set(classes) == set(range(len(SHAPES)))
    assert images.min() == -1 and images.max() == 1
    # No shape is cut off so far that nothing is left, or so thick that it fills the square.
    ink = (images + 1).mean(axis=1) / 2
    assert 0.03 < ink.min() and ink.max() < 0.7
    # Nor is one drawn twice.
    assert len(np.unique(images, axis=0)) == 400


def test_shapes_are_as_named() -> None:
    """Means over places and angles: a plus has its ink in the middle, a circle around it."""
    images, classes = drawn(4000)
    means = {
        name: images[classes == number].mean(axis=0).reshape(SIZE, SIZE)
        for number, name in enumerate(SHAPES)
    }
    middle = slice(SIZE // 2 - 1, SIZE // 2 + 1)
    for full, empty in (("plus", "circle"), ("times", "square")):
        assert means[full][middle, middle].mean() > means[empty][middle, middle].mean() + 0.3
    # An L stands on its lower line, and a T hangs from its upper one.
    half = SIZE // 2
    assert means["l"][half:].mean() > means["l"][:half].mean() + 0.1
    assert means["t"][:half].mean() > means["t"][half:].mean() + 0.1


def test_drawings_are_the_same_again() -> None:
    assert np.array_equal(drawn(5)[0], drawn(5)[0])


def test_an_autoencoder_learns_its_inputs() -> None:
    task = shapes_autoencoder(50, 4)
    assert task.train.x is task.train.y and task.valid.x is task.valid.y
    assert task.n_train == 50
