"""The loss law's formula, as arrays that are made once a curve and used for many parameters.

`optuna_kappa.psi.loss_law` states the law and its symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optuna_kappa._typing import Bools, Floats
from optuna_kappa.psi.curve import Curve

PARAMETERS = (
    "floor",
    "log_a",
    "log_alpha",
    "log_b",
    "log_c",
    "gamma",
    "log_beta",
    "log_clock",
    "log_delta",
)
"""L0, ln A, ln alpha, ln B, ln C, gamma, ln beta, ln q, ln delta."""

_LARGEST_LOG = 200.0  # of a factor: the product of three is still a float (ln 1.8e308 is 709)

_LARGEST_LOG_POWER = 3.0  # of q and delta: a thousandth of a rate to this power is still a float


@dataclass(frozen=True, eq=False)
class Terms:
    """What the law needs to know of a curve, in the law's own units of rate and kappa.

    Args:
        start: Data up to the first record, of which the rate rose over `warmup`, in K / E.
        warmup: See above, in K / E.
        log_mean: ln of the mean rate between two records, over E, shape (n - 1,).
        data: Data between two records, in K / E, shape (n - 1,).
        rate: Rate at each record over E, shape (n,).
        jump: Whether the rate jumps after a record, shape (n - 1,).
    """

    start: float
    warmup: float
    log_mean: Floats
    data: Floats
    rate: Floats
    jump: Bools

    @classmethod
    def of(cls, curve: Curve, rate_unit: float, kappa_unit: float) -> Terms:
        """Terms of a curve, for units E and K.

        Example:
            >>> curve = Curve("a", [10, 20], [0.1, 0.1], [3, 2.5], warmup=0)
            >>> Terms.of(curve, 0.1, 2.0).data.tolist()
            [0.5]
        """
        unit = kappa_unit / rate_unit
        warmup = curve.step[0] if curve.warmup is None else curve.warmup
        rate = curve.rate / rate_unit
        mean = np.where(curve.jumps, rate[:-1], (rate[1:] + rate[:-1]) / 2)
        return cls(
            start=float(curve.step[0]) / unit,
            warmup=float(warmup) / unit,
            log_mean=np.log(mean),
            data=np.diff(curve.step) / unit,
            rate=rate,
            jump=curve.jumps,
        )

    def loss(self, values: Floats, at: slice | Bools = slice(None)) -> Floats:
        """Loss at each record for parameters in the order of `PARAMETERS`.

        Args:
            values: Parameters, shape (9,).
            at: Records of which the loss is wanted; by default all.

        Example:
            >>> curve = Curve("a", [10, 20], [0.1, 0.1], [3, 2.5], warmup=0)
            >>> values = np.array([2, 0, 0, 0, 0, 0.5, 0, 0, 0])
            >>> Terms.of(curve, 0.1, 2.0).loss(values).tolist()
            [4.0, 3.0]
        """
        floor, log_a, log_alpha, log_b, log_c, gamma, log_beta, log_clock, log_delta = values
        tau = self._clock(_power(log_clock))
        progress = _exp(log_a - _exp(log_alpha) * np.log(tau[at]))

        where = np.where(self.jump, tau[1:], (tau[1:] + tau[:-1]) / 2)
        level = self.rate ** _power(log_delta)
        fall = -np.diff(level)
        changed = fall != 0

        since = np.maximum(tau[at, None] - where[changed], 0)
        speed = _exp(log_c - gamma * np.log(self.rate[1:][changed]))
        left = _exp(-_exp(log_beta) * np.log1p(speed * since))
        gone = 1 - level[0] + (1 - left) @ fall[changed]
        return np.asarray(floor + progress - _exp(log_b) * gone, dtype=float)

    def _clock(self, power: float) -> Floats:
        """Integral of (rate / E)^q over the data up to each record."""
        first = self.rate[0] ** power * (self.start - self.warmup * power / (1 + power))
        since = np.cumsum(np.exp(power * self.log_mean) * self.data)
        return np.asarray(np.concatenate([[first], first + since]))


def _power(log_power: float) -> float:
    return float(np.exp(np.clip(log_power, -_LARGEST_LOG_POWER, _LARGEST_LOG_POWER)))


def _exp(value: Floats | float) -> Floats:
    # Draws and trial steps of a fit go far into the tails, where exp would overflow.
    return np.asarray(np.exp(np.clip(value, -_LARGEST_LOG, _LARGEST_LOG)), dtype=float)
