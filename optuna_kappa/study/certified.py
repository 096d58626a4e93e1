"""Stops a search once its recommendation is good enough, with a probability that is stated."""

from __future__ import annotations

import logging

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_kappa._validation import POSITIVE, Interval
from optuna_kappa.study.outlook import GOOD, certainty

_logger = logging.getLogger(__name__)
_PROBABILITY = Interval(0, 1, "()")


class Certified:
    """A callback of `study.optimize`: stops once the recommended lr is likely to be good enough.

    The regret of a learning rate is the expected loss of a full run over that of the best rate,
    minus 1. The search stops when the probability that the recommended rate has at most this
    regret is reached. This may be before the first full run: then `KappaSampler.recommend` has an
    answer, and `study.best_trial` has none. `docs/certainty.md` has how often the probabilities
    hold.

    With several workers, each stops after its trial.

    Args:
        probability: Probability to be reached, between 0 and 1.
        regret: Regret that is good enough, such as 0.02 for 2 %.

    Raises:
        ValueError: A number is not allowed.

    Example:
        >>> import math
        >>> import optuna
        >>> from optuna_kappa import Certified, KappaPruner, KappaSampler
        >>> def objective(trial):
        ...     lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        ...     for epoch in range(1, 25):
        ...         loss = epoch**-0.3 * math.cosh(0.8 * math.log(lr * epoch / 0.01))
        ...         trial.report(loss, step=epoch)
        ...         if trial.should_prune():
        ...             raise optuna.TrialPruned()
        ...     return loss
        >>> sampler = KappaSampler(horizon=24, seed=0)
        >>> study = optuna.create_study(sampler=sampler, pruner=KappaPruner())
        >>> certified = Certified(probability=0.9, regret=0.02)
        >>> study.optimize(objective, n_trials=100, callbacks=[certified])
        >>> len(study.trials) < 100
        True
    """

    def __init__(self, probability: float = 0.9, regret: float = GOOD) -> None:
        meaning = "it is the probability at which the search stops"
        self.probability = _PROBABILITY.check("probability", probability, meaning)
        meaning = "it is a part of the least loss, such as 0.02 for 2 %"
        self.regret = POSITIVE.check("regret", regret, meaning)

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """Stop the study if the probability is reached.

        Raises:
            ValueError: The study's sampler is no `KappaSampler`.
        """
        now = self.reached(study)
        if now is None:
            return

        _logger.info(
            "the recommended learning rate is within %.3g %% of the best with probability %.2f",
            100 * self.regret,
            now,
        )
        study.stop()

    def reached(self, study: Study) -> float | None:
        """The probability that the recommendation is good enough; None if it is too small.

        Example:
            >>> import optuna
            >>> from optuna_kappa import Certified, KappaSampler
            >>> Certified().reached(optuna.create_study(sampler=KappaSampler(24))) is None
            True
        """
        now = certainty(study)
        if now is None:
            return None

        probability = now.within(self.regret)
        return probability if probability >= self.probability else None
