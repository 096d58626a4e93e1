"""Figures 1 to 4: the paper's first rough optima, on all 60,000 images and on half of them."""

from __future__ import annotations

from studies.charts import PAPER
from studies.paper import published
from studies.paper.charts import loss_chart
from studies.paper.claims.item import Item
from studies.paper.curves import Archive, Curves
from studies.paper.estimate import difference
from studies.paper.optima import excess, optimum
from studies.paper.verdicts import Verdict, of_rate
from studies.paper.wording import percent, rate, ratio

_HALF_EPOCHS = 10  # of half of the images, as much data as 5 epochs of all
_LIMITS = (
    "All 60,000 images are used for training, so none are left for validation: the optimum "
    "minimizes the test loss, as in the paper. The paper's number was read off a coarse figure by "
    "eye."
)
_READINGS = {
    Verdict.HOLDS: "The paper's rate and ours agree.",
    Verdict.PART: "The paper's rate has the right order of magnitude, but differs from ours.",
    Verdict.FAILS: "The paper's rate and ours differ.",
    Verdict.UNKNOWN: "Our interval is too wide to tell whether the two agree.",
}


def items(archive: Archive) -> list[Item]:
    """Check figures 1 to 4."""
    sizes = archive.sizes("adam-full-test")
    n_all_images = max(sizes)[0]
    full = archive.curves("adam-full-test", n_train=n_all_images)

    return [
        _all_images(full, "figure-1", 10, published.FULL_10, "right under 0.001"),
        _all_images(full, "figure-2", 5, published.FULL_5, "about 0.001"),
        _all_images(full, "figure-3", 1, published.FULL_1, "about 0.003"),
        _half_of_the_images(archive, full),
    ]


def _all_images(curves: Curves, key: str, n_epochs: int, claim: float, words: str) -> Item:
    """Check the best rate of runs on all images against the one that the paper's text gives."""
    step = n_epochs * curves.n_train
    ln_best = optimum(curves, step)
    loss_excess = excess(curves, step, claim)
    verdict = of_rate(claim, ln_best)

    epochs = "1 epoch" if n_epochs == 1 else f"{n_epochs} epochs"
    title = f"Adam, {curves.n_train:,} images, {epochs}"
    return Item(
        key=key,
        title=title,
        paper=f"best lr {words}",
        ours=f"best lr {rate(ln_best)}",
        verdict=verdict,
        reading=f"{_READINGS[verdict]} Training at {claim:g} ends {percent(loss_excess)} above "
        "the lowest loss of our curve.",
        limits=_LIMITS,
        chart=loss_chart(title, curves, step, "test", {"paper's optimum": (claim, PAPER)}),
    )


def _half_of_the_images(archive: Archive, full: Curves) -> Item:
    """Compare ten epochs of half of the images with five epochs of all."""
    half = archive.curves("adam-constant-test")
    step = _HALF_EPOCHS * half.n_train
    ln_half = optimum(half, step)
    ln_full = optimum(full, step)
    ln_ratio = difference(ln_half, ln_full)
    ln_drop = difference(ln_full, optimum(full, 2 * step))

    title = f"Adam, {half.n_train:,} images, {_HALF_EPOCHS} epochs"
    marks = {"paper's optimum": (published.FULL_5, PAPER)}
    return Item(
        key="figure-4",
        title=title,
        paper="best lr identical to figure 2's, at the same total data: ratio 1",
        ours=f"best lr {rate(ln_half)}, {ratio(ln_ratio)} times that of figure 2",
        verdict=of_rate(1.0, ln_ratio),
        reading="The total data is that of figure 2: 10 epochs of half of the images instead of 5 "
        f"epochs of all. Doubling the data (figure 1) divides the optimum by {ratio(ln_drop)}. "
        "The paper reads nearly the same rate off its figures 1 and 2, although its own law "
        "predicts half of it.",
        limits="Test losses, as for figures 1 to 3. Only one pair of sizes: figure 7 has more.",
        chart=loss_chart(title, half, step, "test", marks),
    )
