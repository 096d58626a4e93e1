from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_tables import assert_same, example

from optuna_kappa import read_csv

HEADER = "run,lr,schedule,horizon,step,loss"
GOOD = "a,0.1,constant,10,10,1.5"
REAL = Path(__file__).parents[3] / "shared" / "data" / "runs"


@pytest.mark.parametrize("name", ["runs.csv", "runs.csv.gz"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    path, again = tmp_path / name, tmp_path / f"again_{name}"
    example().to_csv(path)
    example().to_csv(str(again))
    assert path.read_bytes() == again.read_bytes()
    gzipped = path.read_bytes()[:2] == b"\x1f\x8b"
    assert gzipped == name.endswith(".gz")
    assert not gzipped or path.read_bytes()[4:8] == bytes(4)  # or the bytes follow the clock
    assert_same(read_csv(path), example())
    # A file that was read is written as it was: nothing is lost a second time.
    read_csv(str(path)).to_csv(again)
    assert path.read_bytes() == again.read_bytes()


def test_gzip_is_known_by_its_content_not_by_its_name(tmp_path: Path) -> None:
    example().to_csv(tmp_path / "a.csv.gz")
    (tmp_path / "a.csv.gz").rename(tmp_path / "a.csv")
    assert_same(read_csv(tmp_path / "a.csv"), example())


def test_byte_order_mark_spaces_and_blank_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    header = HEADER.replace(",", ", ")
    path.write_text(f"{header}\r\n\r\n{GOOD}\r\n\r\n", encoding="utf-8-sig", newline="")
    table = read_csv(path)
    assert (table.run.tolist(), table.loss.tolist()) == (["a"], [1.5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty; the first line must name the columns"),
        ("\n\n", "the file is empty; the first line must name the columns"),
        (
            HEADER,
            "the table has a header but no rows; its columns are run, lr, schedule, horizon, "
            "step, loss",
        ),
        (
            "run,lr,schedule,horizon,step\na,0.1,constant,10,10",
            "column 'loss' is missing; the columns are run, lr, schedule, horizon, step: say "
            "which one it is by loss (--loss on the command line)",
        ),
        (HEADER + ",lr\n" + GOOD + ",1", "line 1: column 'lr' is named twice"),
        (
            HEADER.replace(",", ";"),
            f"line 1: there is one column, '{HEADER.replace(',', ';')}'; separate the columns by "
            "commas",
        ),
        (
            f"{HEADER}\n{GOOD}\nb,0.1",
            "line 3 has 2 columns, but the header names 6: there is none for 'schedule'",
        ),
        (
            f"{HEADER}\n{GOOD},1",
            "line 2 has 7 columns, but the header names 6: '1' is beyond the last, 'loss'",
        ),
        (f"{HEADER}\n{GOOD}\nb,fast,constant,1,1,1", "line 3: lr must be a number, but is 'fast'"),
        (f"{HEADER}\n\n{GOOD}\n\nb,1,constant,1,,1", "line 5: step must be a number, but is ''"),
        (f"{HEADER}\nb,,constant,1,1,1", "line 2: lr must be a number, but is ''"),
        (f"{HEADER}\nb,1,constant,,1,1", "line 2: horizon must be a number, but is ''"),
        (f"{HEADER}\nb,1,constant,1, ,1", "line 2: step must be a number, but is ' '"),
        (f"{HEADER}\n{GOOD}\n,1,constant,1,1,1", "line 3: run must not be empty"),
        (f"{HEADER}\n{GOOD}\nb,1, ,1,1,1", "line 3: schedule must not be empty"),
        (
            f"{HEADER}\nb,-0.1,constant,1,1,1",
            "line 2: lr must be a positive finite number, but is -0.1",
        ),
        (
            f"{HEADER}\nb,1,constant,0,0,1",
            "line 2: horizon must be a positive finite number, but is 0",
        ),
        (
            f"{HEADER}\nb,1,constant,10,nan,1",
            "line 2: step must be between 0 and the run's horizon, but is nan (horizon 10)",
        ),
        (
            f"{HEADER}\n{GOOD}\n\nb,0,constant,1,1,1",
            "line 4: lr must be a positive finite number, but is 0",
        ),
        (
            f"{HEADER}\nb,nan,constant,1,1,1",
            "line 2: lr must be a positive finite number, but is nan",
        ),
        (
            f"{HEADER}\nb,1,constant,inf,1,1",
            "line 2: horizon must be a positive finite number, but is inf",
        ),
        (
            f"{HEADER}\n{GOOD}\nb,1,constant,10,11,1",
            "line 3: step must be between 0 and the run's horizon, but is 11 (horizon 10)",
        ),
        (
            f"{HEADER}\n{GOOD}\nb,1,constant,10,-1,1",
            "line 3: step must be between 0 and the run's horizon, but is -1 (horizon 10)",
        ),
        (
            f"{HEADER}\n{GOOD}\nb,1,constant,1,1,1\na,0.2,constant,10,5,1",
            "line 4: run 'a' has lr 0.2, but 0.1 at line 2; give each run a label of its own",
        ),
        (
            f"{HEADER}\n{GOOD}\na,0.1,cosine,10,5,1",
            "line 3: run 'a' has schedule cosine, but constant at line 2; give each run a label "
            "of its own",
        ),
        (
            f"{HEADER}\n{GOOD.replace(',', ';')}",
            "line 2 has 1 columns, but the header names 6: there is none for 'lr'",
        ),
    ],
)
def test_wrong_tables(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(text)
    with pytest.raises(ValueError) as error:
        read_csv(path)
    assert str(error.value) == f"{path}: {message}"


def truncated(raw: bytes) -> bytes:
    return raw[:-12]


def corrupted(raw: bytes) -> bytes:
    return raw[:20] + bytes(8) + raw[28:]


def wrong_checksum(raw: bytes) -> bytes:
    return raw[:-8] + bytes(8)


def bad_header(raw: bytes) -> bytes:
    return raw[:2] + b"\x07" + raw[3:]


def trailing_bytes(raw: bytes) -> bytes:
    return raw + b"more"


def binary(raw: bytes) -> bytes:
    return bytes(range(256))


@pytest.mark.parametrize(
    "damage", [truncated, corrupted, wrong_checksum, bad_header, trailing_bytes, binary]
)
def test_unreadable_files(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "runs.csv.gz"
    path.write_bytes(damage(gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 50)))
    assert_unreadable(path)


@pytest.mark.parametrize("name", ["runs.csv.gz", "runs.csv"])
def test_whatever_is_left_of_a_file_is_read_or_refused_in_one_line(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    example().to_csv(path)
    raw = path.read_bytes()
    for size in range(len(raw)):
        path.write_bytes(raw[:size])
        try:
            n_rows = len(read_csv(path))
        except ValueError as error:
            assert "\n" not in str(error) and str(path) in str(error)
        else:
            # Plain text may end within the last number of a row, and nothing tells.
            assert name == "runs.csv" and 0 < n_rows <= len(example())


def test_not_a_file(tmp_path: Path) -> None:
    assert_unreadable(tmp_path)
    assert_unreadable(tmp_path / "missing.csv")


def assert_unreadable(path: Path) -> None:
    with pytest.raises(ValueError) as error:
        read_csv(path)
    assert str(error.value).startswith(f"cannot read the run table {path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "n_rows", "n_runs", "schedule", "n_context"),
    [
        ("steplaw_dense", 1911, 1911, "warmup-cosine-to-1e-5", 2),
        ("taskset_patch128_LSTM128_avg_bs64", 51_000, 1000, "adam8p", 7),
        ("taskset_patch32_GRU64_avg_bs128", 51_000, 1000, "adam8p", 7),
        ("taskset_patch32_LSTM128_bs128", 51_000, 1000, "adam8p", 7),
    ],
)
def test_real_tables(name: str, n_rows: int, n_runs: int, schedule: str, n_context: int) -> None:
    path = REAL / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not beside this checkout")
    table = read_csv(path)
    assert (len(table), len(np.unique(table.run))) == (n_rows, n_runs)
    assert set(table.schedule.tolist()) == {schedule}
    assert len(table.context) == n_context
    ends = table.where(table.step == table.horizon)
    assert len(np.unique(ends.run)) == n_runs


COLUMNS = "run,lr,schedule,horizon,step,loss"
ROW = "a,0.1,constant,10,10,1.5"


@pytest.mark.parametrize(
    "data",
    [
        f"{COLUMNS}\r{ROW}\r".encode(),
        f"{COLUMNS}\r\n{ROW}\r\n".encode(),
        f"{COLUMNS}\n{ROW}\n".encode("utf-16"),
        f",{COLUMNS}\n0,{ROW}\n".encode(),
        f"{COLUMNS},,\n{ROW},,\n".encode(),
    ],
    ids=["old Mac", "Windows", "UTF-16", "numbered rows", "trailing commas"],
)
def test_what_other_programs_write_is_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(data)
    runs = read_csv(path)
    assert (runs.loss.tolist(), list(runs.context)) == ([1.5], [])


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (COLUMNS.replace(",", ";").encode(), "separate the columns by commas$"),
        (f"{COLUMNS}\n{ROW}".replace("constant", "constänt").encode("latin-1"), "as UTF-8$"),
    ],
)
def test_hints_for_files_of_another_form(tmp_path: Path, data: bytes, hint: str) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=hint):
        read_csv(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_files_without_end_are_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Any
) -> None:
    monkeypatch.setattr("optuna_kappa.runs.files._MOST_BYTES", 99)
    path = tmp_path / "runs.csv"
    path.write_bytes(pack(b"0" * 100))
    with pytest.raises(ValueError, match="it holds more than 99 bytes"):
        read_csv(path)
