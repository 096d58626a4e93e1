"""What the gallery shows: for each figure a text, and the code that draws it.

The code is run as it is printed, so a picture is what its code draws. The names in it are those of
`optuna_kappa.visualization` and those that an entry gives to the studies.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from optuna.study import Study
from plotly.graph_objects import Figure

from optuna_kappa import visualization


@dataclass(frozen=True)
class Entry:
    """A figure of the gallery.

    Attributes:
        id: Name of its picture.
        title: Heading.
        text: What it shows and how to read it, in Markdown.
        code: Python code; its last line is the figure.
        studies: By the names that the code uses, the keys of `gallery_studies`.

    Example:
        >>> Entry("law", "The law", "How the optimum moves.", "plot_law(study)").studies
        {'study': 'study'}
    """

    id: str
    title: str
    text: str
    code: str
    studies: Mapping[str, str] = field(default_factory=lambda: {"study": "study"})

    def figure(self, studies: Mapping[str, Study]) -> Figure:
        """The figure that the code draws.

        Args:
            studies: As `gallery_studies` makes them.

        Example:
            >>> import optuna
            >>> entry = Entry("law", "The law", "", "plot_law(study)")
            >>> len(entry.figure({"study": optuna.create_study()}).data)
            0
        """
        names = {name: getattr(visualization, name) for name in visualization.__all__}
        names |= {name: studies[key] for name, key in self.studies.items()}

        *before, last = ast.parse(self.code).body
        assert isinstance(last, ast.Expr)
        exec(compile(ast.Module(before, []), self.id, "exec"), names)
        return eval(compile(ast.Expression(last.value), self.id, "eval"), names)


ENTRIES = (
    Entry(
        "proposal",
        "Where the best rate may be",
        "The distribution of the optimal learning rate of full runs. Its parts belong to the "
        "classes of slopes that the prior holds possible; the legend says how probable each was "
        "before the runs, and is now. Below are the values of full runs, and a mark at the rate "
        "of every other trial. The dotted line is `sampler.recommend(study)`.",
        "from optuna_kappa.visualization import plot_proposal\n\nplot_proposal(study)",
    ),
    Entry(
        "law",
        "The law",
        "The optimum at each horizon, and what follows for full runs. The dotted lines, one for "
        "each class of slopes, part where the runs end. A law works as well: "
        '`plot_law(optuna_kappa.fit(runs), targets=[(64, "cosine")])`.',
        "from optuna_kappa.visualization import plot_law\n\nplot_law(study)",
    ),
    Entry(
        "kappa",
        "Kappa",
        "The cumulative learning of a run at the optimum: learning rate times horizon times the "
        "mean of the schedule. The paper's claim is that it is constant. For Adam on MNIST it is "
        "from two epochs on; before, one rate is best at all horizons.",
        'from optuna_kappa.visualization import plot_kappa\n\nplot_kappa(study, unit="samples")',
    ),
    Entry(
        "lr_curves",
        "Loss over learning rate",
        "A curve for each horizon. A constant-rate run has a loss at every horizon up to its own, "
        "so full runs count at short horizons, too.",
        "from optuna_kappa.visualization import plot_lr_curves\n\nplot_lr_curves(study)",
    ),
    Entry(
        "schedule_transfer",
        "From one schedule to another",
        "A search with a cosine schedule that started from constant-rate runs. The points are its "
        "optima, over those that the constant-rate runs alone lead to expect. Two simple rules "
        "are drawn beside the law: the same kappa, and the same peak rate.",
        "from optuna_kappa.visualization import plot_schedule_transfer\n\n"
        "plot_schedule_transfer(study)",
        {"study": "cosine_study"},
    ),
    Entry(
        "plan",
        "The plan",
        "The ladder of probes, half-way through: what has been tried, what it cost, and what is "
        "still to come. It can be drawn before the first trial.",
        "from optuna_kappa.visualization import plot_plan\n\nplot_plan(study)",
        {"study": "half_way"},
    ),
    Entry(
        "budget",
        "Best value and regret against budget",
        "How searches compare. The best value is partly luck; the regret is what a full run at "
        'the recommended rate is expected to lose. `against="time"` draws both against the time '
        "since a study started. Lists of repeats give medians and bands.",
        "from optuna_kappa.visualization import plot_budget\n\n"
        'plot_budget({"kappa": [study], "TPE": [other_study]})',
        {"study": "study", "other_study": "tpe_study"},
    ),
    Entry(
        "cumulative_learning",
        "Cumulative learning of each trial",
        "The integral of the learning rate, up to where each trial ended. The good full runs end "
        "where the law expects it.",
        "from optuna_kappa.visualization import plot_cumulative_learning\n\n"
        "plot_cumulative_learning(study)",
    ),
    Entry(
        "pruning",
        "Kept and pruned trials",
        "A search by TPE with `KappaPruner`. A cross is where a trial was ended, its colour the "
        "probability to become the best that it had there.",
        "from optuna_kappa.visualization import plot_pruning\n\nplot_pruning(study)",
        {"study": "tpe_study"},
    ),
)
