"""What to try next, and what a search has found so far.

- `budget`: how many probes of which horizons a budget buys.
- `ladder`: horizons. How probes are spread over short horizons, and when the target comes next.
- `picking`: learning rates. Which one to try next at a horizon.
- `covering`: which one to try next where all losses tie.
- `bracketing`: learning rates, for a category whose best run is its outermost one.
- `located`: whether runs have located the optimum, or have told nothing so far.
- `surrogate`: the losses that runs of a horizon are expected to have, for `picking`.
- `trajectory`: the best loss of a search against what it has spent.
"""

from optuna_kappa.search.budget import Rung, rungs_for
from optuna_kappa.search.ladder import N_PROBES, affordable, next_probe, rungs, trusts_law
from optuna_kappa.search.picking import Picker
from optuna_kappa.search.surrogate import Surrogate, surrogate
from optuna_kappa.search.trajectory import Trajectory, trajectory

__all__ = [
    "N_PROBES",
    "Picker",
    "Rung",
    "Surrogate",
    "Trajectory",
    "affordable",
    "next_probe",
    "rungs",
    "rungs_for",
    "surrogate",
    "trajectory",
    "trusts_law",
]
