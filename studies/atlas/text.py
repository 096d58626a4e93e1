"""Tasks of language: the next character of texts that come with Python.

Nothing is downloaded. The texts are the manual that `help()` shows and modules of the standard
library. They differ a little between versions of Python; the recorded runs used 3.11.
"""

from __future__ import annotations

import importlib
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from studies.atlas.networks import attention, context_mlp, gru, rnn
from studies.atlas.training import NetworkTask, Samples

N_SYMBOLS = 32
"""The most frequent characters; all others are one symbol."""

_MODULES = (
    *("argparse", "ast", "codecs", "collections", "configparser", "csv", "dataclasses"),
    *("difflib", "doctest", "enum", "functools", "inspect", "ipaddress", "mailbox", "optparse"),
    *("pdb", "pickle", "shutil", "statistics", "subprocess", "tarfile", "typing", "zipfile"),
)
_N_VALID = 600  # characters or sequences for validation
_SMALLEST = 300_000  # characters; a shorter manual is filled up with code


def context_characters(n_train: int, context: int) -> NetworkTask:
    """Characters of the manual, each after the few before it, in random order."""
    symbols = _symbols(manual())
    # Validation text lies before training text, so that neither saw the other.
    n_valid = 4 * _N_VALID
    valid = symbols[: n_valid + context].unfold(0, context + 1, 1)
    rest = symbols[n_valid + context :]
    train = rest[: n_train + context].unfold(0, context + 1, 1)
    if len(train) < n_train:
        raise ValueError(f"the manual has {len(train):,} characters, but {n_train:,} are needed")

    network = context_mlp(N_SYMBOLS, context, 6, 32)
    return NetworkTask(
        network,
        Samples(train[:, :-1], train[:, -1]),
        Samples(valid[:, :-1], valid[:, -1]),
        "cross-entropy",
    )


def code_rnn(n_train: int, length: int) -> NetworkTask:
    """Characters of code by a recurrent network."""
    train, valid = _sequences(code(), n_train, length)
    return NetworkTask(rnn(N_SYMBOLS, 24, N_SYMBOLS), train, valid, "cross-entropy")


def manual_gru(n_train: int, length: int) -> NetworkTask:
    """Characters of the manual by a gated recurrent network."""
    train, valid = _sequences(manual(), n_train, length)
    return NetworkTask(gru(N_SYMBOLS, 16), train, valid, "cross-entropy")


def code_attention(n_train: int, length: int) -> NetworkTask:
    """Characters of code by a transformer of one layer."""
    train, valid = _sequences(code(), n_train, length)
    network = attention(N_SYMBOLS, length, 16, N_SYMBOLS, each=True)
    return NetworkTask(network, train, valid, "cross-entropy")


@cache
def manual() -> str:
    """The manual of the language that `help()` shows, or code where there is none."""
    try:
        topics = importlib.import_module("pydoc_data.topics").topics
    except ImportError:
        topics = {}

    text = "\n".join(topics[name] for name in sorted(topics))
    return text if len(text) >= _SMALLEST else text + code()


@cache
def code() -> str:
    """The source of modules of the standard library, those that this Python has."""
    texts = []
    for name in _MODULES:
        spec = find_spec(name)
        if spec and spec.origin and Path(spec.origin).suffix == ".py":
            texts.append(Path(spec.origin).read_text(encoding="utf-8"))

    return "\n".join(texts)


@cache
def _symbols(text: str) -> Tensor:
    """The text as numbers of its lower-case characters, without repeated blanks; int64."""
    text = " ".join(text.lower().split())
    frequent = [character for character, _ in Counter(text).most_common(N_SYMBOLS - 1)]
    numbers = {character: number for number, character in enumerate(frequent)}
    return torch.tensor([numbers.get(character, N_SYMBOLS - 1) for character in text])


def _sequences(text: str, n_train: int, length: int) -> tuple[Samples, Samples]:
    """Training and validation sequences that do not overlap; targets are the next symbols."""
    pieces = _symbols(text).unfold(0, length + 1, length)
    if len(pieces) < n_train + _N_VALID // 3:
        raise ValueError(
            f"the text has {len(pieces):,} sequences, but {n_train + _N_VALID // 3:,} are needed"
        )

    order = torch.randperm(len(pieces), generator=torch.Generator().manual_seed(0))
    pieces = pieces[order]
    train = pieces[_N_VALID // 3 :][:n_train]
    valid = pieces[: _N_VALID // 3]
    return Samples(train[:, :-1], train[:, 1:]), Samples(valid[:, :-1], valid[:, 1:])
