"""From parameters to features."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa.law.features import Scale, features_of, scale_of


def scale(*values: str) -> Scale:
    scale = scale_of("p", np.array(values))
    assert scale is not None
    return scale


def test_numbers_lie_between_the_ends_of_their_range() -> None:
    narrow = scale("2", "4", "3")
    assert [narrow.features(text)[0] for text in ("2", "3", "4")] == [-0.5, 0.0, 0.5]


def test_a_wide_range_of_positive_numbers_is_logarithmic() -> None:
    wide = scale("1", "100")
    assert wide.features("10") == pytest.approx([0.0])
    assert wide.features("-1") == wide.features("0") == [0.0]
    assert not scale("0", "100").log


def test_values_outside_the_range_count_as_its_ends() -> None:
    assert scale("2", "4").features("1e9") == [0.5]


def test_texts_have_one_feature_each() -> None:
    kinds = scale("a", "b", "c", "7")
    assert kinds.size == 4
    assert kinds.features("b") == [-0.25, -0.25, 0.75, -0.25]
    assert kinds.features("d") == [0.0] * 4


@pytest.mark.parametrize("text", ["", "nan", "inf", "many"])
def test_what_is_no_number_is_the_average(text: str) -> None:
    assert scale("2", "4").features(text) == [0.0]


@pytest.mark.parametrize("values", [["4"], ["4", ""], ["4", "4.0"], ["a", "a"]])
def test_what_does_not_vary_has_no_scale(values: list[str]) -> None:
    assert scale_of("p", np.array(values)) is None


def test_features_of_several_parameters_stand_side_by_side() -> None:
    scales = [scale("2", "4"), scale("a", "b")]
    assert features_of({"p": "4"}, scales).tolist() == [0.5, 0.0, 0.0]
