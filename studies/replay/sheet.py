"""Arrange recorded runs of one horizon as an array over seeds, learning rates and steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from optuna_kappa._typing import Floats
from optuna_kappa.runs import RunTable

MIN_LRS = 4  # fewer learning rates make no curve


class Sheet:
    """All recorded runs of one horizon, as losses over seeds, learning rates and steps.

    Attributes:
        steps: Steps at which losses are known, shape `(n_steps,)`, ascending.
        lr: Learning rates, shape `(n_lrs,)`, ascending.
        ln_lr: Their logarithms.
        known: Whether a seed has a run of a learning rate, shape `(n_seeds, n_lrs)`.
        loss: Losses, shape `(n_seeds, n_lrs, n_steps)`; NaN where a run has none.
    """

    def __init__(
        self,
        runs: RunTable,
        seeds: Mapping[str, str],
        steps: Floats,
    ) -> None:
        """Arrange the runs. Seeds with too few learning rates are left out.

        Args:
            runs: Runs of one schedule that reach the last step.
            seeds: Label of the seed of each run.
            steps: Steps at which losses are wanted, ascending, above 0.
        """
        lrs, columns = np.unique(runs.lr, return_inverse=True)
        labels = sorted({seeds[run] for run in runs.run})
        shape = (len(labels), len(lrs), len(steps))
        loss = np.full(shape, np.nan)
        known = np.zeros(shape[:2], dtype=bool)

        for rows in runs.by_run():
            first = rows[0]
            label = seeds[str(runs.run[first])]
            place = labels.index(label), columns[first]
            known[place] = True
            loss[place] = _on_steps(
                runs.step[rows],
                runs.loss[rows],
                wanted=steps,
            )

        # A seed with fewer learning rates cannot be interpolated.
        enough = known.sum(axis=1) >= MIN_LRS
        self.steps = steps
        self.lr: Floats = lrs
        self.ln_lr: Floats = np.log(lrs)
        self.loss = loss[enough]
        self.known = known[enough]

    @cached_property
    def logarithmic(self) -> bool:
        """Whether the logarithm of the loss is interpolated: if all losses are positive."""
        finite = self.loss[np.isfinite(self.loss)]
        return bool((finite > 0).all())

    def transformed(self, loss: Floats) -> Floats:
        """Transform losses to the scale on which they are interpolated."""
        return np.asarray(np.log(loss)) if self.logarithmic else loss

    def losses(self, values: Floats) -> Floats:
        """Undo `transformed`."""
        return np.asarray(np.exp(values)) if self.logarithmic else values

    def curve(self, ln_lr: float, seed: int) -> Floats:
        """Losses of a seed at `steps`, transformed; NaN from where the run had diverged.

        A run between two learning rates diverges where the run of the nearer one did.
        """
        seed %= len(self.known)
        columns = np.flatnonzero(self.known[seed])
        distances = np.abs(self.ln_lr[columns] - ln_lr)
        nearest = columns[np.argmin(distances)]
        # The lowest loss so far is NaN from the first NaN on.
        lowest = np.minimum.accumulate(self.loss[seed, nearest])
        diverged = np.isnan(lowest)

        values = np.array(self._interpolators[seed](ln_lr))
        values[diverged] = np.nan
        return values

    def mean(self, columns: slice) -> Floats:
        """Mean loss over seeds and some of the steps at each lr, shape `(n_lrs,)`.

        A run that diverged counts with the largest loss that was seen.

        Args:
            columns: Which of the steps.
        """
        known = self.known[:, :, None]
        losses = self._filled[:, :, columns]
        counted = np.where(known, losses, np.nan)
        return np.asarray(np.nanmean(counted, axis=(0, 2)))

    @cached_property
    def _filled(self) -> Floats:
        """Losses, with the largest one of the step in place of those that are not finite."""
        finite = np.isfinite(self.loss)
        known = np.where(finite, self.loss, np.nan)
        worst = np.nanmax(known, axis=(0, 1))
        filled: Floats = np.where(finite, self.loss, worst)
        return filled

    @cached_property
    def _interpolators(self) -> list[PchipInterpolator]:
        """For each seed, the transformed losses as a function of ln lr."""
        values = self.transformed(self._filled)
        interpolators = []
        for seed, known in enumerate(self.known):
            x = self.ln_lr[known]
            y = values[seed][known]
            curves = PchipInterpolator(x, y, axis=0, extrapolate=True)
            interpolators.append(curves)

        return interpolators


def seeds_of(runs: RunTable) -> dict[str, str]:
    """Label the seed of each run.

    The label is the value of the column `seed`. Without that column, the runs of each learning
    rate and horizon are counted.
    """
    labels, first = np.unique(runs.run, return_index=True)
    seeds: dict[str, str] = {}

    if "seed" in runs.context:
        column = runs.context["seed"]
        for label, row in zip(labels, first, strict=True):
            seeds[str(label)] = str(column[row])
        return seeds

    counts: defaultdict[tuple[float, float], int] = defaultdict(int)
    for row in sorted(first):
        run = str(runs.run[row])
        key = float(runs.lr[row]), float(runs.horizon[row])
        seeds[run] = f"{counts[key]:06d}"
        counts[key] += 1

    return seeds


def _on_steps(step: Floats, loss: Floats, wanted: Floats) -> Floats:
    """Losses of a run at the wanted steps, linear in ln step; NaN from where it diverged."""
    bad = ~np.isfinite(loss)
    diverged = step[bad].min() if bad.any() else np.inf
    fine = ~bad & (step < diverged) & (step > 0)
    if not fine.any():
        return np.full(len(wanted), np.nan)

    known = step[fine]
    values = np.interp(
        np.log(wanted),
        np.log(known),
        loss[fine],
    )

    # A run that diverged has no loss after its last finite report.
    after_last = (wanted > known[-1]) & bad.any()
    return np.where((wanted >= diverged) | after_last, np.nan, values)
