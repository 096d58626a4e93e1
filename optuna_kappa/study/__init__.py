"""Everything that knows an Optuna study.

- For users: `sampler` and `pruner` plug into a study; `plans.horizon` tells an objective how long
  to train; `explain` says why trials were pruned; `storage` opens a database for studies.
- From trials to data: `reporting` and `lengths` say what reports and values mean, `trials` makes
  run tables, `search_space` coordinates, `peers` the runs that a trial is compared with.
- `outlook` says how sure the recommendation is, `certified` stops a search that is sure enough.
- Behind the sampler: `sources` and `evidence` go into the `study_law`, `proposal` picks a learning
  rate from it, `base_sampler` picks all else (with `alternatives`, where values are no numbers),
  `recommending` answers at the end, `setup_hints` warns of mistakes, `law_hints` of what the law
  cannot use. `lr_names` knows what the learning rate is called, `without_lr` what happens to
  trials that have none. `planning` says what a trial is to be, once `dead` and `interrupted` have
  sorted out those that told nothing.
- Behind the pruner and its explanations: `decisions`.
- Of a study that another process searched: `opening` opens its storage, `rebuilding` makes its
  sampler again, `summary` says what it found. `example` is a study to try things on.
- `private` is the only module that touches Optuna's private names.
"""

from optuna_kappa.study.certified import Certified
from optuna_kappa.study.example import example_study
from optuna_kappa.study.explain import Explanation, Kill, explain, kills
from optuna_kappa.study.interrupted import fail_interrupted
from optuna_kappa.study.outlook import Outlook, certainty, outlook
from optuna_kappa.study.plans import Plan, horizon, plan_of
from optuna_kappa.study.pruner import KappaPruner
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.trials import run_table

__all__ = [
    "Certified",
    "Explanation",
    "KappaPruner",
    "KappaSampler",
    "Kill",
    "Outlook",
    "Plan",
    "certainty",
    "example_study",
    "explain",
    "fail_interrupted",
    "horizon",
    "kills",
    "outlook",
    "plan_of",
    "run_table",
]
