"""What goes on the page of the comparison."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from plotly.graph_objects import Figure

from optuna_kappa import RunTable, fit
from optuna_kappa.report import Section, Table, page, write
from optuna_kappa.schedules import as_schedule
from optuna_kappa.visualization import (
    TransferPoint,
    plot_budget,
    plot_law,
    plot_loss_vs_lr,
    plot_transfer,
)
from studies.compare import table
from studies.compare.results import Found, baseline_loss, of_part, proposal
from studies.compare.settings import CONSTANT, Part, Settings
from studies.mnist.data import Dataset

_PACKAGES = ("optuna-kappa", "optuna", "torch", "numpy", "scipy", "plotly")


def write_page(path: Path, settings: Settings, found: Sequence[Found], dataset: Dataset) -> Path:
    """Writes the page of a comparison.

    Args:
        path: Where to.
        settings: What was compared.
        found: What the searches found.
        dataset: The data they trained on.

    Returns:
        The path.

    Raises:
        ValueError: The file cannot be written.
    """
    searches = [(part, of_part(found, part, settings.samplers)) for part in settings.parts]
    sections = [_part(part, finished, dataset) for part, finished in searches]
    lead = table.summary(searches[0][1])
    write(path, page("κ-guided search against TPE", lead, sections, _facts(settings, dataset)))
    return path


def _part(part: Part, searches: dict[str, list[Found]], dataset: Dataset) -> Section:
    n_repeats = max((len(repeats) for repeats in searches.values()), default=0)
    text = [
        f"Target: {part.epochs} epochs of {dataset.n_train:,} images, {part.budget:g} full-run "
        f"equivalents a search, {n_repeats} repeats. Every sample trained is charged, "
        "probes included, and those borrowed from another search too.",
        table.summary(searches),
    ]
    figures = [_budget(searches)]
    if part.schedule == CONSTANT:
        figures += _optima(part, searches, dataset.n_train)
        text.append(
            "Below: the losses of all runs at each horizon; the law that follows from them; and "
            "the law as the first kappa search knew it from its probes, before its first full "
            "run, with what all searches then found."
        )
    points = _transfers(part, searches, dataset.n_train)
    if part.schedule != CONSTANT and points:
        figures.append(plot_transfer(points))
    shown = Table(table.HEADER, table.lines(searches))
    return Section(f"{part.schedule.capitalize()} rate", text, figures, [shown])


def _budget(searches: dict[str, list[Found]]) -> Figure:
    paths = {name: [s.trajectory for s in repeats] for name, repeats in searches.items()}
    return plot_budget(paths, reference=baseline_loss(searches))


def _optima(part: Part, searches: dict[str, list[Found]], epoch: int) -> list[Figure]:
    """Loss against lr of all runs, the law from them, and the law that a search started from."""
    runs = RunTable.concatenate([s.runs for repeats in searches.values() for s in repeats])
    law = fit(runs)
    figures = [plot_loss_vs_lr(runs, law), plot_law(law)]
    kappa = next(iter(searches.get("kappa", [])), None)
    if kappa is not None and kappa.law.optima:
        target = part.epochs * epoch
        found = [
            (float(target), search.lr, f"{name}, repeat {search.job.repeat}")
            for name, repeats in searches.items()
            for search in repeats
        ]
        figures.append(plot_law(kappa.law, targets=[(target, part.schedule)], truth=found))
    return figures


def _transfers(part: Part, searches: dict[str, list[Found]], epoch: int) -> list[TransferPoint]:
    """What the law of each repeat expected, against what each sampler found."""
    horizon = part.epochs * epoch
    mean = as_schedule(part.schedule).resolve(horizon).mean
    points = []
    for name, repeats in searches.items():
        for search, kappa in zip(repeats, searches.get("kappa", []), strict=False):
            expected = proposal(kappa, epoch)
            if expected is None:
                continue
            constant = kappa.law.propose(horizon, CONSTANT)
            points.append(
                TransferPoint(
                    label=f"{name}, repeat {search.job.repeat}",
                    sampler=name,
                    expected=expected.lr,
                    low=expected.low,
                    high=expected.high,
                    kappa_invariant=constant.lr / mean,
                    found=search.lr,
                )
            )
    return points


def _facts(settings: Settings, dataset: Dataset) -> dict[str, str]:
    low, high = settings.lr_range
    return {
        "Data": dataset.source,
        "Model": f"{dataset.n_inputs}-256-10 with ReLU, batch 64, {settings.optimizer}",
        "Learning rates": f"{low:g} to {high:g}",
        "Samplers": ", ".join(settings.samplers),
        "Seeds": f"{settings.seed} to {settings.seed + settings.repeats - 1}",
        "Versions": ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
        + f", Python {platform.python_version()}",
    }
