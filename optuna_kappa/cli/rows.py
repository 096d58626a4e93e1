"""The results of a command as rows of CSV.

Results are nested, as JSON is. The first list of them that has results for each of several things
(groups, proposals, studies, trials) makes a row of each; what stands beside it is repeated in each
row. A value inside a value gets a name with a dot: `verdict.word`. Other lists stay JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any


def as_csv(results: Mapping[str, Any]) -> str:
    r"""Write results as CSV, with a header and without a line's end at the end.

    Args:
        results: Results of a command, as for JSON.

    Example:
        >>> as_csv({"study": "mine", "pruned": [{"trial": 3, "lr": 0.1}, {"trial": 4}]})
        'study,trial,lr\nmine,3,0.1\nmine,4,'
        >>> as_csv({"verdict": {"word": "flat"}, "rungs": [1, 8]})
        'verdict.word,rungs\nflat,"[1, 8]"'
    """
    rows = _rows(results)
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if not _is_missing(name, names)]

    text = io.StringIO()
    writer = csv.DictWriter(text, names, "", "ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _rows(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    for name, value in results.items():
        if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
            beside = {key: other for key, other in results.items() if key != name}
            return [_flat({**beside, **item}) for item in value]

    return [_flat(results)]


def _is_missing(name: str, names: Sequence[str]) -> bool:
    """Whether a name stands for values that other rows have, with names of their own."""
    return any(other.startswith(f"{name}.") for other in names)


def _flat(fields: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            row.update(_flat(value, f"{start}{name}."))
        elif isinstance(value, (list, tuple)):
            row[start + name] = json.dumps(value)
        else:
            row[start + name] = "" if value is None else value
    return row
