"""`python -m optuna_kappa` is `optuna-kappa`."""

from __future__ import annotations

import sys

from optuna_kappa.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
