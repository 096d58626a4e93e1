"""The studies that the gallery shows: small searches, replayed on recorded runs of MNIST.

Adam is searched for runs of 24 epochs at a constant rate, by `KappaSampler` and by TPE, and for
runs of 16 epochs with a cosine schedule, starting from the first search. A trial replays a
recorded run, so the studies are made in seconds and are the same each time.
"""

from __future__ import annotations

from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import Trial

from optuna_kappa import KappaPruner, KappaSampler, horizon, read_csv
from studies.recorded import FOLDER
from studies.replay.objective import LR, Objective
from studies.replay.search import rng_of
from studies.replay.table import prepare

_SEED = 1
_EPOCHS = 24  # of a constant-rate run
_COSINE_EPOCHS = 16
_N_TRIALS = 24
_N_TPE = 16
_HALF_WAY = 8  # trials of the search that is shown in progress


def gallery_studies() -> dict[str, Study]:
    """The studies by the name that the code of the gallery gives them.

    Raises:
        ValueError: A recorded table cannot be read.

    Example:
        >>> studies = gallery_studies()
        >>> len(studies["study"].trials)
        24
    """
    constant = _objective("adam-constant", _EPOCHS)
    study = _search("kappa", constant, _kappa(constant), _N_TRIALS)
    tpe = _search("TPE", constant, TPESampler(seed=_SEED), _N_TPE)

    cosine = _objective("adam-cosine", _COSINE_EPOCHS)
    from_constant = KappaSampler(
        horizon=round(cosine.horizon),
        schedule=cosine.schedule,
        sources=[study],
        n_probes=8,
        seed=_SEED,
    )
    cosine_study = _search("kappa, cosine", cosine, from_constant, _N_TPE)

    half_way = optuna.create_study(
        study_name="kappa", sampler=_kappa(constant), pruner=KappaPruner()
    )
    half_way.add_trials(study.trials[:_HALF_WAY])
    return {
        "study": study,
        "tpe_study": tpe,
        "cosine_study": cosine_study,
        "half_way": half_way,
    }


def _objective(table: str, epochs: int) -> Objective:
    """A recorded table as an objective; steps are samples."""
    runs = read_csv(FOLDER / f"{table}.csv.gz")
    return prepare(runs, None, float(epochs)).objective


def _kappa(objective: Objective) -> KappaSampler:
    return KappaSampler(round(objective.horizon), schedule=objective.schedule, seed=_SEED)


def _search(name: str, objective: Objective, sampler: BaseSampler, n_trials: int) -> Study:
    study = optuna.create_study(study_name=name, sampler=sampler, pruner=KappaPruner())
    study.optimize(_replayed(objective), n_trials=n_trials)
    return study


def _replayed(objective: Objective) -> Callable[[Trial], float]:
    """An Optuna objective that reports what a recorded run did."""
    lr_range = objective.space[LR]
    full = round(objective.horizon)

    def train(trial: Trial) -> float:
        lr = trial.suggest_float(LR, lr_range.low, lr_range.high, log=True)  # type: ignore[attr-defined]
        planned = horizon(trial, default=full)
        rng = rng_of(_SEED, trial.number)
        curve = objective.curve({LR: lr}, planned, rng)

        loss = float("nan")
        for step, recorded in zip(curve.steps.tolist(), curve.losses.tolist(), strict=True):
            loss = recorded
            trial.report(loss, round(step))
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss

    return train
