"""Launching a study for an objective of the user's own, and going on with it.

- `objectives` finds the objective by its name.
- `settings` are kept with the study, so that it goes on as it began.
- `limits` say when it ends.
- `search` runs the trials, one after the other.
- `workers` and `worker` run them in several processes.
- `progress` tells of them: in the block of a `screen`, with the words of `overview`, or by lines.
- `above` and `printed` take what is printed meanwhile; `cursor` says where that leaves the cursor.
- `signals` are held back where they would do harm.
- `example` has an objective to try it with.
"""

from optuna_kappa.launch.example import write_example
from optuna_kappa.launch.limits import Limits
from optuna_kappa.launch.objectives import load_objective, study_name_for
from optuna_kappa.launch.search import Search, open_study
from optuna_kappa.launch.settings import Settings

__all__ = [
    "Limits",
    "Search",
    "Settings",
    "load_objective",
    "open_study",
    "study_name_for",
    "write_example",
]
