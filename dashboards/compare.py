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
from studies.mnist.objective import OTHERS

_PACKAGES = ("optuna-kappa", "optuna", "torch", "numpy", "scipy", "plotly")
_CURVES = (
    "Below: the losses of all runs at each horizon; the law that follows from them; and the law "
    "as the first kappa search knew it from its probes, before its first full run, with what all "
    "searches then found."
)
_SEVERAL = (
    "Each trial chose {names}. Budgets count samples, so that a small batch costs as much as a "
    "large one, though it takes longer. The second table has the best full run of each search."
)


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
    sections = [_part(part, finished, settings, dataset) for part, finished in searches]
    lead = table.summary(searches[0][1])
    write(path, page("κ-guided search against TPE", lead, sections, _facts(settings, dataset)))
    return path


def _part(
    part: Part, searches: dict[str, list[Found]], settings: Settings, dataset: Dataset
) -> Section:
    n_repeats = max((len(repeats) for repeats in searches.values()), default=0)
    text = [
        f"Target: {part.epochs} epochs of {dataset.n_train:,} images, {part.budget:g} full-run "
        f"equivalents a search, {n_repeats} repeats. Every sample trained is charged, "
        "probes included, and those borrowed from another search too.",
        table.summary(searches),
    ]
    figures, tables = [_budget(searches)], [Table(table.HEADER, table.lines(searches))]
    if settings.others:
        # The figures of the law show losses as a function of the learning rate alone.
        text.append(_SEVERAL.format(names=", ".join(settings.search)))
        header = ("sampler", "repeat", "best loss", *settings.search)
        tables.append(Table(header, table.best(searches, settings.search)))
    else:
        figures += _of_law(part, searches, dataset.n_train)
        if part.schedule == CONSTANT:
            text.append(_CURVES)
    return Section(f"{part.schedule.capitalize()} rate", text, figures, tables)


def _of_law(part: Part, searches: dict[str, list[Found]], epoch: int) -> list[Figure]:
    """The figures of the learning rate: losses and laws, or what was expected and found."""
    if part.schedule == CONSTANT:
        return _optima(part, searches, epoch)
    points = _transfers(part, searches, epoch)
    return [plot_transfer(points)] if points else []


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
    hidden = "hidden" if "hidden" in settings.others else "256"
    batch = "" if "batch_size" in settings.others else "batch 64, "
    ranges = {name.replace("_", " ").capitalize(): OTHERS[name] for name in settings.others}
    ranges = {"Learning rates": settings.lr_range, **ranges}
    return {
        "Data": dataset.source,
        "Model": f"{dataset.n_inputs}-{hidden}-10 with ReLU, {batch}{settings.optimizer}",
        **{name: f"{low:g} to {high:g}" for name, (low, high) in ranges.items()},
        "Samplers": ", ".join(settings.samplers),
        "Seeds": f"{settings.seed} to {settings.seed + settings.repeats - 1}",
        "Versions": ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
        + f", Python {platform.python_version()}",
    }
