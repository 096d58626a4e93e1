"""Options of the commands of the replay."""

from __future__ import annotations

import argparse
import os

from studies.recorded import FOLDER
from studies.replay import screen

_SAMPLERS = "kappa,tpe,gp,random,tpe+median,tpe+hyperband,tpe+sha,top-k"
_BUDGETS = "0.1,0.25,0.5,1,1.5"
_PRUNERS = "median,percentile,sha,hyperband,wilcoxon,patient,kappa,top-k"


def add_search_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `search`."""
    add = command.add_argument
    add("--samplers", default=_SAMPLERS, help=f"SAMPLER or SAMPLER+PRUNER,... ({_SAMPLERS})")
    add("--probes", help="run table that kappa's probes come from, such as one of constant rate")
    add("--probes-schedule", help="schedule of the probes, if that table has several")
    text = "target that the probes are planned for (that of --runs)"
    add("--probes-horizon", type=float, help=text)
    _add_known(command)
    _add_budget(command)


def add_oneshot_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `oneshot`."""
    add = command.add_argument
    add("--budgets", default=_BUDGETS, help=f"full-run equivalents of the probes ({_BUDGETS})")
    _add_known(command)
    add("--source", help="schedule of the probes, such as constant (that of the target)")
    text = "run table that the probes come from, if --runs has none of that schedule"
    add("--source-runs", help=text)


def add_pruner_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `pruners`."""
    add = command.add_argument
    add("--pruners", default=_PRUNERS, help=f"PRUNER,... ({_PRUNERS})")
    add("--proposals", default="tpe", help="sampler that makes the proposals (tpe)")
    add("--trials", type=int, default=24, help="proposals of each stream (24)")


def add_misled_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `misled`."""
    add = command.add_argument
    add("--scenarios", default="", help="SCENARIO,... (all); each has a vague-SCENARIO too")
    text = (
        "run tables to pass off as runs of the target; each is a scenario, by the name of its file"
    )
    add("--others", default="", help=text)
    text = "OPTIMIZER/PASSES, PRIOR or nothing, ...: what searches without a source are told"
    add("--told", default="", help=text)
    _add_budget(command)


def _add_known(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--optimizer", help="optimizer that the law is told, such as adam (none)")
    text = "passes over the data in a run of the target horizon that the law is told (none)"
    add("--passes", type=float, help=text)


def _add_budget(command: argparse.ArgumentParser) -> None:
    text = "full-run equivalents of each search (24)"
    command.add_argument("--budget", type=float, default=24, help=text)


def add_replay_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say what is replayed, and how often."""
    add = command.add_argument
    add("--runs", required=True, help="run table, .csv or .csv.gz")
    add("--schedule", help="schedule of the runs, if the table has several")
    add("--horizon", type=float, help="target, in the table's unit or in its epochs (largest)")
    add("--where", default="", help="COLUMN=VALUE,...: only these runs")
    add("--repeats", type=int, default=100, help="repeats (100)")
    add("--seed", type=int, default=0, help="seed of the first repeat (0)")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    text = "print JSON, with intervals, and nothing else"
    add("--json", dest="show", action="store_const", const=screen.print_json, help=text)


def add_report_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the commands that write a page."""
    add = command.add_argument
    add("--tables", default=FOLDER, help=f"folder of the recorded runs ({FOLDER})")
    add("--docs", default="docs", help="folder of the page (docs)")
    text = "NAME,...: replay only these, and keep the other results from before"
    add("--only", default="", help=text)
    add("--repeats", type=int, default=100, help="repeats (100)")
