"""The examples for clusters: their syntax, and the command lines in them."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from optuna_kappa.cli.commands import _parser
from optuna_kappa.cli.searching import given_limits
from optuna_kappa.launch.limits import parse_seconds

PAGE = (Path(__file__).parents[1] / "docs/guides/many-workers.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(block("yaml")))


def commands() -> list[list[str]]:
    plain = re.findall(r"^optuna-kappa .*", PAGE, re.MULTILINE)
    script = re.findall(r"exec (optuna-kappa .*)", block("bash"))
    jobs = [one["spec"]["template"]["spec"] for one in documents() if one["kind"] == "Job"]
    assert len(script) == len(jobs) == 2
    lines = [shlex.split(line) for line in (*plain, *script)]
    return lines + [job["containers"][0]["command"] for job in jobs]


def parsed(words: list[str]) -> argparse.Namespace:
    assert words[0] == "optuna-kappa"
    return _parser().parse_args(words[1:])


def test_the_command_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTUNA_STORAGE", "sqlite:///of-the-environment.db")
    assert len(commands()) == 5
    for words in commands():
        options = parsed(words)
        assert options.study == "adam" and options.objective == "train.py:objective"
        given_limits(options)
        if words[1] == "worker":
            assert parse_seconds(options.wait, "--wait") >= 60
            assert options.storage == (
                "URL" if "URL" in words else "sqlite:///of-the-environment.db"
            )


def test_the_script_of_slurm() -> None:
    subprocess.run(["bash", "-n"], input=block("bash"), text=True, check=True)


@pytest.mark.parametrize(("task", "command"), [("0", "tune"), ("7", "worker")])
def test_what_a_task_of_slurm_runs(task: str, command: str, tmp_path: Path) -> None:
    """The first begins the study; the shell is replaced by the command, which gets the signals."""
    told = tmp_path / "told"
    program = tmp_path / "optuna-kappa"
    program.write_text(f'#!/bin/bash\necho "$$ $1 $OPTUNA_STORAGE" > {told}\n')
    program.chmod(0o755)
    script = tmp_path / "job.sh"
    script.write_text(block("bash"))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": task}
    with subprocess.Popen(["bash", str(script)], env=environment) as process:
        assert process.wait(timeout=60) == 0
    number, ran, storage = told.read_text().split()
    assert int(number) == process.pid
    assert ran == command
    assert storage.startswith("postgresql+psycopg://")


def test_the_parts_for_kubernetes_fit() -> None:
    kinds = {(one["kind"], one["metadata"]["name"]): one for one in documents()}
    secret = kinds["Secret", "lr-db"]["stringData"]
    assert secret["password"] in secret["url"] and "@lr-db/" in secret["url"]
    server = kinds["StatefulSet", "lr-db"]["spec"]["template"]
    assert server["metadata"]["labels"] == kinds["Service", "lr-db"]["spec"]["selector"]
    for kind, name in kinds:
        if kind == "Job":
            container = kinds[kind, name]["spec"]["template"]["spec"]["containers"][0]
            (variable,) = container["env"]
            assert variable["valueFrom"]["secretKeyRef"] == {"name": "lr-db", "key": "url"}
