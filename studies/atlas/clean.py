"""Families that see clean data 10 to 30 times: most people's kind of training.

No label is random, there are thousands of samples, and the tasks are not solved quickly, so that
a good model still improves in the last passes. Each family is trained by an adaptive optimizer
and by a plain one.
"""

from __future__ import annotations

from functools import partial

from studies.atlas import images, noiseless, shapes, text
from studies.atlas.family import Family, Trained

CLEAN = (
    Family(
        name="clean-digits",
        title="digits, by a hidden layer of 32",
        make=partial(images.digits_mlp, 1200, 32, 0.0),
        n_train=1200,
        horizon=1792 * 16,
        batch=16,
        trained=(Trained("adam", 3e-5, 0.6), Trained("sgd", 3e-4, 5)),
    ),
    Family(
        name="shapes-cnn",
        title="drawn shapes of eight kinds, by two convolutions",
        make=partial(shapes.shapes_cnn, 3000),
        n_train=3000,
        horizon=1536 * 32,
        batch=32,
        trained=(Trained("adam", 5e-5, 0.6), Trained("momentum", 2e-4, 3)),
        n_seeds=3,
    ),
    Family(
        name="clean-teacher",
        title="classes that a random network gives, by a hidden layer of 40",
        make=partial(noiseless.teacher_classes, 4000),
        n_train=4000,
        horizon=2496 * 32,
        batch=32,
        trained=(Trained("rmsprop", 2e-5, 0.3), Trained("momentum", 1e-4, 2)),
    ),
    Family(
        name="mixture",
        title="twelve classes of two clouds of points each, by a hidden layer of 32",
        make=partial(noiseless.mixture_classes, 2000),
        n_train=2000,
        horizon=1856 * 32,
        batch=32,
        trained=(Trained("adamw", 5e-5, 0.8), Trained("sgd", 1e-3, 10)),
    ),
    Family(
        name="clean-friedman",
        title="Friedman's function, by a hidden layer of 40 (squared error)",
        make=partial(noiseless.friedman_values, 3200),
        n_train=3200,
        horizon=2496 * 32,
        batch=32,
        trained=(Trained("adam", 5e-5, 0.8), Trained("sgd", 1e-4, 1)),
    ),
    Family(
        name="long-text",
        title="next character of a longer text, from the five before it",
        make=partial(text.context_characters, 48_000, 5),
        n_train=48_000,
        horizon=3008 * 160,
        batch=160,
        trained=(Trained("adamw", 5e-5, 0.6), Trained("momentum", 5e-4, 5)),
        n_seeds=3,
    ),
    Family(
        name="text-gru",
        title="next character of a manual, by a gated recurrent network of 16 units",
        make=partial(text.manual_gru, 3000, 12),
        n_train=3000,
        horizon=1472 * 25,
        batch=25,
        trained=(Trained("rmsprop", 5e-5, 0.6), Trained("sgd", 1e-2, 80)),
        n_seeds=3,
    ),
    Family(
        name="shapes-autoencoder",
        title="drawn shapes rebuilt from a code of 24 numbers (squared error)",
        make=partial(shapes.shapes_autoencoder, 3000, 24),
        n_train=3000,
        horizon=1536 * 24,
        batch=24,
        trained=(Trained("rmsprop", 3e-5, 0.5), Trained("momentum", 1e-3, 6)),
    ),
)
"""The families, in the order in which they are trained."""
