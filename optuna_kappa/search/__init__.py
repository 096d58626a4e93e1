"""What to try next: horizons of probes, learning rates, and what a search has found by then."""

from optuna_kappa.search.ladder import N_PROBES, affordable, next_probe, rungs, trusts_law
from optuna_kappa.search.picking import Picker
from optuna_kappa.search.surrogate import Surrogate, surrogate
from optuna_kappa.search.trajectory import Trajectory, trajectory

__all__ = [
    "N_PROBES",
    "Picker",
    "Surrogate",
    "Trajectory",
    "affordable",
    "next_probe",
    "rungs",
    "surrogate",
    "trajectory",
    "trusts_law",
]
