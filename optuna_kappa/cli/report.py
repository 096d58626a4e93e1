"""`optuna-kappa report`: a page on a study, or on several side by side."""

from __future__ import annotations

import argparse

from optuna_kappa.cli.output import print_text
from optuna_kappa.cli.priors import check_prior
from optuna_kappa.cli.report_page import write_report
from optuna_kappa.cli.storages import (
    add_known,
    add_storage,
    opened,
    sampler_for,
    storage_url,
    studies_in,
)
from optuna_kappa.cli.studies import how_many, look_at

SUMMARY = "write a page on a study, or on several side by side"
USAGE = "optuna-kappa report [--storage URL] [options]"
DESCRIPTION = """\
Write a page on a study, or on several side by side: what they recommend, all
figures, and all trials in a table that can be sorted. The page is one file.
It loads nothing from a network.
"""
EXAMPLES = """\
examples:
  optuna-kappa report --storage sqlite:///my.db --out report.html
  optuna-kappa report --storage sqlite:///my.db --study example
"""
HAS_RESULTS = False


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    add_storage(command, several=True)
    command.add_argument(
        "--out",
        default="report.html",
        metavar="FILE.html",
        help="page to write (default: report.html)",
    )
    add_known(command)


def run(options: argparse.Namespace) -> None:
    """Write the page.

    Raises:
        ValueError: The storage cannot be read, it has no study of a name, or the file cannot be
            written.
    """
    check_prior(options)
    with opened(options) as storage:
        studies = studies_in(storage, storage_url(options), options.study)
        found = [(study, look_at(study, options)) for study in studies]
        samplers = [sampler_for(study, options) if one.counts else None for study, one in found]
        write_report(options.out, found, samplers)

    print_text(f"{options.out} shows {how_many(len(found))}")
