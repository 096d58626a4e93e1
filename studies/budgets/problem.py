"""The problem on which all methods are compared: MNIST, cosine to zero, two passes.

Two passes of 30,000 images are short enough to train all methods with ten seeds in much less than
an hour of two cores. The recorded runs of the paper's sweep contain the same runs for 21 learning
rates, and the shorter runs that serve as probes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from studies.mnist.data import MAX_TRAIN, Dataset, load
from studies.mnist.training import OptimizerName

EPOCH = 30_000
"""Training images, which is the samples in an epoch."""

PASSES = 2
"""Passes over the training images in a full run."""

HORIZON = PASSES * EPOCH
"""Samples in a full run."""

SCHEDULE = "cosine"
"""Schedule of the searches, and of every single run that does not bring its own."""

BATCH = 64
"""Samples in a step."""

OPTIMIZERS: tuple[OptimizerName, ...] = ("adam", "sgd")
"""Optimizers, SGD without momentum."""

RATES = {"adam": np.geomspace(3e-5, 3e-2, 21), "sgd": np.geomspace(2e-3, 2.0, 21)}
"""Learning rates of the recorded runs; searches cover their range."""


@lru_cache(maxsize=1)
def dataset() -> Dataset:
    """Load the images of the recorded runs."""
    return load("mnist", n_train=MAX_TRAIN).first(EPOCH)
