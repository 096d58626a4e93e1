from __future__ import annotations

import itertools
import json
import time

import pytest

pytest.importorskip("torch")
pytest.importorskip("rich")
pytest.importorskip("sklearn")
import torch  # noqa: E402

from studies.bench import __main__ as command  # noqa: E402
from studies.bench import training  # noqa: E402
from studies.bench.training import Case, Work, measure, usable  # noqa: E402
from studies.mnist.data import Dataset, load  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", n_train=150)


def broken(dataset: Dataset) -> Work:
    raise RuntimeError("operator torchvision::nms does not exist")


def test_speed_is_samples_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", itertools.count(step=0.25).__next__)
    assert training._speed(itertools.repeat(10), seconds=1.0) == 40.0


def test_measure_interleaves(digits: Dataset) -> None:
    order: list[tuple[str, int]] = []

    def work(name: str) -> Work:
        while True:
            order.append((name, torch.get_num_threads()))
            yield 1

    cases = [Case(name, lambda _, name=name: work(name)) for name in "ab"]  # type: ignore[misc]
    timings = measure(cases, digits, threads=(2, 1), seconds=0.0)
    assert order[:8] == [("a", 2), ("b", 2), ("a", 1), ("b", 1)] * 2
    assert [(t.case, t.threads) for t in timings] == [("a", 2), ("b", 2), ("a", 1), ("b", 1)]
    for timing in timings:
        assert timing.low <= timing.samples_per_second <= timing.high
    assert [t.ratio for t in timings if t.case == "a"] == [1.0, 1.0]


def test_broken_library_leaves_its_case_out(digits: Dataset) -> None:
    whole = Case("whole", training.matrix_products)
    running, skipped = usable([whole, Case("broken", broken)], digits)
    assert running == [whole]
    assert "install the two together" in skipped["broken"]


@pytest.mark.parametrize("as_json", [False, True])
def test_main(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # All but the one that imports torchvision, which takes seconds.
    cases = [case for case in training.CASES if case.start is not training.torchvision_loop]
    monkeypatch.setattr(training, "CASES", (*cases, Case("broken", broken)))
    options = ["--seconds", "0.001", "--source", "digits", *(["--json"] if as_json else [])]
    assert command.main(["training", *options]) == 0
    printed = capsys.readouterr().out
    if as_json:
        result = json.loads(printed)["training"]
        assert {t["case"] for t in result["timings"]} == {case.name for case in cases}
        assert list(result["skipped"]) == ["broken"]
    else:
        assert "our loop, Adam" in printed and "Left out: broken" in printed


def test_converted_images_are_the_same(digits: Dataset) -> None:
    try:
        images = training._ConvertedImages(digits)
    except (ImportError, RuntimeError):
        pytest.skip("torchvision does not work here")
    x, y = images[3]
    assert len(images) == 150 and y == digits.train_y[3]
    assert torch.allclose(x, digits.train_x[3], atol=1 / 127)
