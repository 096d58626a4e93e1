"""Make `python -m optuna_kappa` the same as the command `optuna-kappa`."""

from __future__ import annotations

import sys

from optuna_kappa.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
