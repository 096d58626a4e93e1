"""The note on a study."""

from __future__ import annotations

import json
import re

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from searching import TARGET, search

from optuna_kappa import KappaSampler
from optuna_kappa.dashboard.content import content_of
from optuna_kappa.dashboard.note import escaped, note_text
from optuna_kappa.study.rebuilding import SETTINGS, sampler_of


def plain(study: optuna.Study) -> str:
    return note_text(study, sampler_of(study)).replace("\\", "")


def test_says_what_the_sampler_recommends() -> None:
    sampler = KappaSampler(TARGET, seed=0)
    study = search(sampler, n_trials=14)
    note = plain(study)
    assert f"Recommended lr: {sampler.recommend(study):.3g}" in note
    verdict = sampler.law(study).propose(TARGET).verdict
    assert f"Verdict: {verdict.word}" in note and verdict.sentence in note
    for name, share in sampler.law(study).classes.items():
        if share >= 0.005:
            assert f"- {name}: {100 * share:.0f} %" in note


@pytest.mark.parametrize(("n_trials", "words"), [(3, "a probe of 3 steps"), (10, "a full run at")])
def test_says_what_decides_next(n_trials: int, words: str) -> None:
    sampler = KappaSampler(TARGET, seed=0)
    study = search(sampler, n_trials=n_trials)
    assert f"**What decides next:** {words}" in note_text(study, sampler).replace("\\", "")


def test_probes_alone_do_not_tell_the_horizon() -> None:
    study = search(KappaSampler(TARGET, seed=0), n_trials=10)
    assert content_of(study).note.startswith("No full run has been planned yet")
    assert "What decides next" not in content_of(study).note
    study.set_user_attr(SETTINGS, json.dumps({"horizon": TARGET}))
    assert content_of(study).note.startswith("**Recommended lr")


def test_before_anything_can_be_recommended() -> None:
    study = search(KappaSampler(TARGET, seed=0), n_trials=2)
    study.set_user_attr(SETTINGS, json.dumps({"horizon": TARGET}))
    study.ask()
    note = plain(study)
    assert "No lr can be recommended yet" in note
    assert "1 more are running" in note
    assert "After 3 trials" in note
    assert content_of(study).note


@given(st.text())
def test_nothing_in_a_text_is_markdown(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    # Each character of ASCII that is no letter, digit or blank has a backslash before it.
    rest = re.sub(r"\\[!-/:-@\[-`{-~]", "", shown)
    assert re.search(r"[!-/:-@\[-`{-~]", rest) is None
