"""The page of the comparison."""

from __future__ import annotations

import platform
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
    plot_lr_curves,
    plot_transfer,
)
from studies.compare import table
from studies.compare.results import Found, Results, proposal
from studies.compare.rows import baseline_loss
from studies.compare.settings import CONSTANT, Part, Settings, times
from studies.mnist.data import Dataset
from studies.mnist.objective import OTHERS

_PACKAGES = ("optuna-kappa", "optuna", "torch", "numpy", "scipy", "plotly")
_MODEL = "{n_inputs}-{hidden}-10 with ReLU, {batch}{optimizer}"
_CURVES = (
    "Below: the losses of all runs at each horizon; the law that follows from them; and the law "
    "as the first kappa search knew it from its probes, before its first full run, with what all "
    "searches then found."
)
_SEVERAL = (
    "Each trial chose {names}. Budgets count samples, so that a small batch costs as much as a "
    "large one, though it takes longer. The second table has the best full run of each search."
)

_Searches = dict[str, list[Found]]  # the repeats of each sampler, at one target


def write_page(path: Path, settings: Settings, results: Results, dataset: Dataset) -> Path:
    """Write the page of a comparison.

    Args:
        path: File to write.
        settings: Settings of the comparison.
        results: What can be compared.
        dataset: The data they trained on.

    Returns:
        The path.

    Raises:
        ValueError: The file cannot be written.
    """
    sections = []
    summaries = []
    for part in settings.parts:
        searches = results.of(part, settings.samplers)
        summary = table.summary(searches, results.limits.get(part, part.budget))
        sections.append(_section(part, searches, settings, dataset, summary))
        summaries.append(summary)

    # The first target is the one that the comparison is about.
    html = page(
        "κ-guided search against TPE",
        lead=summaries[0],
        sections=sections,
        facts=_facts(settings, dataset),
    )
    write(path, html)
    return path


def _section(
    part: Part, searches: _Searches, settings: Settings, dataset: Dataset, summary: str
) -> Section:
    n_shown = max((len(repeats) for repeats in searches.values()), default=0)
    text = [
        f"Target: {part.length} of {dataset.n_train:,} images, {part.budget:g} full-run "
        f"equivalents a search, {n_shown} of {times(settings.repeats)} shown. Every sample "
        "trained is charged, probes included, and those borrowed from another search too.",
        summary,
    ]
    figures = [_budget_figure(searches)]
    tables = [Table(table.HEADER, table.lines(searches))]

    if settings.others:
        # The figures of the law show losses as a function of the learning rate alone.
        text.append(_SEVERAL.format(names=", ".join(settings.search)))
        header = ("sampler", "repeat", "best loss", *settings.search)
        tables.append(Table(header, table.best(searches, settings.search)))
    elif part.schedule == CONSTANT:
        figures += _law_figures(part, searches, dataset.n_train)
        text.append(_CURVES)
    else:
        figures += _transfer_figures(part, searches, dataset.n_train)

    return Section(f"{part.schedule.capitalize()} rate", text, figures, tables)


def _budget_figure(searches: _Searches) -> Figure:
    trajectories = {}
    for name, repeats in searches.items():
        trajectories[name] = [search.trajectory for search in repeats]

    return plot_budget(trajectories, reference=baseline_loss(searches))


def _law_figures(part: Part, searches: _Searches, epoch: int) -> list[Figure]:
    """Loss against lr of all runs, the law from them, and the law that a search started from."""
    if not searches:
        return []

    tables = []
    truth = []
    target = part.epochs * epoch
    for name, repeats in searches.items():
        for search in repeats:
            tables.append(search.runs)
            if search.params:
                truth.append((float(target), search.lr, _label(name, search)))

    runs = RunTable.concatenate(tables)
    any_search = next(iter(searches.values()))[0]
    law = fit(runs, prior=any_search.prior)
    figures = [plot_lr_curves(runs, law=law), plot_law(law)]

    kappa_searches = searches.get("kappa", [])
    if kappa_searches and kappa_searches[0].law.optima:
        first_law = kappa_searches[0].law
        figures.append(plot_law(first_law, targets=[(target, part.schedule)], truth=truth))
    return figures


def _transfer_figures(part: Part, searches: _Searches, epoch: int) -> list[Figure]:
    """What the law of each repeat expected, against what each sampler found."""
    points = []
    for name, repeats in searches.items():
        # Where no kappa search ran, nothing was expected.
        for search, kappa in zip(repeats, searches.get("kappa", []), strict=False):
            point = _transfer_point(name, search, kappa, part, epoch)
            if point is not None:
                points.append(point)

    return [plot_transfer(points)] if points else []


def _transfer_point(
    name: str, search: Found, kappa: Found, part: Part, epoch: int
) -> TransferPoint | None:
    """What a search found, against what the kappa search of its repeat expected."""
    expected = proposal(kappa, epoch)
    if expected is None:
        return None

    # Equal kappa under both schedules: lr * mean of the schedule = lr at constant rate.
    horizon = part.epochs * epoch
    mean = as_schedule(part.schedule).resolve(horizon).mean
    constant = kappa.law.propose(horizon, CONSTANT)
    return TransferPoint(
        label=_label(name, search),
        sampler=name,
        expected=expected.lr,
        low=expected.low,
        high=expected.high,
        kappa_invariant=constant.lr / mean,
        found=search.lr,
    )


def _label(name: str, search: Found) -> str:
    return f"{name}, repeat {search.job.repeat + 1}"


def _facts(settings: Settings, dataset: Dataset) -> dict[str, str]:
    model = _MODEL.format(
        n_inputs=dataset.n_inputs,
        hidden="hidden" if "hidden" in settings.others else "256",
        batch="" if "batch_size" in settings.others else "batch 64, ",
        optimizer=settings.optimizer,
    )
    ranges = {"Learning rates": settings.lr_range}
    for name in settings.others:
        ranges[name.replace("_", " ").capitalize()] = OTHERS[name]

    facts = {"Data": dataset.source, "Model": model}
    for name, (low, high) in ranges.items():
        facts[name] = f"{low:g} to {high:g}"

    last_seed = settings.seed + settings.repeats - 1
    versions = [f"{name} {version(name)}" for name in _PACKAGES]
    versions.append(f"Python {platform.python_version()}")
    facts["Samplers"] = ", ".join(settings.samplers)
    facts["Seeds"] = f"{settings.seed} to {last_seed}"
    facts["Versions"] = ", ".join(versions)
    return facts
