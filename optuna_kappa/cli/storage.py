"""`optuna-kappa storage copy`: studies move from one storage to another."""

from __future__ import annotations

import argparse
from typing import Any

from optuna.storages import get_storage

from optuna_kappa._validation import one_line
from optuna_kappa.cli.output import entries, print_json, print_notes, print_text
from optuna_kappa.cli.storages import readable, studies_in
from optuna_kappa.study.copying import Copied, copy_study
from optuna_kappa.study.opening import open_any, shown
from optuna_kappa.study.storage import close_storage, open_storage

SUMMARY = "copy studies to another storage"
USAGE = "optuna-kappa storage copy FROM TO [options]"
DESCRIPTION = """\
Copy studies whole to another storage: trials in every state with their
parameters, reports and attributes, and the attributes of the study. What
was copied is read back and compared. If a copy is interrupted, the same
command goes on with it. The study that is copied is not changed.

A storage is a URL: sqlite:///my.db, journal:///my.log,
postgresql+psycopg://user@host/name, mysql+pymysql://user@host/name or
grpc://host:port. The files of these URLs are in this folder; absolute names
begin with four slashes: sqlite:////runs/my.db, journal:////runs/my.log.
"""
EXAMPLES = """\
examples:
  optuna-kappa storage copy sqlite:///my.db journal:///my.log
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `storage`."""
    command.add_argument("action", choices=["copy"], help="what to do: copy")
    command.add_argument("source", metavar="FROM", help="URL of the storage with the studies")
    command.add_argument("destination", metavar="TO", help="URL of the other; created if missing")
    command.add_argument(
        "--study",
        action="append",
        metavar="NAME",
        help="name of a study; may be given several times (default: all of the storage)",
    )


def run(options: argparse.Namespace) -> None:
    """Copy the studies.

    Raises:
        ValueError: A storage cannot be opened, a study is missing, or a copy differs.
    """
    source_url, destination_url = options.source, options.destination
    if source_url == destination_url:
        raise ValueError(f"FROM and TO are the same storage: {shown(source_url)}")

    source = open_any(source_url)
    try:
        with readable(source_url):
            studies = studies_in(source, source_url, options.study)
        destination = get_storage(open_storage(destination_url, heartbeat=None))
        try:
            with readable(destination_url):
                copied = [copy_study(study, destination) for study in studies]
        finally:
            close_storage(destination)
    finally:
        close_storage(source)

    _print(copied, options)


def as_dict(one: Copied) -> dict[str, Any]:
    """A copied study for JSON.

    Example:
        >>> as_dict(Copied("mine", n_trials=3, n_new=3, n_running=0, digest="ab"))["study"]
        'mine'
    """
    fields = one._asdict()
    return {"study": fields.pop("name"), **fields}


def _print(copied: list[Copied], options: argparse.Namespace) -> None:
    if options.json:
        print_json({"studies": [as_dict(one) for one in copied]})
    else:
        for one in copied:
            lines = {
                "trials": f"{one.n_trials}, of which {one.n_new} are new there",
                "digest": f"{one.digest[:16]}, the same in both storages",
            }
            print_text(f"{one_line(one.name)}\n{entries(lines)}\n")

    notes = []
    for one in copied:
        if one.n_running:
            notes.append(
                f"{one_line(one.name)}: {one.n_running} of its trials were running; what they "
                f"tell from now on goes to {shown(options.source)}"
            )
    print_notes(notes)
