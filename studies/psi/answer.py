"""The answer to the question that Psi comes from, in its own words, from what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from studies.mnist.training import OptimizerName
from studies.psi.cells import OPEN, Trained
from studies.psi.labels import METHODS
from studies.psi.labels import OPTIMIZERS as NAMES
from studies.psi.measures import PLAIN, Results

_TASKS = {
    "narrow": "a network of 32 hidden units instead of 256 (H)",
    "noisy": "a fifth of the training labels drawn at random (D)",
}
_HELD = 0.98  # of the peak; the rate has begun to fall below it


def answer(results: Mapping[OptimizerName, Results]) -> Iterator[str]:
    """Yield the lines of the answer.

    Args:
        results: Results by optimizer.
    """
    yield "**Is there a Psi for a problem, and a closed form of it?**"
    yield ""
    for optimizer, result in results.items():
        yield from _one_psi(NAMES[optimizer], result.runs[OPEN])
    yield ""
    yield (
        "**Does one carry over?** The Psi of the usual task beside one from probes of the task "
        "itself, for the same price less the probes:"
    )
    yield ""
    for optimizer, result in results.items():
        yield from _carried(NAMES[optimizer], result)
    yield _between(results)
    yield ""
    yield "**Is it worth it?** Changes are of the test loss at the end, medians over seeds."
    yield ""
    for optimizer, result in results.items():
        yield from _worth(NAMES[optimizer], result)


def _between(results: Mapping[OptimizerName, Results]) -> str:
    """How far the peaks of two optimizers are apart."""
    peaks = [result.tuned[OPEN].peak for result in results.values()]
    return (
        f"- Between the optimizers: the median peaks differ by a factor of "
        f"{max(peaks) / min(peaks):.2g}, so that a rate of one says nothing of the other."
    )


def _one_psi(name: str, runs: Sequence[Trained]) -> Iterator[str]:
    """How much Psi differs between the probes of several seeds, and how good its formula is."""
    fitted = [run for run in runs if math.isfinite(run.lr)]
    peaks = [run.lr for run in fitted]
    held = [_held(run) for run in fitted]
    yield (
        f"- {name}: probes of {len(fitted)} seeds give peaks of {min(peaks):.2g} to "
        f"{max(peaks):.2g} (median {np.median(peaks):.2g}), held for {100 * min(held):.0f} to "
        f"{100 * max(held):.0f} % of the run."
    )
    formulas = [run.formula for run in runs if run.formula]
    if formulas:
        a, b, c, lowest, fit = np.median(formulas, axis=0)
        fits = [formula[-1] for formula in formulas]
        yield (
            f"  The closed form is alpha = a (loss - l)^b r^c, in the median with a = {a:.2g}, "
            f"b = {b:.2f}, c = {c:.2f}, l = {lowest:.2g}; it explains {100 * min(fits):.0f} to "
            f"{100 * max(fits):.0f} % of the table (median {100 * fit:.0f} %)."
        )


def _carried(name: str, result: Results) -> Iterator[str]:
    for task, pair in result.carried.items():
        peak = result.tuned[OPEN].peak
        yield (
            f"- {name}, {_TASKS[task]}: {_change(pair.above)} in the median, better in "
            f"{100 * pair.better:.0f} % of the seeds (median peak {peak:.2g}, that of probes made "
            f"there {result.peaks[task]:.2g})."
        )


def _worth(name: str, result: Results) -> Iterator[str]:
    plain = min(PLAIN, key=lambda method: result.tuned[method].loss.median)
    best = min(result.tuned, key=lambda method: result.tuned[method].loss.median)
    ours = result.open_beside[plain]
    closed = result.closed_beside[OPEN]
    yield (
        f"- {name}: Psi's open loop ends {_change(ours.above)} beside the best of the schedules "
        f"tuned with the same data ({METHODS[plain]}), and is better in {100 * ours.better:.0f} % "
        f"of the seeds. The lowest of all methods is {METHODS[best]}."
    )
    yield (
        f"  To follow the loss (closed loop) changes that by {_change(closed.above)}, and is "
        f"better in {100 * closed.better:.0f} % of the seeds. Beside the rules that react, it "
        f"ends {_reactive(result)}."
    )


def _reactive(result: Results) -> str:
    parts = []
    for method in ("plateau", "greedy"):
        pair = result.closed_beside[method]
        parts.append(f"{_change(pair.above)} beside {METHODS[method]}")
    return " and ".join(parts)


def _held(run: Trained) -> float:
    """Part of the run for which the rate is held, in steps of a look."""
    falls = [number for number, rate in enumerate(run.rates) if rate < _HELD * run.lr]
    return (falls[0] if falls else len(run.rates)) / max(1, len(run.rates))


def _change(above: float) -> str:
    return f"{100 * above:+.1f} %" if math.isfinite(above) else "diverged"
