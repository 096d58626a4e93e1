"""Which storage a command reads, and which studies in it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.storages import BaseStorage

from optuna_kappa.cli.output import listed, print_notes
from optuna_kappa.cli.priors import add_prior
from optuna_kappa.study.opening import open_any, shown
from optuna_kappa.study.rebuilding import is_target_known, sampler_of
from optuna_kappa.study.sampler import KappaSampler
from optuna_kappa.study.storage import close_storage
from optuna_kappa.study.troubles import StorageError

_DEFAULT_FILE = "kappa.db"
_DEFAULT_URL = f"sqlite:///{_DEFAULT_FILE}"
STORAGE_HELP = (
    "Optuna storage, such as sqlite:///my.db, a file of this folder, or sqlite:////runs/my.db, an "
    "absolute name (default: OPTUNA_STORAGE of the environment; without it "
    f"{_DEFAULT_FILE}, if that exists)"
)
_UNKNOWN_TARGET = (
    "no full run has been planned yet, so this is for runs of {} steps, as long as the longest "
    "probe; --horizon gives the steps of a full run"
)


def add_storage(command: argparse.ArgumentParser, *, several: bool) -> None:
    """Add the options that say which storage, and which studies in it.

    Args:
        command: Parser of the command.
        several: Whether the command takes several studies.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_storage(parser, several=True)
        >>> parser.parse_args(["--study", "a", "--study", "b"]).study
        ['a', 'b']
    """
    group = command.add_argument_group("which study")
    group.add_argument(
        "--storage",
        default=default_storage(),
        metavar="URL",
        help=STORAGE_HELP,
    )
    if several:
        group.add_argument(
            "--study",
            action="append",
            metavar="NAME",
            help="name of a study; may be given several times (default: all of the storage)",
        )
    else:
        group.add_argument(
            "--study",
            metavar="NAME",
            help="name of the study, if the storage has several",
        )


def add_written_storage(group: argparse._ArgumentGroup) -> None:
    """Add the option that says in which storage to keep a study, made where there is none.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_written_storage(parser.add_argument_group())
        >>> parser.parse_args(["--storage", "sqlite:///my.db"]).storage
        'sqlite:///my.db'
    """
    url = os.environ.get("OPTUNA_STORAGE") or _DEFAULT_URL
    without_password = shown(url).replace("%", "%%")  # argparse fills in what follows a %
    group.add_argument(
        "--storage", default=url, metavar="URL", help=f"(default: {without_password})"
    )


def add_known(command: argparse.ArgumentParser) -> None:
    """Add the options that say what a storage does not: how the study was searched.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_known(parser)
        >>> parser.parse_args(["--horizon", "24"]).horizon
        24
    """
    group = command.add_argument_group(
        "how it was searched",
        "Taken from what is stored with the study and its trials, where it is not\ngiven.",
    )
    group.add_argument("--lr", metavar="NAME", help="name of the learning-rate parameter")
    group.add_argument("--horizon", type=int, metavar="D", help="steps of a full run")
    group.add_argument("--schedule", help="schedule of a full run, such as cosine")
    add_prior(command, "a full run")


def sampler_for(study: optuna.Study, options: argparse.Namespace) -> KappaSampler:
    """The sampler of a study, from what is stored and what the options add.

    Raises:
        ValueError: The study has several objectives, an option is not allowed, or nothing tells
            how long a full run is.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> study = example_study()
        >>> round(sampler_for(study, argparse.Namespace()).recommend(study), 5)
        0.00083
    """
    names = ("lr", "horizon", "schedule", "prior", "optimizer", "passes")
    given = {name: getattr(options, name, None) for name in names}
    return sampler_of(study, **given)


def note_unknown_target(study: optuna.Study, options: argparse.Namespace, horizon: int) -> None:
    """Print a note where nothing tells how long a full run is, and the longest probe counts.

    Example:
        >>> import optuna
        >>> from optuna_kappa.study.example import example_study
        >>> note_unknown_target(example_study(), argparse.Namespace(horizon=None), horizon=24)
    """
    if options.horizon is None and not is_target_known(study):
        print_notes([_UNKNOWN_TARGET.format(horizon)])


def default_storage() -> str | None:
    """The storage of a command that is given none: of the environment, or the usual file.

    Example:
        >>> default_storage() is None or isinstance(default_storage(), str)
        True
    """
    url = os.environ.get("OPTUNA_STORAGE")
    if url:
        return url
    return _DEFAULT_URL if os.path.isfile(_DEFAULT_FILE) else None


def storage_url(options: argparse.Namespace) -> str:
    """The URL of the storage that is given, or in a usual place.

    Raises:
        ValueError: There is none.

    Example:
        >>> storage_url(argparse.Namespace(storage="sqlite:///my.db"))
        'sqlite:///my.db'
    """
    if options.storage:
        return str(options.storage)

    raise ValueError(
        f"no storage is given, and there is no {_DEFAULT_FILE} in this folder; give --storage "
        "URL, such as --storage sqlite:///my.db, or set OPTUNA_STORAGE"
    )


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[BaseStorage]:
    """Open the storage of a command, and close it at the end.

    Raises:
        ValueError: There is none, or it cannot be opened.
    """
    url = storage_url(options)
    with readable(url):  # where nobody answers, Optuna raises errors of its own
        storage = open_any(url)
    try:
        yield storage
    finally:
        close_storage(storage)


@contextmanager
def opened_study(options: argparse.Namespace) -> Iterator[optuna.Study]:
    """Open the study that the options name, and close its storage at the end.

    Raises:
        ValueError: There is no study, there are several to choose from, or the storage cannot be
            opened or read.
    """
    with opened(options) as storage:
        yield study_in(storage, storage_url(options), options.study)


@contextmanager
def readable(url: str, passed: tuple[type[Exception], ...] = (ValueError,)) -> Iterator[None]:
    """Raise a ValueError for whatever Optuna raises where a storage is not as it needs.

    Args:
        url: URL of the storage, for the message.
        passed: Errors that are left as they are, beside those of a storage that failed. Where
            Optuna alone may raise, there are none: what is wrong with a JSON or a date is a
            ValueError, too.

    Example:
        >>> with readable("sqlite:///my.db"):
        ...     {}["params"]
        Traceback (most recent call last):
        ValueError: cannot read the storage sqlite:///my.db: 'params'; it is damaged, or of ...
    """
    try:
        yield
    except (BrokenPipeError, StorageError):
        raise
    except Exception as error:  # of the database, of dates, of missing keys, ...
        if isinstance(error, passed):
            raise
        cause = error.__cause__ or error
        first = str(cause).partition("\n")[0] or type(cause).__name__
        raise ValueError(
            f"cannot read the storage {shown(url)}: {first}; it is damaged, or of another program "
            "or version"
        ) from error


def studies_in(
    storage: BaseStorage, url: str, names: Sequence[str] | None = None
) -> list[optuna.Study]:
    """The studies of a storage, in the order in which they were made.

    Args:
        storage: The storage.
        url: Its URL, for messages.
        names: Names of the studies to take; None for all.

    Raises:
        ValueError: There is none, none of a name, or one that cannot be read.

    Example:
        >>> from optuna_kappa.study.example import example_study
        >>> storage = optuna.storages.InMemoryStorage()
        >>> study = example_study(storage)
        >>> [study.study_name for study in studies_in(storage, "memory")]
        ['example']
    """
    with readable(url, passed=()):
        known = optuna.get_all_study_names(storage)
    if not known:
        raise ValueError(f"there is no study in {shown(url)}")

    for name in names or ():
        if name not in known:
            raise ValueError(f"there is no study {name!r} in {shown(url)}, only {listed(known)}")

    with readable(url, passed=()):
        studies = [optuna.load_study(study_name=name, storage=storage) for name in names or known]
        for study in studies:
            # What cannot be read shows here, and not as an error of who uses the study.
            study.get_trials(deepcopy=False)
            _ = study.directions, study.user_attrs
    return studies


def study_in(storage: BaseStorage, url: str, name: str | None) -> optuna.Study:
    """The study of this name or, without one, the only one of the storage.

    Raises:
        ValueError: There is none, or there are several.

    Example:
        >>> study_in(optuna.storages.InMemoryStorage(), "sqlite:///my.db", None)
        Traceback (most recent call last):
        ValueError: there is no study in sqlite:///my.db
    """
    if name is None:
        with readable(url, passed=()):
            names = optuna.get_all_study_names(storage)
        if len(names) > 1:
            raise ValueError(
                f"{shown(url)} has several studies; choose by --study: {listed(names)}"
            )
    (study,) = studies_in(storage, url, None if name is None else [name])
    return study
