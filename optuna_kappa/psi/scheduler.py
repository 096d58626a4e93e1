"""A scheduler that sets the rates of a torch optimizer by a Psi. It needs no torch itself.

The rate at each step is that of the open loop times a factor e^f. Each loss that is given is
compared with the one that the law expects at that step:

    x      ln(loss / expected), averaged over the last steps; a noisy loss hardly moves it
    news   x without what the law is off by anyway (its scatter)
    f      follows ln(Psi(expected * e^news) / open loop) slowly

So the rate is smooth, whatever the losses are. f goes back to 0, the open loop, where the loss
leaves what the table has. A loss that is missing, NaN or infinite changes neither x nor f.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, SupportsFloat

import numpy as np

from optuna_kappa._validation import (
    POSITIVE,
    Interval,
    as_float,
    check_count,
    check_items,
    check_mapping,
    shown,
)

if TYPE_CHECKING:
    from optuna_kappa.psi.psi import Psi

_AVERAGED = 0.02  # part of the run over which losses are averaged
_FOLLOWED = 0.05  # ... and within which the rate follows
_LARGEST = 1.0  # of ln(loss / expected): spikes count as this
_FORMAT = "optuna-kappa psi scheduler 1"
_STATE = ("format", "step", "n_steps", "horizon", "last", "n_losses", "deviation", "factor")


class TorchOptimizer(Protocol):
    """What the scheduler needs of an optimizer."""

    param_groups: list[dict[str, Any]]


class PsiScheduler:
    """Sets the rates of an optimizer; `Psi.scheduler` makes it.

    Groups of parameters that have other rates than the first keep their ratio to it.

    Args:
        optimizer: Torch optimizer, or anything that has `param_groups`.
        psi: The rates.
        n_steps: Calls of `step` in the whole run. Later calls keep the last rate.
        horizon: Data of the whole run, within the table of psi.

    Raises:
        ValueError: If n_steps is not an int of at least 1, or the optimizer has no rates.

    Example:
        >>> from optuna_kappa.psi import LossLaw, Psi
        >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
        >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 10.0, 0.001, 0.001)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=1.0)  # doctest: +SKIP
        >>> scheduler = Psi.from_law(law, 100).scheduler(optimizer, 1000)  # doctest: +SKIP
        >>> scheduler.step(loss)  # doctest: +SKIP
    """

    def __init__(
        self, optimizer: TorchOptimizer, psi: Psi, n_steps: int, horizon: float | None = None
    ) -> None:
        self.optimizer = optimizer
        self.psi = psi
        self.n_steps = check_count("n_steps", n_steps, "it is the calls of step in the whole run")
        self.horizon = psi.horizon if horizon is None else horizon
        self._schedule = psi.open_loop(self.horizon)
        self._peak = psi.peak_lr(self.horizon)

        groups = getattr(optimizer, "param_groups", None)
        if not isinstance(groups, list) or not groups:
            raise ValueError(
                f"optimizer must be a torch optimizer, got {shown(optimizer)}: it has "
                "param_groups."
            )
        rates = [
            POSITIVE.check("lr", group.get("lr"), "it is that of a group") for group in groups
        ]
        self._ratios = [rate / rates[0] for rate in rates]

        self._step = 0
        self._last = 0  # step of the last loss
        self._n_losses = 0
        self._deviation = 0.0
        self._factor = 0.0
        self._set_rates()

    def step(self, loss: SupportsFloat | None = None) -> None:
        """Go on to the next step; call it after that of the optimizer.

        Args:
            loss: Loss now, of the kind that the law was fitted to: a number, a tensor of one, or
                None where it is not known.

        Raises:
            ValueError: If the loss is something else.
        """
        number = _as_loss(loss)
        self._step = min(self._step + 1, self.n_steps)
        if number is not None:
            self._learn(number)
        self._set_rates()

    def get_last_lr(self) -> list[float]:
        """Rates of the groups, as they are set now."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All that changes from step to step, as plain numbers; the Psi is a file of its own."""
        return {
            "format": _FORMAT,
            "step": self._step,
            "n_steps": self.n_steps,
            "horizon": self.horizon,
            "last": self._last,
            "n_losses": self._n_losses,
            "deviation": self._deviation,
            "factor": self._factor,
            "ratios": list(self._ratios),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, with the rates that the run had there.

        Args:
            state: What `state_dict` returned, of a scheduler with the same Psi and n_steps.

        Raises:
            ValueError: If it is something else, or of a run of another length. Nothing is changed.
        """
        remedy = "give what state_dict returned"
        given = check_mapping("state", state, remedy)
        if given.get("format") != _FORMAT or set(given) != {*_STATE, "ratios"}:
            raise ValueError(
                f"state must be that of a PsiScheduler, got {shown(state)}: {remedy}."
            )
        for name in ("n_steps", "horizon"):
            if given[name] != getattr(self, name):
                raise ValueError(
                    f"{name} must be {getattr(self, name)}, got {shown(given[name])}: the state "
                    "is of a run of another length."
                )

        step = check_count("step", given["step"], remedy, least=0, most=self.n_steps)
        last = check_count("last", given["last"], remedy, least=0, most=step)
        n_losses = check_count("n_losses", given["n_losses"], remedy, least=0)
        allowed = Interval(-1e3, 1e3)
        deviation = allowed.check("deviation", given["deviation"], remedy)
        factor = allowed.check("factor", given["factor"], remedy)
        ratios = check_items("ratios", given["ratios"], float, remedy)
        if len(ratios) != len(self._ratios):
            raise ValueError(
                f"ratios must be {len(self._ratios)} numbers, got {shown(ratios)}: the state is "
                "of an optimizer with other groups."
            )

        self._step, self._last, self._n_losses = step, last, n_losses
        self._deviation, self._factor = deviation, factor
        self._ratios = [POSITIVE.check("each of ratios", one, remedy) for one in ratios]
        self._set_rates()

    def _learn(self, loss: float) -> None:
        """Move the factor by what a loss tells."""
        progress = self._step / self.n_steps
        expected = self.psi.expected_loss(progress, self.horizon)
        deviation = float(np.clip(math.log(loss / expected), -_LARGEST, _LARGEST))

        since = (self._step - self._last) / self.n_steps
        self._last = self._step
        self._n_losses += 1
        # The first losses are averaged with equal weights.
        weight = max(1 / self._n_losses, -math.expm1(-since / _AVERAGED))
        self._deviation += weight * (deviation - self._deviation)

        beyond = max(abs(self._deviation) - self.psi.scatter, 0.0)
        believed = expected * math.exp(math.copysign(beyond, self._deviation))
        low, high = self.psi.seen(progress, self.horizon)
        target = 0.0
        if low <= believed <= high:
            usual = self.psi(expected, progress, self.horizon)
            target = math.log(self.psi(believed, progress, self.horizon) / usual)
        self._factor += -math.expm1(-since / _FOLLOWED) * (target - self._factor)

    def _set_rates(self) -> None:
        # The middle of the step, as in Schedule.factors.
        middle = min((self._step + 0.5) / self.n_steps, 1.0)
        rate = self._peak * self._schedule(middle)
        if middle * self.horizon > self.psi.warmup:
            rate *= math.exp(self._factor)
            rate = min(max(rate, self.psi.rate_low), self.psi.rate_high)
        for group, ratio in zip(self.optimizer.param_groups, self._ratios, strict=True):
            group["lr"] = rate * ratio


def _as_loss(loss: SupportsFloat | None) -> float | None:
    """The loss as a float, or None if it tells nothing."""
    if loss is None:
        return None
    # A tensor has `item`, which does not mind that it is part of a graph.
    value = loss.item() if hasattr(loss, "item") else loss
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(
            f"loss must be a number or None, got {shown(loss)}: give that of the batch."
        )
    number = as_float(value)
    return number if math.isfinite(number) and number > 0 else None
