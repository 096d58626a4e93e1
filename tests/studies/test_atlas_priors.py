"""Priors of the regimes, estimated from cases: where the truth is known, and from the atlas."""

from __future__ import annotations

import json
from dataclasses import astuple, replace

import numpy as np
import pytest

pytest.importorskip("torch")

from optuna_kappa.law.optimum import Optimum
from optuna_kappa.law.posterior import Posterior
from optuna_kappa.law.regimes import CLASSES, DESCENTS, WEIGHTS, Regime
from studies.atlas import __main__ as cli
from studies.atlas.cases import CASES as FILE
from studies.atlas.cases import Case, read_cases
from studies.atlas.evidence import ANYTHING_WEIGHT, estimate, see
from studies.atlas.priors import (
    ONE_PRIOR,
    REGIME,
    REGIMES,
    RULES,
    Evidence,
    Score,
    estimate_descents,
    estimate_weights,
    evaluate,
    predict_longest,
)
from studies.atlas.priors_page import advice, agree, as_json, page
from studies.recorded import ATLAS

FRESH: Regime = ("adaptive", "fresh")
REPEATED: Regime = ("plain", "repeated")


def case(family: str, slope: float, regime: Regime = FRESH) -> Case:
    """A case whose optimum moves with a slope."""
    probes = []
    for ratio in (24, 12):
        ln_lr = -5 + slope * np.log(ratio)
        probes.append(
            Optimum("constant", 4800 / ratio, ln_lr, se=0.3, n=6, at_edge=0, mean=1.0, peak=1.0)
        )
    return Case(
        table=f"{family}-sgd-constant",
        family=family,
        regime=regime,
        target=4800.0,
        longest=4800.0,
        one_pass=100.0,
        ln_lr=-5.0,
        se=0.1,
        slope=slope,
        probes=tuple(probes),
    )


CASES = [case(f"flat-{i}", 0.0) for i in range(4)]
CASES += [case(f"inverse-{i}", 1.0, REPEATED) for i in range(4)]


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return Evidence(CASES)


@pytest.fixture(scope="module")
def atlas() -> Evidence:
    return Evidence(read_cases(ATLAS / FILE))


def test_probabilities_that_are_known() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([0.1, 0.5, 0.1, 0.25, ANYTHING_WEIGHT])
    joint = np.full((3000, 5), 0.02)
    joint[np.arange(3000), rng.choice(5, 3000, p=truth)] = 1
    found = estimate(joint, [f"family {i}" for i in range(3000)])
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(truth, abs=0.03)
    assert found[-1] == ANYTHING_WEIGHT


def test_each_family_weighs_the_same() -> None:
    flat, inverse = np.eye(5)[[0, 2]] + 1e-3
    once = estimate(np.array([flat, inverse]), ["a", "b"])
    assert once[0] == pytest.approx(once[2])
    often = estimate(np.array([flat] * 9 + [inverse]), ["a"] * 9 + ["b"])
    assert often == pytest.approx(once)


def test_without_cases_the_classes_are_equal() -> None:
    assert estimate(np.empty((0, 5)), [])[:4] == pytest.approx([(1 - ANYTHING_WEIGHT) / 4] * 4)


def test_products_are_those_of_the_posterior() -> None:
    seen = see(CASES[0])
    probability = np.bincount(seen.slope_class, seen.predicted.weight)
    assert np.argmax(probability) == CLASSES.index("flat")
    assert np.argmax(seen.joint()) == CLASSES.index("flat")

    # The mixture's density is the sum over classes, but for the standard error of the truth.
    exact = replace(seen, case=replace(CASES[0], se=0.0))
    density = seen.predicted.density(np.array([-5.0]))[0]
    assert exact.joint().sum() == pytest.approx(density)


def test_reweighting_is_another_prior() -> None:
    seen = see(CASES[0])
    only_inverse = np.eye(5)[CLASSES.index("inverse")]
    mean, _ = seen.reweighted(only_inverse).moments
    assert mean < seen.predicted.moments[0] - 0.5
    assert seen.reweighted(np.full(5, 0.2)).moments == pytest.approx(seen.predicted.moments)


def test_classes_of_a_posterior_s_components() -> None:
    posterior = Posterior(CASES[0].probes)
    by_class = np.bincount(posterior.slope_class, posterior.slope.weight)
    assert by_class.tolist() == pytest.approx(list(posterior.classes.values()))


def test_a_regime_learns_from_its_own_cases(evidence: Evidence) -> None:
    weights = estimate_weights(evidence)
    assert weights[FRESH][CLASSES.index("flat")] > 0.5
    assert weights[REPEATED][CLASSES.index("flat")] < 0.15
    assert all(sum(one) == pytest.approx(1) for one in weights.values())
    assert evidence.n_families(FRESH) == 4 and evidence.n_families(REGIMES[1]) == 0


def test_a_family_does_not_predict_itself(evidence: Evidence) -> None:
    odd = Evidence([*CASES, case("odd", 1.0)])
    assert odd.weights(FRESH, without="odd") == pytest.approx(evidence.weights(FRESH))
    assert odd.weights(FRESH) != pytest.approx(evidence.weights(FRESH))

    # So what is predicted for it is flat, and wrong.
    mean, _ = predict_longest(odd)["odd-sgd-constant"].moments
    assert mean > -4.5


def test_predictions_are_for_the_longest_runs(evidence: Evidence) -> None:
    longer = Evidence([replace(one, longest=48000.0) for one in CASES])
    far, near = (predict_longest(one)["inverse-0-sgd-constant"] for one in (longer, evidence))
    assert far.moments[0] < near.moments[0] - 1.5


def test_scores(evidence: Evidence) -> None:
    scores = evaluate(evidence)
    assert list(scores) == [FRESH, REPEATED]
    for by_rule in scores.values():
        assert tuple(by_rule) == RULES
    fresh = scores[FRESH]
    assert fresh["copy"].error == pytest.approx(0)
    assert fresh["slope-1"].error == pytest.approx(np.log(12))
    assert scores[REPEATED]["slope-1"].error == pytest.approx(0)
    density, among_all = fresh[REGIME].ln_density, fresh[ONE_PRIOR].ln_density
    assert density is not None and among_all is not None and density > among_all
    assert fresh[REGIME].coverage == pytest.approx(1) and fresh["copy"] == Score(0.0)


def test_the_page_tells_what_is_worse(evidence: Evidence) -> None:
    text = "\n".join(page(evidence, []))
    assert "- adaptive, fresh data: copy is better, with errors of 0.00" in text
    assert "slope-1 is better" in text and "Ladders" not in text
    assert "Write into optuna_kappa/law/regimes.py" in advice(evidence)


def test_the_json(evidence: Evidence) -> None:
    made = json.loads(json.dumps(as_json(evidence, []), allow_nan=False))
    fresh = made["regimes"]["adaptive, fresh data"]
    assert list(fresh["weights"]) == list(CLASSES) and set(fresh["scores"]) == set(RULES)
    assert fresh["one_shot"] is None and not made["weights_agree"]


@pytest.mark.parametrize("regime", REGIMES)
def test_the_probabilities_in_use_are_those_of_the_atlas(atlas: Evidence, regime: Regime) -> None:
    estimated = estimate_weights(atlas)
    assert WEIGHTS[regime] == pytest.approx(estimated[regime], abs=0.02 + 1e-9)


def test_what_descents_tell_is_what_the_atlas_says(atlas: Evidence) -> None:
    estimated = estimate_descents(atlas)
    assert set(estimated) == set(DESCENTS)
    for regime, told in estimated.items():
        assert astuple(DESCENTS[regime]) == pytest.approx(astuple(told), abs=0.02 + 1e-9)


def test_agreement_is_stated(atlas: Evidence) -> None:
    assert agree(estimate_weights(atlas), estimate_descents(atlas))
    assert "agree with these" in advice(atlas)


def test_a_folder_without_tables(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["priors", "--from", str(tmp_path)]) == 2
    assert "no cases of the atlas" in capsys.readouterr().err
