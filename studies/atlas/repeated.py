"""Families that see a small training set many times, so that validation loss turns up."""

from __future__ import annotations

from functools import partial

from studies.atlas import images, measurements, synthetic, text
from studies.atlas.boosting import OPTIMIZER as BOOSTING
from studies.atlas.family import CONSTANT, Family, Trained

_COSINE = (CONSTANT, "cosine")
_WSD = (CONSTANT, "wsd")

REPEATED = (
    Family(
        name="digits-mlp",
        title="digits, a tenth of them with random labels, by a hidden layer of 32",
        make=partial(images.digits_mlp, 800, 32, 0.1),
        n_train=800,
        horizon=4096 * 16,
        batch=16,
        trained=(
            Trained("adam", 3e-5, 0.3, _COSINE),
            Trained("momentum", 3e-4, 3),
        ),
    ),
    Family(
        name="digits-cnn",
        title="digits, a fifth of them with random labels, by two convolutions",
        make=partial(images.digits_cnn, 1000, 0.2),
        n_train=1000,
        horizon=2560 * 16,
        batch=16,
        trained=(Trained("sgd", 2e-3, 5), Trained("rmsprop", 2e-5, 0.1)),
    ),
    Family(
        name="autoencoder",
        title="digits rebuilt from a code of 20 numbers (squared error)",
        make=partial(images.autoencoder, 250, 20),
        n_train=250,
        horizon=4096 * 16,
        batch=16,
        trained=(Trained("momentum", 1e-3, 5), Trained("adam", 3e-5, 0.3)),
    ),
    Family(
        name="noisy-teacher",
        title="noisy values of a random network, by a hidden layer of 48 (squared error)",
        make=partial(synthetic.teacher_values, 300, 0.5),
        n_train=300,
        horizon=4096 * 16,
        batch=16,
        trained=(
            Trained("rmsprop", 1e-5, 0.2, _COSINE),
            Trained("sgd", 5e-4, 0.5),
        ),
    ),
    Family(
        name="diabetes",
        title="course of diabetes, by a hidden layer of 32 (squared error)",
        make=partial(measurements.diabetes_mlp, 300),
        n_train=300,
        horizon=1536 * 16,
        batch=16,
        trained=(
            Trained("adam", 5e-5, 0.5),
            Trained("sgd", 3e-4, 0.5),
        ),
    ),
    Family(
        name="tumours",
        title="malign tumours, a tenth of them with random labels, by a hidden layer of 24",
        make=partial(measurements.tumours_mlp, 350, 0.1),
        n_train=350,
        horizon=3072 * 16,
        batch=16,
        trained=(
            Trained("sgd", 5e-4, 5, _COSINE),
            Trained("adamw", 1.5e-5, 0.3),
        ),
    ),
    Family(
        name="completion",
        title="noisy entries of a matrix of rank 3, by factors of rank 6 (squared error)",
        make=partial(synthetic.entries, 1200, 0.5),
        n_train=1200,
        horizon=3072 * 32,
        batch=32,
        trained=(Trained("adam", 5e-4, 2, _COSINE), Trained("sgd", 1e-2, 20)),
    ),
    Family(
        name="few-characters",
        title="next character of a short text, from the four before it",
        make=partial(text.context_characters, 4000, 4),
        n_train=4000,
        horizon=3072 * 32,
        batch=32,
        trained=(
            Trained("momentum", 5e-4, 2, _COSINE),
            Trained("adamw", 5e-5, 0.3, _WSD),
        ),
    ),
    Family(
        name="code-rnn",
        title="next character of a little code, by a recurrent network of 24 units",
        make=partial(text.code_rnn, 400, 12),
        n_train=400,
        horizon=2048 * 8,
        batch=8,
        trained=(Trained("rmsprop", 5e-5, 0.2, _WSD), Trained("momentum", 1e-3, 5)),
    ),
    Family(
        name="counting-attention",
        title="most frequent symbol of a sequence, by a transformer of one layer",
        make=partial(synthetic.most_frequent, 600, 12),
        n_train=600,
        horizon=1536 * 16,
        batch=16,
        trained=(Trained("adam", 3e-5, 0.3), Trained("momentum", 3e-4, 3)),
    ),
    Family(
        name="spirals",
        title="two spirals, a tenth of them with random labels, by two hidden layers of 32",
        make=partial(synthetic.spirals, 300),
        n_train=300,
        horizon=3072 * 16,
        batch=16,
        trained=(
            Trained("adamw", 1e-4, 1, _COSINE),
            Trained("rmsprop", 3e-5, 0.3),
        ),
    ),
    Family(
        name="wide-logistic",
        title="sides of a plane in 120 dimensions, from 200 points, by a linear model",
        make=partial(synthetic.linear_classes, 200, 120, 0.1),
        n_train=200,
        horizon=3072 * 8,
        batch=8,
        trained=(
            Trained("momentum", 3e-5, 0.5, _COSINE),
            Trained("sgd", 3e-4, 3),
            Trained("adam", 3e-5, 0.3),
        ),
    ),
    Family(
        name="boosted-values",
        title="Friedman's function with noise, by boosted trees (squared error)",
        make=partial(measurements.friedman_trees, 300),
        n_train=300,
        horizon=512 * 300,
        batch=300,
        trained=(Trained(BOOSTING, 4e-3, 4),),
    ),
    Family(
        name="boosted-classes",
        title="malign tumours, a tenth of them with random labels, by boosted trees",
        make=partial(measurements.tumours_trees, 300, 0.1),
        n_train=300,
        horizon=384 * 300,
        batch=300,
        trained=(Trained(BOOSTING, 1e-2, 30),),
    ),
)
"""The families, in the order in which they are trained."""
