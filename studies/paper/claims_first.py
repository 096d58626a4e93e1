"""Figures 1 to 4: the first, rough optima, on all 60,000 images and on half of them."""

from __future__ import annotations

from studies.charts import PAPER
from studies.paper import published
from studies.paper.charts import loss_chart
from studies.paper.claims import Item
from studies.paper.curves import Archive, Curves
from studies.paper.estimate import difference
from studies.paper.optima import excess, optimum
from studies.paper.verdicts import Verdict, of_rate
from studies.paper.wording import percent, rate, ratio

_TEST = (
    "All 60,000 images are trained on, so that none are left for validation: the optimum is that "
    "of the test loss, as in the paper. The paper's number is read off a coarse figure, by eye."
)
_LOOSE = {
    Verdict.HOLDS: "The paper's rate and ours agree.",
    Verdict.PART: "The paper's rate is of the right order, but not ours.",
    Verdict.FAILS: "The paper's rate is not ours.",
    Verdict.UNKNOWN: "Only a narrower interval could tell whether the two agree.",
}


def items(archive: Archive) -> list[Item]:
    """Figures 1 to 4."""
    sizes = archive.sizes("adam-full-test")
    full = archive.curves("adam-full-test", n_train=max(sizes)[0])
    rows = (
        ("figure-1", 10, published.FULL_10, "right under 0.001"),
        ("figure-2", 5, published.FULL_5, "about 0.001"),
        ("figure-3", 1, published.FULL_1, "about 0.003"),
    )
    return [*(_full(full, *row) for row in rows), _half(archive, full)]


def _full(curves: Curves, key: str, n_epochs: int, claim: float, words: str) -> Item:
    step = n_epochs * curves.n_train
    found, above = optimum(curves, step), excess(curves, step, claim)
    verdict = of_rate(claim, found)
    epochs = "1 epoch" if n_epochs == 1 else f"{n_epochs} epochs"
    title = f"Adam, {curves.n_train:,} images, {epochs}"
    return Item(
        key=key,
        title=title,
        paper=f"best lr {words}",
        ours=f"best lr {rate(found)}",
        verdict=verdict,
        reading=f"{_LOOSE[verdict]} Training at {claim:g} ends {percent(above)} above the least "
        "loss of our curve.",
        limits=_TEST,
        chart=loss_chart(title, curves, step, "test", {"paper's optimum": (claim, PAPER)}),
    )


def _half(archive: Archive, full: Curves) -> Item:
    """Ten epochs of half of the images against five of all."""
    half = archive.curves("adam-constant-test")
    n_epochs = 10
    step = n_epochs * half.n_train
    found, whole = optimum(half, step), optimum(full, step)
    apart = difference(found, whole)
    twice = difference(whole, optimum(full, 2 * step))
    title = f"Adam, {half.n_train:,} images, {n_epochs} epochs"
    return Item(
        key="figure-4",
        title=title,
        paper="best lr identical to figure 2's, at the same total data: ratio 1",
        ours=f"best lr {rate(found)}, {ratio(apart)} times that of figure 2",
        verdict=of_rate(1.0, apart),
        reading="The same total data, as 10 epochs of half of the images rather than 5 of all. "
        f"Twice the data (figure 1) divides the optimum by {ratio(twice)}; the paper reads "
        "nearly the same rate off its figures 1 and 2, where its own law says half of it.",
        limits="Test losses, as for figures 1 to 3. One pair of sizes: figure 7 has more.",
        chart=loss_chart(
            title, half, step, "test", {"paper's optimum": (published.FULL_5, PAPER)}
        ),
    )
