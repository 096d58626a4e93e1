"""MNIST as six tensors in memory, or scikit-learn's small digits where MNIST cannot be had.

The files are read with NumPy: importing torchvision takes longer than a run of a small study,
and every worker process would pay for it. torchvision only downloads (`download`).
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
"""Environment variable naming the folder that holds `MNIST/raw`."""

Source = Literal["auto", "mnist", "digits"]

# The paper trains on 30,000 images; validation images are ours, so that the test images choose
# nothing. They come first in the permutation: the same ones for every number of training images.
_N_TRAIN, _N_VALID = 30_000, 10_000
MAX_TRAIN = 50_000
"""Training images of MNIST that leave images for validation."""
ALL = _N_VALID + MAX_TRAIN
"""All training images of MNIST."""
_DIGITS_TRAIN, _DIGITS_VALID = 1_000, 397
_PERMUTATION_SEED = 20_250_530


class DataError(ValueError):
    """MNIST is not where it was said to be, or cannot be had at all."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and their digits, in memory.

    Attributes:
        train_x: Training images, float32 in [-1, 1], shape (n_train, n_inputs).
        train_y: Their digits, int64 in 0..9, shape (n_train,).
        valid_x: Validation images, shape (n_valid, n_inputs).
        valid_y: Their digits, shape (n_valid,).
        test_x: Test images, shape (n_test, n_inputs).
        test_y: Their digits, shape (n_test,).
        name: "MNIST" or "digits".
        source: One sentence: which data, from where, and why.
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
        """Training images, that is samples an epoch."""
        return len(self.train_x)

    @property
    def n_inputs(self) -> int:
        """Pixels an image."""
        return self.train_x.shape[1]

    def first(self, n: int) -> Dataset:
        """The same data with the first n training images only, which are shared, not copied."""
        return replace(self, train_x=self.train_x[:n], train_y=self.train_y[:n])

    def to(self, device: str | torch.device) -> Dataset:
        """Moves the tensors to a device; those already there are shared, not copied."""
        return Dataset(
            *(self.train_x.to(device), self.train_y.to(device)),
            *(self.valid_x.to(device), self.valid_y.to(device)),
            *(self.test_x.to(device), self.test_y.to(device)),
            name=self.name,
            source=self.source,
        )


def load(source: Source = "auto", *, n_train: int = _N_TRAIN) -> Dataset:
    """Loads MNIST, or the digits that stand in for it.

    MNIST is looked for in the folder named by OPTUNA_KAPPA_DATA; if that is not set, in the
    cache (`$XDG_CACHE_HOME/optuna-kappa`, by default `~/.cache/optuna-kappa`), into which it is
    downloaded if need be.

    Args:
        source: "mnist" for MNIST or an error, "digits" for scikit-learn's 1,797 digits of
            8 x 8 pixels, "auto" for MNIST and, where it can be neither found nor downloaded,
            the digits.
        n_train: Training images, 1 to 50,000; all choices share the 10,000 validation images,
            and a smaller set is the beginning of a larger one. Or 60,000: all of them, as in the
            paper's first figures; the test images then are the validation images too. The
            digits have 1,000 at most and then give 1,000.

    Returns:
        The data; its `source` says in one sentence what was loaded and why.

    Raises:
        DataError: If OPTUNA_KAPPA_DATA is set but its folder does not hold readable MNIST, or
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
    """Raises ValueError if an argument of `load` is not one of the allowed values."""
    if source not in get_args(Source):
        raise ValueError(
            f"source must be 'auto', 'mnist' or 'digits', got {source!r}: choose one of them."
        )
    if not (1 <= n_train <= MAX_TRAIN or n_train == ALL):
        raise ValueError(
            f"n_train must be 1 to {MAX_TRAIN:,}, got {n_train}: the other 10,000 of the 60,000 "
            "training images are for validation. With 60,000 the test images are."
        )


def _stand_in(source: Source, n_train: int, error: DownloadError) -> Dataset:
    """Loads the digits where MNIST cannot be had, or raises DataError if MNIST was asked for."""
    if source == "mnist":
        raise DataError(
            f"MNIST was asked for, but {VARIABLE} is not set, it is not in the cache folder "
            f"{_cache()}, and it could not be downloaded ({error}): set {VARIABLE} to a folder "
            "that holds MNIST/raw, or choose the source 'digits'."
        ) from error
    return _load_digits(
        n_train,
        f"in place of MNIST: {VARIABLE} is not set, the cache holds no MNIST, and it could not be "
        f"downloaded ({error})",
    )


def _load_named_folder(root: Path, n_train: int) -> Dataset:
    """Reads MNIST from the user's own folder, where a failure is an error, never a fallback."""
    try:
        return _load_mnist(root, n_train, f"the folder in {VARIABLE} ({root})")
    except DataError as error:
        raise DataError(
            f"{VARIABLE} is {str(root)!r}, but that folder does not hold readable MNIST: {error} "
            f"Expected are the four unpacked files {', '.join(FILES)} in "
            f"{root / 'MNIST' / 'raw'}. Correct the variable, or unset it to have MNIST "
            "downloaded."
        ) from error


def _load_cache_or_download(n_train: int) -> Dataset:
    """Reads MNIST from the cache, after downloading it if it is missing or damaged there."""
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
    """The folder of ours in the user's cache, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "optuna-kappa"


def _load_mnist(root: Path, n_train: int, place: str) -> Dataset:
    """Reads and splits MNIST below a folder, or raises DataError with what is wrong there."""
    train_x, train_y, test_x, test_y = (
        _read_idx(root / "MNIST" / "raw" / name, n_axes=3 if "images" in name else 1)
        for name in FILES
    )
    if len(train_x) != ALL or len(train_y) != ALL or len(test_x) != len(test_y):
        raise DataError(
            f"It has {len(train_x):,} training images with {len(train_y):,} labels (60,000 are "
            f"expected) and {len(test_x):,} test images with {len(test_y):,} labels."
        )
    order = np.roll(_permutation(ALL), -_N_VALID)
    train, valid = order[:n_train], order[MAX_TRAIN:]
    test = _images(test_x, 255), _labels(test_y)
    held_out = f"{_N_VALID:,} validation and {len(test_x):,} test images"
    if n_train == ALL:
        held_out = f"and for validation the {len(test_x):,} test images"
    return Dataset(
        *(_images(train_x[train], 255), _labels(train_y[train])),
        *(test if n_train == ALL else (_images(train_x[valid], 255), _labels(train_y[valid]))),
        *test,
        name="MNIST",
        source=f"MNIST from {place}: {n_train:,} training, {held_out}.",
    )


def _load_digits(n_train: int, why: str) -> Dataset:
    """Loads scikit-learn's embedded digits, whose pixels count from 0 to 16."""
    # Imported here: it takes a second that a run on MNIST need not spend.
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = _permutation(len(x))
    held_out = len(x) - _DIGITS_TRAIN
    train = order[held_out : held_out + n_train]
    valid, test = order[:_DIGITS_VALID], order[_DIGITS_VALID:held_out]
    return Dataset(
        *(_images(x[train], 16), _labels(y[train])),
        *(_images(x[valid], 16), _labels(y[valid])),
        *(_images(x[test], 16), _labels(y[test])),
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
    """Scales pixels of 0..white, shape (n, ...), to float32 in [-1, 1], shape (n, n_inputs)."""
    flat = torch.from_numpy(pixels.reshape(len(pixels), -1)).to(torch.float32)
    return flat.mul_(2 / white).sub_(1)


def _labels(digits: np.ndarray) -> Tensor:
    """Converts digits, shape (n,), to int64."""
    return torch.from_numpy(digits).to(torch.int64)


def _read_idx(path: Path, *, n_axes: int) -> np.ndarray:
    """Reads bytes in the idx format: two zeros, type 8, axes, big-endian sizes, values."""
    try:
        raw = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}).") from error
    head = 4 + 4 * n_axes
    if raw[:4].tolist() != [0, 0, 8, n_axes] or len(raw) < head:
        raise DataError(f"{path.name} is not an idx file of bytes with {n_axes} axes.")
    shape = [int(size) for size in raw[4:head].view(">u4")]
    if len(raw) - head != math.prod(shape):
        raise DataError(
            f"{path.name} holds {len(raw) - head:,} values where its head says "
            f"{math.prod(shape):,}: it is cut off or damaged."
        )
    return raw[head:].reshape(shape)
