"""What a run loses along any schedule of the rate: the Multi-Power Law (arXiv 2503.12811).

    L(tau) = L0 + A tau^-alpha - B (1 - (eta_0 / E)^delta + sum over changes k of d_k G_k)
    tau    = integral of (eta / E)^q over the data, in units of K / E
    d_k    = (eta_before / E)^delta - (eta_k / E)^delta
    G_k    = 1 - (1 + C (eta_k / E)^-gamma (tau - tau_k))^-beta    for tau > tau_k

    eta_0      rate of the first record
    tau_k      tau where the rate changes for the k-th time, to eta_k (d_k < 0 where it rises)
    L0         loss that no amount of training at the rate E goes below, in units of the loss
    A, B       in units of the loss; alpha, C, gamma, beta, q and delta have no unit
    E, K       largest rate and largest kappa of the fitted curves: they make the law independent
               of the units of rate and data

The first two terms are progress at the rate E. The third is the noise that a lower rate has less
of: its level goes with the delta-th power of the rate, and follows a change of the rate with a
delay. G_k is the share of the change that has come about, and grows from 0 to 1 with the learning
done since. Without any noise, the loss would go to L0 - B.

With q = delta = 1, tau is kappa / K, and the law is the published one for runs that share a peak
rate. Runs of several peaks need q, because at a high rate the same kappa brings less progress, and
delta, because noise grows steeply near the highest rate that trains. Both stay 1 if the fitted
curves have one peak.

The law has no term for a peak that is so high that training diverges, nor for over-fitting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optuna_kappa._json import parse_json
from optuna_kappa._typing import Floats
from optuna_kappa.psi.curve import Curve
from optuna_kappa.psi.terms import PARAMETERS, Terms

_FORMAT = "optuna-kappa loss law 2"
_ROUNDING = 1e-8  # of eigenvalues, as NumPy allows where it draws
_DRAWS = 200  # parameter draws for an error; the error of a standard deviation is then 5 %


@dataclass(frozen=True, eq=False)
class Prediction:
    """Loss at each record of a curve, and how far to trust it.

    Args:
        loss: Predicted loss, shape (n,).
        error: Standard error of it, in units of the loss, shape (n,).
        beyond: What of the curve lies outside the fitted ones, as a sentence; '' if nothing does.
    """

    loss: Floats
    error: Floats
    beyond: str


@dataclass(frozen=True, eq=False)
class LossLaw:
    """A fitted law; `optuna_kappa.psi.fit` makes it.

    Args:
        values: Parameters in the order of `PARAMETERS`, shape (9,).
        covariance: Their covariance, shape (9, 9).
        rate_unit: E, the largest fitted rate.
        kappa_unit: K, the largest fitted kappa.
        rate_low: Smallest fitted rate.
        scatter: Typical relative distance of the fitted losses from the law.

    Example:
        >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
        >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 3.0, 0.1, 0.001)
        >>> curve = Curve("a", [10, 20, 30], [0.1, 0.1, 0.1], [3, 2.5, 2.4], warmup=0)
        >>> law.predict(curve).loss.round(2).tolist()
        [3.73, 3.22, 3.0]
    """

    values: Floats
    covariance: Floats
    rate_unit: float
    kappa_unit: float
    rate_low: float
    scatter: float

    @property
    def one_peak(self) -> bool:
        """Whether the fitted curves share a peak rate, so that q and delta were not fitted.

        Example:
            >>> LossLaw(np.zeros(9), np.eye(9), 0.1, 3.0, 0.1, 0.001).one_peak
            False
        """
        return not np.diag(self.covariance)[7:].any()

    def loss(self, curve: Curve) -> Floats:
        """Predict the loss at each record of a curve, without its error, shape (n,).

        Example:
            >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
            >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 3.0, 0.1, 0.001)
            >>> law.loss(Curve("a", [10, 20], [0.1, 0.1], [3, 2.5], warmup=0)).round(2).tolist()
            [3.73, 3.22]
        """
        return Terms.of(curve, self.rate_unit, self.kappa_unit).loss(self.values)

    def predict(self, curve: Curve, seed: int = 0) -> Prediction:
        """Predict the loss at each record of a curve; the curve's own losses are not used.

        Args:
            curve: Curve with its steps and rates.
            seed: Seed of the parameter draws behind the error.

        Example:
            >>> values = np.array([2, 0, -0.7, -1, 1, 0.5, -0.5, 0, 0])
            >>> law = LossLaw(values, np.zeros((9, 9)), 0.1, 3.0, 0.1, 0.001)
            >>> long = Curve("a", [10, 60], [0.1, 0.1], [3, 2.5], warmup=0)
            >>> law.predict(long).beyond
            'kappa goes to 6, but the fitted curves end at 3'
        """
        terms = Terms.of(curve, self.rate_unit, self.kappa_unit)
        loss = terms.loss(self.values)

        losses = np.array([terms.loss(draw) for draw in self.draws(seed)])
        # Draws far in a tail can overflow; the middle 68 % are what one standard error spans.
        low, high = np.percentile(losses, [16, 84], axis=0)
        error = np.hypot((high - low) / 2, self.scatter * loss)
        return Prediction(loss, error, self._beyond(curve))

    def draws(self, seed: int = 0) -> Floats:
        """Parameters drawn from their distribution, shape (200, 9).

        Example:
            >>> LossLaw(np.zeros(9), np.eye(9), 0.1, 3.0, 0.1, 0.001).draws().shape
            (200, 9)
        """
        random = np.random.default_rng(seed)
        return random.multivariate_normal(self.values, self.covariance, _DRAWS, method="eigh")

    def _beyond(self, curve: Curve) -> str:
        far = []
        close = 1.01  # rounded schedules differ by less, and no law by so little
        if curve.kappa[-1] > self.kappa_unit * close:
            far.append(
                f"kappa goes to {curve.kappa[-1]:.4g}, but the fitted curves end at "
                f"{self.kappa_unit:.4g}"
            )
        if curve.rate.max() > self.rate_unit * close:
            far.append(
                f"the rate rises to {curve.rate.max():.4g}, but the fitted ones stay below "
                f"{self.rate_unit:.4g}"
            )
        if curve.rate.min() * close < self.rate_low:
            far.append(
                f"the rate falls to {curve.rate.min():.4g}, but the fitted ones stay above "
                f"{self.rate_low:.4g}"
            )
        return "; ".join(far)

    def to_json(self) -> str:
        """JSON text of the law, for `from_json`.

        Example:
            >>> law = LossLaw(np.zeros(9), np.zeros((9, 9)), 0.1, 3.0, 0.1, 0.001)
            >>> LossLaw.from_json(law.to_json()).kappa_unit
            3.0
        """
        fields = {
            "format": _FORMAT,
            "values": dict(zip(PARAMETERS, self.values.tolist(), strict=True)),
            "covariance": self.covariance.tolist(),
            "rate_unit": self.rate_unit,
            "kappa_unit": self.kappa_unit,
            "rate_low": self.rate_low,
            "scatter": self.scatter,
        }
        return json.dumps(fields, indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> LossLaw:
        """Read a law from the text that `to_json` wrote.

        Raises:
            ValueError: If the text is not such a law.

        Example:
            >>> LossLaw.from_json("{}")
            Traceback (most recent call last):
            ValueError: not a loss law; it must be the JSON text that LossLaw.to_json() returns
        """
        try:
            return cls._from_fields(parse_json(text))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ValueError(
                "not a loss law; it must be the JSON text that LossLaw.to_json() returns"
            ) from None

    @classmethod
    def _from_fields(cls, fields: Mapping[str, Any]) -> LossLaw:
        if fields["format"] != _FORMAT:
            raise ValueError("other format")
        stored = fields["values"]
        values = np.array([stored[name] for name in PARAMETERS], dtype=float)
        covariance = np.array(fields["covariance"], dtype=float)
        names = ("rate_unit", "kappa_unit", "rate_low", "scatter")
        scales = [float(fields[name]) for name in names]

        finite = np.isfinite([*values, *covariance.ravel(), *scales]).all()
        if covariance.shape != (9, 9) or not finite or min(scales) < 0 or min(scales[:3]) == 0:
            raise ValueError("values out of range")

        symmetric = np.allclose(covariance, covariance.T)
        if not symmetric or np.linalg.eigvalsh(covariance).min() < -_ROUNDING:
            raise ValueError("no covariance")
        return cls(values, covariance, *scales)
