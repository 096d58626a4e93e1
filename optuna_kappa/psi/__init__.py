"""The loss along any schedule of the learning rate: NumPy and SciPy only."""

from optuna_kappa.psi.curve import Curve
from optuna_kappa.psi.curve_file import read_curves
from optuna_kappa.psi.fitting import fit
from optuna_kappa.psi.loss_law import LossLaw, Prediction

__all__ = ["Curve", "LossLaw", "Prediction", "fit", "read_curves"]
