"""Families that see each training sample at most once."""

from __future__ import annotations

from functools import partial

from studies.atlas import images, synthetic, text
from studies.atlas.family import CONSTANT, Family, Trained

_COSINE = (CONSTANT, "cosine")
_WSD = (CONSTANT, "wsd")

FRESH = (
    Family(
        name="stream-teacher",
        title="classes that a random network gives, by a hidden layer of 32",
        make=partial(synthetic.teacher_classes, 3072 * 16),
        n_train=3072 * 16,
        horizon=3072 * 16,
        batch=16,
        trained=(
            Trained("adam", 2e-4, 0.6, _COSINE),
            Trained("sgd", 2e-3, 5),
        ),
    ),
    Family(
        name="power-law",
        title="linear function of inputs whose variances fall as a power law (squared error)",
        make=partial(synthetic.linear_values, 3072 * 16),
        n_train=3072 * 16,
        horizon=3072 * 16,
        batch=16,
        trained=(
            Trained("sgd", 1e-3, 2, _COSINE),
            Trained("rmsprop", 2e-4, 0.5),
        ),
    ),
    Family(
        name="manual-characters",
        title="next character of a manual, from the four before it",
        make=partial(text.context_characters, 3072 * 32, 4),
        n_train=3072 * 32,
        horizon=3072 * 32,
        batch=32,
        trained=(
            Trained("momentum", 1e-3, 2),
            Trained("adamw", 1e-4, 0.3),
            Trained("adamw", 5e-4, 3, ("cosine",)),
        ),
    ),
    Family(
        name="manual-gru",
        title="next character of a manual, by a gated recurrent network of 16 units",
        make=partial(text.manual_gru, 1280 * 8, 12),
        n_train=1280 * 8,
        horizon=1280 * 8,
        batch=8,
        trained=(Trained("adam", 3e-4, 2), Trained("rmsprop", 2e-4, 0.4)),
    ),
    Family(
        name="code-attention",
        title="next character of code, by a transformer of one layer",
        make=partial(text.code_attention, 1280 * 8, 12),
        n_train=1280 * 8,
        horizon=1280 * 8,
        batch=8,
        trained=(
            Trained("adamw", 1e-4, 0.3, _WSD),
            Trained("momentum", 2e-3, 3),
        ),
    ),
    Family(
        name="shifted-digits",
        title="digits that are moved and blurred by noise each time anew, by two convolutions",
        make=partial(images.shifted_cnn, 2048 * 16),
        n_train=2048 * 16,
        horizon=2048 * 16,
        batch=16,
        trained=(Trained("sgd", 3e-3, 5), Trained("adam", 1e-4, 0.3)),
    ),
    Family(
        name="stream-completion",
        title="noisy entries of a matrix of rank 3, each drawn anew (squared error)",
        make=partial(synthetic.entries, 3072 * 32, 0.5),
        n_train=3072 * 32,
        horizon=3072 * 32,
        batch=32,
        trained=(
            Trained("rmsprop", 1e-4, 0.3),
            Trained("rmsprop", 5e-4, 5, ("cosine",)),
            Trained("momentum", 2e-3, 3),
        ),
    ),
    Family(
        name="waves",
        title="height of waves over a square, by two hidden layers of 32 (squared error)",
        make=partial(synthetic.waves, 3072 * 16),
        n_train=3072 * 16,
        horizon=3072 * 16,
        batch=16,
        trained=(
            Trained("rmsprop", 3e-5, 0.2),
            Trained("momentum", 5e-4, 2, _COSINE),
        ),
    ),
    Family(
        name="automaton",
        title="state of a random automaton, by a recurrent network of 24 units",
        make=partial(synthetic.automaton, 2048 * 8, 10),
        n_train=2048 * 8,
        horizon=2048 * 8,
        batch=8,
        trained=(Trained("momentum", 1e-3, 3), Trained("adamw", 2e-4, 0.5)),
    ),
    Family(
        name="stream-logistic",
        title="sides of a plane in 30 dimensions, a tenth at random, by a linear model",
        make=partial(synthetic.linear_classes, 4096 * 8, 30, 0.1),
        n_train=4096 * 8,
        horizon=4096 * 8,
        batch=8,
        trained=(
            Trained("sgd", 3e-4, 2, _WSD),
            Trained("adam", 3e-5, 0.2),
            Trained("adam", 5e-4, 5, ("cosine",)),
        ),
    ),
)
"""The families, in the order in which they are trained."""
