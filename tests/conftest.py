"""What pytest needs to know before it collects, and what tests of the studies share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from studies.mnist.data import Dataset

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
