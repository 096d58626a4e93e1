"""What pytest needs to know before it collects, and fixtures that several files share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from user_files import write_objective

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from studies.mnist.data import Dataset
    from studies.scale.places import Place

# Their assertions are outside of test files, where pytest would not explain a failure.
pytest.register_assert_rewrite("optuna.testing.pytest_samplers", "pruner_conformance")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Losses depend on the number of threads, and two would wait for each other on a busy machine.

    A test that changes the number has to restore it.
    """
    torch = pytest.importorskip("torch")
    default = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    left = torch.get_num_threads()
    torch.set_num_threads(default)
    assert left == 1


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Scikit-learn's embedded digits: 1,000 training images."""
    from studies.mnist.data import load

    return load("digits")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder, which the process works in, with an objective that takes no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    write_objective(tmp_path)
    return tmp_path


@pytest.fixture(params=["sqlite", "journal", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a storage that does not exist, or is empty."""
    if request.param != "postgresql":
        yield f"{request.param}:///{tmp_path / 'new.db'}"
        return

    from studies.scale.postgres import missing, postgres

    reason = missing()
    if reason:
        pytest.skip(reason)
    with postgres() as server:
        yield server.url


@dataclass
class Seen:
    """What a page in a browser did beside showing itself."""

    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser without a window: Debian's chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs a `chromium` on the PATH")

    with playwright.sync_playwright() as started:
        # Chromium's own sandbox needs rights that containers do not give.
        opened = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def seen() -> Seen:
    """Nothing yet; the tab writes to it."""
    return Seen()


@pytest.fixture
def tab(browser: Browser, seen: Seen) -> Iterator[Page]:
    """A new tab of a browser with nothing stored, which notes what its pages do."""
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    page = context.new_page()
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))

    def note_dialog(dialog: object) -> None:
        seen.dialogs.append(str(dialog))
        dialog.dismiss()  # type: ignore[attr-defined]

    def note_console(message: object) -> None:
        if message.type in ("error", "warning"):  # type: ignore[attr-defined]
            seen.errors.append(message.text)  # type: ignore[attr-defined]

    page.on("dialog", note_dialog)
    page.on("console", note_console)
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture(params=["sqlite", "journal", "postgresql"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A storage of a kind that several processes can share, and its folder."""
    from studies.scale.places import new_storage
    from studies.scale.postgres import missing

    if request.param == "postgresql" and missing():
        pytest.skip(str(missing()))
    with new_storage(request.param) as new:
        yield new
