"""How far a search has come, in a few lines: what runs, what it has cost, the best, the law."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Sequence

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa._validation import one_line
from optuna_kappa.launch.cursor import cut, width_of
from optuna_kappa.launch.limits import Limits, n_trials
from optuna_kappa.study.lr_names import LrName
from optuna_kappa.study.plans import horizon, kind_of
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.summary import Best, Recommendation, counts, recommendation
from optuna_kappa.study.trials import lr_of

KINDS = {
    "probe": "probe",
    "law": "full run, by the law",
    "base": "full run, by the base sampler",
    "cover": "full run, to cover the range",
    "enqueued": "full run, enqueued",
}
"""What a trial is, by the kind of its plan."""

_OTHERS = 4  # lines of the block that are not about a running trial


class Overview:
    """Puts a search into words.

    Args:
        study: The study.
        sampler: Its sampler.
        lr: Name of its learning-rate parameter.
        limits: When it ends.

    Example:
        >>> import optuna
        >>> sampler = KappaSampler(24)
        >>> study = optuna.create_study(study_name="mine", sampler=sampler)
        >>> for line in Overview(study, sampler, "lr", Limits(budget=10.0)).lines([], 40, 24):
        ...     print(line)
        -- mine --------------------------------
        planning a trial
        0 of 10 full runs spent, 0 s so far
        best: no full run yet
        law: too few trials yet
    """

    def __init__(self, study: Study, sampler: KappaSampler, lr: LrName, limits: Limits) -> None:
        """Begin to measure time."""
        self._study = study
        self._sampler = sampler
        self._lr = lr
        self._limits = limits
        self._began = time.monotonic()
        self._spent_before = counts(study, sampler).spent
        self._found: tuple[int, Recommendation | None] = (-1, None)

    @property
    def spent(self) -> str:
        """What has been spent so far and how long the rest may take, as far as that is known."""
        return "".join(self._spent_parts(counts(self._study, self._sampler).spent))

    def lines(self, running: Collection[int], width: int, height: int) -> list[str]:
        """The search in lines of at most `width` columns, `height` of them.

        Args:
            running: Numbers of the trials that run.
            width: Columns of a line.
            height: Number of lines; all that is not about running trials is shown in any case.
        """
        trials = self._study.get_trials(deepcopy=False)
        counted = counts(self._study, self._sampler)
        found = self._recommendation(trials)

        lines = self._running([trials[number] for number in sorted(running)], height - _OTHERS)
        lines.append([*self._spent_parts(counted.spent), *self._limits_parts(found)])
        lines.append(_best(counted.best))
        lines.append(_law(found))
        return [self._title(width), *(fitted(parts, width) for parts in lines)]

    def _title(self, width: int) -> str:
        """The name of the study in a rule, which parts the block from what is printed above."""
        start = cut(f"-- {one_line(self._study.study_name)} ", width)
        return start + "-" * (width - width_of(start))

    def _running(self, trials: Sequence[FrozenTrial], most: int) -> list[list[str]]:
        if not trials:
            return [["planning a trial"]]

        n_shown = len(trials) if len(trials) <= most else max(1, most - 1)
        lines = [_running(trial, lr_of(trial, self._lr)) for trial in trials[:n_shown]]
        if n_shown < len(trials):
            lines.append([f"and {len(trials) - n_shown} more trials"])
        return lines

    def _spent_parts(self, spent: float) -> list[str]:
        budget = self._limits.budget
        of = "" if budget is None else f" of {budget:g}"
        parts = [f"{spent:.3g}{of} full runs spent"]
        seconds = self._seconds_left(spent)
        if math.isfinite(seconds):
            parts.append(f", about {duration(seconds)} left")
        return parts

    def _limits_parts(self, found: Recommendation | None) -> list[str]:
        """What there is to say of the limits besides the budget."""
        parts = [f", {duration(time.monotonic() - self._began)} so far"]
        if self._limits.trials is not None:
            parts.append(f", {n_trials(self._study)} of {self._limits.trials} trials")

        certified = self._limits.certified
        if certified is not None and found is not None and found.certainty is not None:
            sure = 100 * found.certainty.within(certified.regret)
            parts.append(f", {sure:.0f} of {100 * certified.probability:g} % sure")
        return parts

    def _seconds_left(self, spent: float) -> float:
        """Seconds until a limit is reached, at the speed so far; infinite if unknown."""
        left = math.inf
        if self._limits.seconds is not None:
            until = self._limits.started + self._limits.seconds
            left = max(0.0, until - time.monotonic())

        since = spent - self._spent_before
        cost = self._limits.cost_left(self._study, self._sampler)
        if since > 0 and cost:
            left = min(left, (time.monotonic() - self._began) / since * cost)
        return left

    def _recommendation(self, trials: Sequence[FrozenTrial]) -> Recommendation | None:
        """What the finished trials recommend; looked for again when another one has finished."""
        n_finished = sum(trial.state.is_finished() for trial in trials)
        if self._found[0] != n_finished:
            try:
                found: Recommendation | None = recommendation(self._study, self._sampler)
            except ValueError:  # too few trials have told something
                found = None
            self._found = n_finished, found
        return self._found[1]


def fitted(parts: Sequence[str], width: int) -> str:
    """The first parts of a line that fit into a width; the first one in any case.

    Example:
        >>> fitted(["2.5 full runs spent", ", about 3 min left"], width=30)
        '2.5 full runs spent'
    """
    line = parts[0]
    for part in parts[1:]:
        if width_of(line + part) > width:
            break
        line += part
    return line


def steps(n: int) -> str:
    """A number of steps.

    Example:
        >>> steps(1), steps(24)
        ('1 step', '24 steps')
    """
    return "1 step" if n == 1 else f"{n} steps"


def duration(seconds: float) -> str:
    """A time in words.

    Example:
        >>> duration(42), duration(600), duration(7260)
        ('42 s', '10 min', '2 h 1 min')
    """
    if seconds < 100 or not math.isfinite(seconds):
        return f"{seconds:.0f} s"

    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _running(trial: FrozenTrial, lr: float | None) -> list[str]:
    kind, comma, why = KINDS.get(kind_of(trial) or "", "full run").partition(",")
    planned = horizon(trial, default=0)
    parts = [f"trial {trial.number}: {kind}" + (f" of {steps(planned)}" if planned else "")]
    if lr is not None:
        parts.append(f", lr {lr:.3g}")
    if trial.last_step is not None:
        parts.append(f", step {trial.last_step}: {trial.intermediate_values[trial.last_step]:.4g}")
    return [*parts, comma + why]


def _best(best: Best | None) -> list[str]:
    if best is None:
        return ["best: no full run yet"]
    lr = "" if best.lr is None else f", lr {best.lr:.3g}"
    return [f"best: {best.value:.4g}", lr, f", trial {best.trial}"]


def _law(found: Recommendation | None) -> list[str]:
    if found is None:
        return ["law: too few trials yet"]

    parts = [f"law: {found.verdict.word}, full runs at lr {found.lr:.3g}"]
    parts.append(f" ({found.low:.2g} to {found.high:.2g})")
    if found.law.optima:
        parts.append(f", lr ~ horizon^{-found.law.slope[0]:.2f}")
    return parts
