"""MNIST as six tensors in memory, or scikit-learn's small digits if MNIST is not available.

The files are read with NumPy. Importing torchvision takes longer than a run of a small study, and
every worker process would have to do it. torchvision is used for downloads only (`download`).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from studies.mnist.download import FILES, DownloadError, download

VARIABLE = "OPTUNA_KAPPA_DATA"
"""Environment variable with the folder that contains `MNIST/raw`."""

Source = Literal["auto", "mnist", "digits"]

# The paper trains on 30,000 images. The validation images are our addition, so that nothing is
# chosen by the test images. They come first in the permutation, which makes them the same for
# every number of training images.
_N_TRAIN = 30_000
_N_VALID = 10_000
MAX_TRAIN = 50_000
"""Largest number of training images of MNIST that leaves images for validation."""
ALL = _N_VALID + MAX_TRAIN
"""Number of all training images of MNIST."""
_DIGITS_TRAIN = 1_000
_DIGITS_VALID = 397
_PERMUTATION_SEED = 20_250_530
_WHITE_MNIST = 255
_WHITE_DIGITS = 16


class DataError(ValueError):
    """MNIST is not in the named folder, or not available at all."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and their labels, the digits, in memory.

    Attributes:
        train_x: Training images, float32 in [-1, 1], shape (n_train, n_inputs).
        train_y: Their labels, int64 in 0..9, shape (n_train,).
        valid_x: Validation images, shape (n_valid, n_inputs).
        valid_y: Their labels, shape (n_valid,).
        test_x: Test images, shape (n_test, n_inputs).
        test_y: Their labels, shape (n_test,).
        name: "MNIST" or "digits".
        source: One sentence that says which data this is, from where, and why.
    """

    train_x: Tensor
    train_y: Tensor
    valid_x: Tensor
    valid_y: Tensor
    test_x: Tensor
    test_y: Tensor
    name: str
    source: str

    @property
    def n_train(self) -> int:
        """Number of training images, which is the samples in an epoch."""
        return len(self.train_x)

    @property
    def n_inputs(self) -> int:
        """Number of pixels in an image."""
        return self.train_x.shape[1]

    def first(self, n: int) -> Dataset:
        """Return the same data with the first n training images only; no tensor is copied."""
        return replace(self, train_x=self.train_x[:n], train_y=self.train_y[:n])

    def to(self, device: str | torch.device) -> Dataset:
        """Return the same data on a device; tensors that are there already are not copied."""
        return Dataset(
            train_x=self.train_x.to(device),
            train_y=self.train_y.to(device),
            valid_x=self.valid_x.to(device),
            valid_y=self.valid_y.to(device),
            test_x=self.test_x.to(device),
            test_y=self.test_y.to(device),
            name=self.name,
            source=self.source,
        )


def load(source: Source = "auto", *, n_train: int = _N_TRAIN) -> Dataset:
    """Load MNIST, or the digits in its place.

    MNIST is read from the folder that OPTUNA_KAPPA_DATA names. If that is not set, it is read from
    the cache (`$XDG_CACHE_HOME/optuna-kappa`, by default `~/.cache/optuna-kappa`), and downloaded
    into it if necessary.

    Args:
        source: "mnist" for MNIST or an error; "digits" for scikit-learn's 1,797 digits of
            8 x 8 pixels; "auto" for MNIST or, if it can be neither found nor downloaded, the
            digits.
        n_train: Number of training images, 1 to 50,000. All choices have the same 10,000
            validation images, and a smaller set is the beginning of a larger one. Or 60,000:
            all of them, as in the paper's first figures; the test images are then also the
            validation images. The digits have at most 1,000 training images; a larger number
            gives 1,000.

    Returns:
        The data. Its `source` says in one sentence what was loaded and why.

    Raises:
        DataError: If OPTUNA_KAPPA_DATA is set but its folder does not contain readable MNIST, or
            if `source` is "mnist" and MNIST can be neither found nor downloaded.
        ValueError: If `source` or `n_train` is not one of the allowed values.
    """
    _check_arguments(source, n_train)
    if source == "digits":
        return _load_digits(n_train, "as asked")

    folder = os.environ.get(VARIABLE)
    if folder:
        return _load_named_folder(Path(folder), n_train)

    try:
        return _load_cache_or_download(n_train)
    except DownloadError as error:
        return _stand_in(source, n_train, error)


def _check_arguments(source: str, n_train: int) -> None:
    """Raise ValueError if an argument of `load` is not one of the allowed values."""
    if source not in get_args(Source):
        raise ValueError(
            f"source must be 'auto', 'mnist' or 'digits', got {source!r}: choose one of them."
        )

    if not (1 <= n_train <= MAX_TRAIN or n_train == ALL):
        raise ValueError(
            f"n_train must be 1 to {MAX_TRAIN:,} or {ALL:,}, got {n_train}: 10,000 of the 60,000 "
            "training images are kept for validation, unless all are trained on and the test "
            "images serve for validation."
        )


def _stand_in(source: Source, n_train: int, error: DownloadError) -> Dataset:
    """Load the digits in place of MNIST, or raise DataError if MNIST was asked for."""
    if source == "mnist":
        raise DataError(
            f"MNIST was asked for, but {VARIABLE} is not set, it is not in the cache folder "
            f"{_cache()}, and it could not be downloaded ({error}): set {VARIABLE} to a folder "
            "that contains MNIST/raw, or choose the source 'digits'."
        ) from error

    why = (
        f"in place of MNIST: {VARIABLE} is not set, MNIST is not in the cache, and it could not "
        f"be downloaded ({error})"
    )
    return _load_digits(n_train, why)


def _load_named_folder(root: Path, n_train: int) -> Dataset:
    """Read MNIST from the folder that the user named; a failure is an error, not a fallback."""
    try:
        return _load_mnist(root, n_train, f"the folder in {VARIABLE} ({root})")
    except DataError as error:
        raise DataError(
            f"{VARIABLE} is {str(root)!r}, but that folder does not contain readable MNIST: "
            f"{error} Expected are the four unpacked files {', '.join(FILES)} in "
            f"{root / 'MNIST' / 'raw'}. Correct the variable, or unset it to have MNIST "
            "downloaded."
        ) from error


def _load_cache_or_download(n_train: int) -> Dataset:
    """Read MNIST from the cache, after a download if it is missing or damaged there."""
    root = _cache()
    try:
        return _load_mnist(root, n_train, f"the cache folder {root}")
    except DataError:
        download(root)

    try:
        return _load_mnist(root, n_train, f"a download into the cache folder {root}")
    except DataError as error:
        raise DownloadError(f"what arrived is damaged: {error}") from error


def _cache() -> Path:
    """Our folder in the user's cache, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "optuna-kappa"


def _load_mnist(root: Path, n_train: int, place: str) -> Dataset:
    """Read and split MNIST below a folder, or raise DataError with what is wrong there."""
    raw = root / "MNIST" / "raw"
    train_images, train_labels, test_images, test_labels = FILES
    train_x = _read_idx(raw / train_images, n_axes=3)
    train_y = _read_idx(raw / train_labels, n_axes=1)
    test_x = _read_idx(raw / test_images, n_axes=3)
    test_y = _read_idx(raw / test_labels, n_axes=1)
    if len(train_x) != ALL or len(train_y) != ALL or len(test_x) != len(test_y):
        raise DataError(
            f"It has {len(train_x):,} training images with {len(train_y):,} labels (60,000 are "
            f"expected) and {len(test_x):,} test images with {len(test_y):,} labels."
        )

    order = np.roll(_permutation(ALL), -_N_VALID)
    train = order[:n_train]
    valid = order[MAX_TRAIN:]
    test = _images(test_x, _WHITE_MNIST), _labels(test_y)
    if n_train == ALL:
        validation = test
        held_out = f"and for validation the {len(test_x):,} test images"
    else:
        validation = _images(train_x[valid], _WHITE_MNIST), _labels(train_y[valid])
        held_out = f"{_N_VALID:,} validation and {len(test_x):,} test images"

    return Dataset(
        train_x=_images(train_x[train], _WHITE_MNIST),
        train_y=_labels(train_y[train]),
        valid_x=validation[0],
        valid_y=validation[1],
        test_x=test[0],
        test_y=test[1],
        name="MNIST",
        source=f"MNIST from {place}: {n_train:,} training, {held_out}.",
    )


def _load_digits(n_train: int, why: str) -> Dataset:
    """Load scikit-learn's embedded digits, whose pixels go from 0 to 16."""
    # Imported here: the import takes a second, which a run on MNIST can save.
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = _permutation(len(x))
    held_out = len(x) - _DIGITS_TRAIN
    train = order[held_out : held_out + n_train]
    valid = order[:_DIGITS_VALID]
    test = order[_DIGITS_VALID:held_out]

    return Dataset(
        train_x=_images(x[train], _WHITE_DIGITS),
        train_y=_labels(y[train]),
        valid_x=_images(x[valid], _WHITE_DIGITS),
        valid_y=_labels(y[valid]),
        test_x=_images(x[test], _WHITE_DIGITS),
        test_y=_labels(y[test]),
        name="digits",
        source=f"scikit-learn's embedded digits (8x8 pixels, {len(train):,} training, "
        f"{len(valid):,} validation and {len(test):,} test images), {why}.",
    )


def _permutation(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A fixed order of n images, shape (n,)."""
    generator = torch.Generator().manual_seed(_PERMUTATION_SEED)
    order: np.ndarray[tuple[int], np.dtype[np.int64]]
    order = torch.randperm(n, generator=generator).numpy()
    return order


def _images(pixels: np.ndarray, white: int) -> Tensor:
    """Scale pixels of 0..white, shape (n, ...), to float32 in [-1, 1], shape (n, n_inputs)."""
    flat = torch.from_numpy(pixels.reshape(len(pixels), -1)).to(torch.float32)
    return flat.mul_(2 / white).sub_(1)


def _labels(digits: np.ndarray) -> Tensor:
    """Convert labels, shape (n,), to int64."""
    return torch.from_numpy(digits).to(torch.int64)


def _read_idx(path: Path, *, n_axes: int) -> np.ndarray:
    """Read bytes in the idx format: two zeros, type 8, axes, big-endian sizes, values."""
    try:
        raw = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}).") from error

    head = 4 + 4 * n_axes  # bytes before the values
    if raw[:4].tolist() != [0, 0, 8, n_axes] or len(raw) < head:
        raise DataError(f"{path.name} is not an idx file of bytes with {n_axes} axes.")

    shape = [int(size) for size in raw[4:head].view(">u4")]
    n_values = len(raw) - head
    if n_values != math.prod(shape):
        raise DataError(
            f"{path.name} has {n_values:,} values, but its head says {math.prod(shape):,}: it is "
            "cut off or damaged."
        )
    return raw[head:].reshape(shape)
