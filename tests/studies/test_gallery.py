from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import optuna
import pytest
from optuna.study import Study

pytest.importorskip("PIL")

from PIL import Image

from optuna_kappa.visualization import theme
from studies.gallery import pictures
from studies.gallery.__main__ import main
from studies.gallery.entries import ENTRIES, Entry
from studies.gallery.page import PICTURES, gallery_page
from studies.gallery.searches import gallery_studies

DOCS = Path(__file__).parents[2] / "docs"
MOST_BYTES = 1_500_000  # of all pictures; a clone should stay small


@pytest.fixture(scope="module")
def studies() -> Mapping[str, Study]:
    return gallery_studies()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_the_code_draws_a_figure(entry: Entry, studies: Mapping[str, Study]) -> None:
    figure = entry.figure(studies)
    assert figure.data
    assert figure.layout.height


def test_every_figure_of_a_study_is_shown(studies: Mapping[str, Study]) -> None:
    from optuna_kappa.visualization import figures_of

    ids = {figure.id for study in studies.values() for figure in figures_of(study)}
    assert {entry.id for entry in ENTRIES} == ids


def test_studies_are_the_same_each_time(studies: Mapping[str, Study]) -> None:
    for name, study in gallery_studies().items():
        trials = [(trial.params, trial.state, trial.values) for trial in study.trials]
        assert trials == [(one.params, one.state, one.values) for one in studies[name].trials]


def test_the_page_in_the_documents_is_that_of_the_code() -> None:
    assert (DOCS / "gallery.md").read_text() == gallery_page(ENTRIES)


def test_every_entry_has_its_pictures_and_they_are_small() -> None:
    files = sorted((DOCS / PICTURES).iterdir())
    named = {f"{entry.id}{mode}.png" for entry in ENTRIES for mode in ("", "-dark")}
    assert {file.name for file in files} == named
    assert sum(file.stat().st_size for file in files) < MOST_BYTES


def test_code_before_the_last_line_is_run() -> None:
    entry = Entry("x", "", "", "same = study\nplot_law(same)")
    assert "study" in entry.studies
    assert not entry.figure({"study": optuna.create_study()}).data


def test_a_figure_is_drawn(tmp_path: Path) -> None:
    try:
        browser = pictures.find_browser()
    except ValueError as error:
        pytest.skip(str(error))

    figure = theme.figure("title").add_scatter(x=[1, 2], y=[1, 2], line_color=theme.RED)
    path = tmp_path / "drawn.png"
    pictures.draw(figure, path, browser)
    with Image.open(path) as drawn:
        colors = drawn.convert("RGB").getcolors(maxcolors=256)
    assert colors is not None
    assert max(colors)[1] == (255, 255, 255)
    assert any(red > 150 > 100 > blue for _, (red, _, blue) in colors)  # type: ignore[misc]


def test_without_a_browser(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--out", "nowhere"]) == 2
    assert "install Chromium" in capsys.readouterr().err
    assert not Path("nowhere").exists()


def test_a_browser_that_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"false drew nothing \(exit code 1\)"):
        pictures.draw(theme.figure("title"), tmp_path / "drawn.png", "/bin/false")
