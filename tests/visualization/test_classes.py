from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa import fit
from optuna_kappa.law import Law, Prior
from optuna_kappa.law.prior import SlopeClass
from optuna_kappa.runs import example_runs
from optuna_kappa.visualization import theme
from optuna_kappa.visualization.classes import (
    Share,
    by_class,
    class_colors,
    class_shares,
    share_text,
)

# Two classes of one name, as where a regime is described by two of them.
TWICE = Prior(
    "mine",
    "a guess",
    (
        SlopeClass("inverse", 0.25, 1.0, 0.2),
        SlopeClass("flat", 0.5, 0.0, 0.1),
        SlopeClass("inverse", 0.25, 0.8, 0.2),
    ),
)


def test_classes_of_one_name_are_one() -> None:
    law = fit(example_runs(slope=1.0), prior=TWICE)
    shares = class_shares(law)
    assert [(share.name, share.prior) for share in shares] == [("inverse", 0.5), ("flat", 0.5)]
    assert sum(share.posterior for share in shares) == pytest.approx(1.0)
    assert list(by_class(law, 256, "constant")) == ["inverse", "flat"]


def test_the_parts_are_the_whole() -> None:
    law = fit(example_runs(slope=0.5), prior=TWICE)
    whole = law.predict(256, "cosine")
    parts = by_class(law, 256, "cosine")
    x = np.linspace(whole.quantile(0.01), whole.quantile(0.99), 9)
    together = np.sum([part.density(x) for part in parts.values()], axis=0)
    np.testing.assert_allclose(together, whole.density(x))
    for share in class_shares(law):
        assert parts[share.name].weight.sum() == pytest.approx(share.posterior)


def test_a_law_without_optima_has_no_shares() -> None:
    assert class_shares(Law(())) == []


@pytest.mark.parametrize(
    ("posterior", "text"),
    [(0.625, "a: 62 % (prior 25 %)"), (0.001, "a: below 1 % (prior 25 %)")],
)
def test_text_of_a_share(posterior: float, text: str) -> None:
    assert share_text(Share("a", 0.25, posterior)) == text


def test_any_other_slope_is_grey() -> None:
    shares = [Share(name, 0.25, 0.25) for name in ("a", "anything", "b", "c")]
    colors = class_colors(shares)
    assert colors["anything"] == theme.GREY
    assert len(set(colors.values())) == 4
