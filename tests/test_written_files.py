"""Files are written whole, and never in place of something else."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from optuna_kappa._files import check_target, write_file


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    write_file(tmp_path / "new", b"x", "page")
    (tmp_path / "usual").write_bytes(b"x")
    assert (tmp_path / "new").read_bytes() == b"x"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_an_old_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "old"
    path.write_text("old")
    path.chmod(mode)
    write_file(path, b"new", "page")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert os.listdir(tmp_path) == ["old"]


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "chmod", full)
    with pytest.raises(ValueError, match="cannot write the page .*old: No space left on device"):
        write_file(path, b"new", "page")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["old"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "protected").write_text("kept")
    (tmp_path / "protected").chmod(0o444)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("folder", "it is a folder"),
        ("folder/", "it is the name of a folder"),
        ("link", "it is a symbolic link to .*file; give that name"),
        ("dangling", "it is a symbolic link to .*nothing; give that name"),
        ("pipe", "it is a device or a pipe"),
        ("protected", "it is write-protected"),
        ("none/file", "No such file or directory"),
        ("file/file", "(Not a directory|is no folder)"),
        ("a\0b", "embedded null"),
        ("a" * 300, "File name too long"),
    ],
)
def test_what_is_no_file_is_not_replaced(folder: Path, name: str, problem: str) -> None:
    before = sorted(os.listdir(folder))
    with pytest.raises(ValueError, match=problem):
        write_file(f"{folder}/{name}", b"new", "page")
    assert sorted(os.listdir(folder)) == before
    assert (folder / "file").read_text() == (folder / "protected").read_text() == "kept"
    assert (folder / "link").is_symlink()
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)


@pytest.mark.parametrize("name", ["", "  ", "-", os.devnull, os.curdir, b"page", None, 3])
def test_names_that_are_none(name: Any) -> None:
    with pytest.raises(ValueError, match="page.*; give|must be a text or a path"):
        check_target(name, "page")
