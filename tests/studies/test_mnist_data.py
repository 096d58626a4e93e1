from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch  # noqa: E402

from studies.mnist import data  # noqa: E402
from studies.mnist.data import VARIABLE, DataError, Dataset, load  # noqa: E402
from studies.mnist.download import FILES, DownloadError  # noqa: E402

N_FAKE_TEST = 50


def write_idx(path: Path, values: np.ndarray) -> None:
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(head + values.astype(np.uint8).tobytes())


def write_fake_mnist(root: Path) -> Path:
    """Writes images of 2 x 2 pixels that spell their own number, the label its last digit."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for images, labels, n in ((*FILES[:2], 60_000), (*FILES[2:], N_FAKE_TEST)):
        numbers = np.arange(n)
        write_idx(raw / images, numbers.astype(">u4").view(np.uint8).reshape(n, 2, 2))
        write_idx(raw / labels, numbers % 10)
    return root


def numbers(x: torch.Tensor) -> list[int]:
    """Reads back which of the fake images these are."""
    pixels = x.add(1).mul(127.5).round().numpy().astype(np.uint8)
    found: list[int] = pixels.view(">u4").ravel().tolist()
    return found


def no_download(root: Path) -> None:
    raise DownloadError("no network")


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the user's variable, nor his cache, nor the network."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "download", no_download)


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    return write_fake_mnist(tmp_path / "mine")


def named(monkeypatch: pytest.MonkeyPatch, root: Path, n_train: int = 30_000) -> Dataset:
    monkeypatch.setenv(VARIABLE, str(root))
    return load(n_train=n_train)


def test_named_folder(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = named(monkeypatch, fake)
    assert (dataset.name, dataset.n_train, dataset.n_inputs) == ("MNIST", 30_000, 4)
    assert VARIABLE in dataset.source and str(fake) in dataset.source
    train, valid = numbers(dataset.train_x), numbers(dataset.valid_x)
    assert len(set(train)) == 30_000 and len(set(valid)) == 10_000
    assert not set(train) & set(valid)
    assert train != sorted(train)
    assert numbers(dataset.test_x) == list(range(N_FAKE_TEST))
    for part in ("train", "valid", "test"):
        x, y = getattr(dataset, f"{part}_x"), getattr(dataset, f"{part}_y")
        assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
        assert x.min() == -1 and x.max() <= 1
        assert y.tolist() == [number % 10 for number in numbers(x)]


def test_split_is_fixed(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    small = named(monkeypatch, fake, n_train=7)
    torch.manual_seed(2)
    large = named(monkeypatch, fake, n_train=50_000)
    assert torch.equal(small.valid_x, large.valid_x)
    assert torch.equal(small.train_x, large.train_x[:7])
    assert large.n_train == 50_000


def test_all_images(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all 60,000 to train on, the test images are the only ones left for validation."""
    large = named(monkeypatch, fake, n_train=50_000)
    everything = named(monkeypatch, fake, n_train=60_000)
    train = numbers(everything.train_x)
    assert sorted(train) == list(range(60_000))
    assert train[:50_000] == numbers(large.train_x) and train[50_000:] == numbers(large.valid_x)
    assert everything.train_y.tolist() == [number % 10 for number in train]
    for part in ("x", "y"):
        valid, test = (getattr(everything, f"{kind}_{part}") for kind in ("valid", "test"))
        assert torch.equal(valid, test)
        assert torch.equal(test, getattr(large, f"test_{part}"))
    assert "60,000 training, and for validation the 50 test images." in everything.source


@pytest.mark.parametrize("n", [1, 7, 30_000])
def test_first_images_are_those_of_a_smaller_set(
    n: int, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small = (named(monkeypatch, fake, n_train=k) for k in (50_000, n))
    first = large.first(n)
    assert (first.n_train, first.name) == (n, "MNIST")
    for part in ("train_x", "train_y", "valid_x", "valid_y", "test_x", "test_y"):
        assert torch.equal(getattr(first, part), getattr(small, part))
    assert first.train_x.data_ptr() == large.train_x.data_ptr()  # shared, not copied


def test_to_shares_what_is_there(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = named(monkeypatch, fake, n_train=7)
    moved = dataset.to("cpu")
    assert moved.train_x is dataset.train_x and moved.source == dataset.source


@pytest.mark.parametrize("n_train", [0, -1, 50_001, 55_000, 59_999, 60_001])
def test_n_train_out_of_range(n_train: int) -> None:
    with pytest.raises(ValueError, match=f"n_train .* got {n_train}"):
        load(n_train=n_train)


def test_unknown_source() -> None:
    with pytest.raises(ValueError, match="source .* 'mnsit'"):
        load("mnsit")  # type: ignore[arg-type]


def remove_all(raw: Path) -> None:
    for name in FILES:
        (raw / name).unlink()
    raw.rmdir()


def remove_one(raw: Path) -> None:
    (raw / FILES[3]).unlink()


def cut_off(raw: Path) -> None:
    path = raw / FILES[0]
    path.write_bytes(path.read_bytes()[:-1])


def cut_to_nothing(raw: Path) -> None:
    (raw / FILES[1]).write_bytes(b"")


def still_packed(raw: Path) -> None:
    (raw / FILES[0]).write_bytes(b"\x1f\x8b" + bytes(100))


def folder_for_file(raw: Path) -> None:
    (raw / FILES[2]).unlink()
    (raw / FILES[2]).mkdir()


def too_few(raw: Path) -> None:
    write_idx(raw / FILES[0], np.zeros((59_999, 2, 2)))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (remove_all, "train-images-idx3-ubyte cannot be read"),
        (remove_one, "t10k-labels-idx1-ubyte cannot be read"),
        (cut_off, "239,999 values, but its head says 240,000"),
        (cut_to_nothing, "train-labels-idx1-ubyte is not an idx file"),
        (still_packed, "train-images-idx3-ubyte is not an idx file"),
        (folder_for_file, "t10k-images-idx3-ubyte cannot be read"),
        (too_few, "59,999 training images"),
    ],
)
def test_damaged_named_folder_is_an_error(
    damage: Callable[[Path], None], says: str, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(fake / "MNIST" / "raw")
    with pytest.raises(DataError) as caught:
        named(monkeypatch, fake)
    message = str(caught.value)
    for part in (VARIABLE, repr(str(fake)), says, "Expected", "unset"):
        assert part in message


def test_forbidden_named_folder_is_an_error(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root may read everything, so a change of mode would not do.
    monkeypatch.setattr(np, "fromfile", forbid)
    with pytest.raises(DataError, match="Permission denied"):
        named(monkeypatch, fake)


def test_offline_falls_back_to_digits_and_says_so(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    dataset = load()
    assert dataset.name == "digits"
    for part in ("digits", "in place of MNIST", VARIABLE, "no network"):
        assert part in dataset.source
    assert str(tmp_path) not in dataset.source
    sizes = [len(x) for x in (dataset.train_x, dataset.valid_x, dataset.test_x)]
    assert sizes == [1000, 397, 400] and dataset.n_inputs == 64
    everything = torch.cat([dataset.train_x, dataset.valid_x, dataset.test_x])
    assert everything.min() == -1 and everything.max() == 1
    assert sorted(torch.unique(dataset.valid_y).tolist()) == list(range(10))


def test_digits_on_request(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setenv(VARIABLE, str(fake))
    dataset = load("digits", n_train=5)
    assert (dataset.name, dataset.n_train, len(dataset.valid_x)) == ("digits", 5, 397)
    assert "as asked" in dataset.source


def test_mnist_never_falls_back() -> None:
    with pytest.raises(DataError, match=rf"no network.*{VARIABLE}.*MNIST/raw"):
        load("mnist")


def test_cache_is_read(tmp_path: Path) -> None:
    write_fake_mnist(tmp_path / "cache" / "optuna-kappa")
    assert "cache" in load("mnist").source


def test_damaged_cache_is_downloaded_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = write_fake_mnist(tmp_path / "cache" / "optuna-kappa")
    cut_off(cache / "MNIST" / "raw")

    def repair(root: Path) -> None:
        remove_all(root / "MNIST" / "raw")
        write_fake_mnist(root)

    with monkeypatch.context() as patch:
        patch.setattr(data, "download", lambda root: None)
        with pytest.raises(DataError, match="what arrived is damaged"):
            load("mnist")
    monkeypatch.setattr(data, "download", repair)
    assert "download" in load("mnist").source


def test_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[3] / "shared" / "data"
    if not (root / "MNIST" / "raw").is_dir():
        pytest.skip("MNIST is not beside the repository")
    dataset = named(monkeypatch, root)
    assert [tuple(x.shape) for x in (dataset.train_x, dataset.valid_x, dataset.test_x)] == [
        (30_000, 784),
        (10_000, 784),
        (10_000, 784),
    ]
    assert dataset.test_y[:5].tolist() == [7, 2, 1, 0, 4]
    assert torch.bincount(dataset.train_y).min() > 2_500
    # Recorded runs are of these images, in this order.
    for digits, checksum in ((dataset.train_y, "34ed67ac"), (dataset.valid_y, "bc3ab6b4")):
        assert hashlib.sha256(digits.numpy().tobytes()).hexdigest().startswith(checksum)
