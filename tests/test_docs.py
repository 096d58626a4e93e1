"""Python blocks of the documents run, their links lead somewhere, the README is short."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import optuna
import pytest

import optuna_kappa

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")


class Model:
    """Stands for a model: its loss depends on the epochs it was trained for, and the rate."""

    def __init__(self) -> None:
        self.epochs = 0

    def parameters(self) -> Any:
        import torch

        return [torch.zeros(1, requires_grad=True)]


def train_one_epoch(model: Model, lr: Any, scheduler: Any = None) -> float:
    """The loss after one more epoch; lr is a number or a torch optimizer."""
    model.epochs += 1
    rate = lr if isinstance(lr, float) else lr.param_groups[0]["initial_lr"]
    optimum = 5e-3 / model.epochs
    return float(model.epochs**-0.3) * (1 + math.log(rate / optimum) ** 2 / 20)


def objective(trial: optuna.Trial) -> float:
    """What the pages of guides take for granted: a search with other parameters."""
    trial.suggest_categorical("batch_size", [16, 64, 256])
    trial.suggest_int("width", 64, 1024, log=True)
    lr, model = trial.suggest_float("lr", 1e-5, 1e-1, log=True), Model()
    for epoch in range(1, 25):
        loss = train_one_epoch(model, lr)
        trial.report(loss, step=epoch)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the reader has: a model, an objective, and a study of it."""
    monkeypatch.chdir(tmp_path)
    sampler = optuna_kappa.KappaSampler(horizon=24, seed=0)
    study = optuna.create_study(sampler=sampler, pruner=optuna_kappa.KappaPruner())
    study.optimize(objective, n_trials=12)
    return {
        "build_model": Model,
        "constant_study": study,
        "objective": objective,
        "optuna": optuna,
        "other_study": study,
        "optuna_kappa": optuna_kappa,
        "sampler": sampler,
        "steps_per_epoch": 2,
        "study": study,
        "train_one_epoch": train_one_epoch,
    }


@pytest.mark.parametrize(
    "page", [page for page in DOCS if "```python" in page.read_text()], ids=lambda page: page.stem
)
def test_python_blocks_run(page: Path, surroundings: dict[str, Any]) -> None:
    blocks = BLOCK.findall(page.read_text())
    if any("torch" in block for block in blocks):
        pytest.importorskip("torch")
    for block in blocks:
        exec(compile(block, str(page), "exec"), surroundings)  # noqa: S102
    given = surroundings["objective"]
    if given is not objective and page.stem != "other-parameters":
        # The objective of the page is one that a study can run.
        study = optuna.create_study(
            sampler=surroundings["sampler"], pruner=optuna_kappa.KappaPruner()
        )
        study.optimize(given, n_trials=12)
        assert 1e-5 < surroundings["sampler"].recommend(study) < 1e-2


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        if target.startswith("http"):
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            text = file.read_text()
            slugs = [
                re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-")
                for head in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            ]
            assert anchor in slugs or f'id="{anchor}"' in text, f"{page.name} links to #{anchor}"


def test_every_page_is_reached_from_the_index() -> None:
    reached = {
        (page.parent / target).resolve()
        for page in (ROOT / "docs" / "README.md", ROOT / "docs" / "evidence.md")
        for target, _ in LINK.findall(page.read_text())
    }
    pages = {page for page in DOCS if page.parent != ROOT}
    assert pages - reached <= {ROOT / "docs" / "README.md"}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 500
