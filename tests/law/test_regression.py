"""The regressions of all hypotheses from one factor, against a solution for each of them."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_kappa import Law, fit_contexts
from optuna_kappa.law import shared
from optuna_kappa.law.regression import regress
from optuna_kappa.runs import example_runs

K = 3  # hypotheses


@pytest.mark.parametrize("n", [1, 5, 64, 65, 129])
@pytest.mark.parametrize("several_sizes", [False, True])
def test_as_one_solution_for_each_hypothesis(n: int, several_sizes: bool) -> None:
    rng = np.random.default_rng(n)
    root = rng.standard_normal((n, n))
    common = root @ root.T / n + 0.1 * np.eye(n)
    slope, residual, cross = rng.standard_normal((3, K, n))
    bias = np.ones((n, n)) + np.eye(n)
    bias_sd = np.array([0.0, 0.1, 2.0])[np.arange(K) % 3 if several_sizes else np.zeros(K, int)]
    prior = np.arange(1.0, K + 1) / 6

    drift = np.diag(np.arange(n) + 1.0)
    drift_sd = np.array([0.5, 0.5, 0.1]) if several_sizes else np.zeros(K)
    parts = [(bias_sd, bias), (drift_sd, drift)]

    found = regress(residual, common, slope, parts, prior)
    means, variances = found.condition(cross)

    ln_p = np.empty(K)
    for h in range(K):
        covariance = common + bias_sd[h] ** 2 * bias + np.outer(slope[h], slope[h])
        covariance += drift_sd[h] ** 2 * drift
        solved = np.linalg.solve(covariance, residual[h])
        assert means[h] == pytest.approx(cross[h] @ solved, rel=1e-9, abs=1e-9)
        explained = cross[h] @ np.linalg.solve(covariance, cross[h])
        assert variances[h] == pytest.approx(explained, rel=1e-9)
        ln_det = np.linalg.slogdet(covariance)[1]
        ln_p[h] = np.log(prior[h]) - 0.5 * (residual[h] @ solved + ln_det)

    expected = np.exp(ln_p - ln_p.max())
    assert found.probability == pytest.approx(expected / expected.sum(), rel=1e-9)
    assert found.shifts(cross[:, None])[:, 0] == pytest.approx(means)


def laws_of_widths(n: int) -> list[Law]:
    """Laws of several widths, every third of which misses its best rates."""
    tables = []
    for i in range(n):
        runs = example_runs(slope=0.7 + 0.05 * i)
        tried = runs.lr > (np.quantile(runs.lr, 0.4) if i % 3 == 0 else 0)
        tables.append(({"width": str(16 * 2**i)}, runs.where(tried)))
    return fit_contexts(tables)


def test_what_laws_share_changes_nothing() -> None:
    laws = laws_of_widths(6)
    proposals = [law.propose(256, "cosine") for law in laws]

    for law, proposal in zip(laws, proposals, strict=True):
        shared._regression.cache_clear()
        alone = Law(law.optima, law.related, law.context).propose(256, "cosine")
        assert (alone.low, alone.lr, alone.high) == pytest.approx(
            (proposal.low, proposal.lr, proposal.high), rel=1e-12
        )


def test_the_order_of_other_contexts_changes_nothing() -> None:
    law = laws_of_widths(6)[2]
    turned = Law(law.optima, law.related[::-1], law.context)
    assert turned.propose(256).lr == pytest.approx(law.propose(256).lr, rel=1e-9)


def test_contexts_share_regressions() -> None:
    shared._regression.cache_clear()
    laws = laws_of_widths(9)
    for law in laws:
        law.propose(256)
    # One for each law and one for its check, but not one more for each optimum at an edge.
    assert shared._regression.cache_info().misses <= 4 * len(laws)
