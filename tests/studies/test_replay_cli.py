"""The command line of the replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulated import Simulated, grid

from optuna_kappa import RunTable
from studies.replay.__main__ import main


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> str:
    tables = [Simulated(noise=0.02, seed=seed).runs(grid(13)) for seed in range(3)]
    path: Path = tmp_path_factory.mktemp("runs") / "runs.csv.gz"
    RunTable.concatenate(tables).to_csv(path)
    return str(path)


def test_searches_as_json(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = "kappa,tpe+sha,top-k"
    arguments = f"search --runs {runs} --samplers {names} --repeats 4 --budget 6 --jobs 2 --json"
    assert main(arguments.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["budgets"] == [1.5, 2, 2.5, 3, 3.5, 4, 5, 6]
    assert list(found["samplers"]) == names.split(",")
    for one in found["samplers"].values():
        assert {len(one[key]) for key in ("median_regret", "mean_regret", "intervals")} == {8}
        assert list(one["budget_to"]) == ["0.05", "0.02", "0.01"]
        for middle, (low, high) in zip(one["median_regret"], one["intervals"], strict=True):
            assert middle is None or low <= middle <= (high or middle)
    kappa = found["samplers"]["kappa"]
    assert kappa["median_regret"][-1] < 0.01
    assert kappa["ask_ms"] > found["samplers"]["top-k"]["ask_ms"] == 0
    assert found["samplers"]["top-k"]["median_regret"][0] is None


def test_searches_do_not_depend_on_the_number_of_processes(
    runs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for jobs in (1, 2):
        main(f"search --runs {runs} --samplers tpe --repeats 5 --jobs {jobs} --json".split())
        one = json.loads(capsys.readouterr().out)
        del one["samplers"]["tpe"]["ask_ms"]
        found.append(one)
    assert found[0] == found[1]


def test_probes_of_another_table(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = f"--samplers kappa --repeats 2 --budget 3 --jobs 1 --probes {runs} --json"
    assert main(f"search --runs {runs} --horizon 32 {options}".split()) == 0
    own = json.loads(capsys.readouterr().out)
    assert (own["horizon"], own["probes_horizon"]) == (32, 32)
    assert main(f"search --runs {runs} --horizon 32 --probes-horizon 64 {options}".split()) == 0
    longer = json.loads(capsys.readouterr().out)
    # The probes of twice the target are two full runs, and end at a third of the target.
    assert longer["samplers"]["kappa"]["median_regret"][2] is not None
    assert longer["probes_horizon"] == 64


def test_pruners_as_json(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(f"pruners --runs {runs} --pruners median,none --repeats 4 --jobs 2 --json".split())
    found = json.loads(capsys.readouterr().out)
    none, median = found["pruners"]["none"], found["pruners"]["median"]
    assert (none["survival"], none["regret"], none["saved"]) == (1, 0, 0)
    assert 0 < median["saved"] < 1
    low, high = median["intervals"]["saved"]
    assert low <= median["saved"] <= high


def test_one_shot_as_json(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for jobs in (1, 2):
        arguments = f"oneshot --runs {runs} --budgets 0.5,0.1 --repeats 3 --jobs {jobs} --json"
        assert main(arguments.split()) == 0
        found.append(json.loads(capsys.readouterr().out))
    one, again = found
    assert one == again
    assert one["budgets"] == [0.5, 0.1]
    assert one["cost"] == pytest.approx([0.5, 4 / 48], rel=0.02)
    assert list(one["rules"]) == [
        *("law", "law-uninformed", "copy", "slope-0.32", "slope-0.5", "slope-1")
    ]
    for rule in one["rules"].values():
        pairs = zip(rule["median_regret"], rule["p90_regret"], strict=True)
        assert all(0 <= median <= p90 for median, p90 in pairs)
        assert len(rule["mean_regret"]) == 2
    assert all(0 <= covered <= 1 for covered in one["coverage90"])
    assert one["has_law"][0] == 1


def test_one_shot_with_probes_of_constant_rate(
    runs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = [Simulated(seed=seed).final(grid(13), 64, "cosine", mean=0.5) for seed in range(3)]
    cosine = tmp_path / "cosine.csv.gz"
    RunTable.concatenate(tables).to_csv(cosine)
    options = "--budgets 1 --repeats 2 --jobs 1 --source constant"
    assert main(f"oneshot --runs {cosine} {options} --source-runs {runs} --json".split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schedule"], found["source"]) == ("cosine", "constant")
    assert found["rules"]["law"]["median_regret"][0] < 0.3

    assert main(f"oneshot --runs {cosine} {options}".split()) == 2
    assert "has no constant runs for the probes" in capsys.readouterr().err


def test_tables_on_the_screen(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(f"search --runs {runs} --samplers tpe,random --repeats 3 --budget 3".split())
    text = capsys.readouterr().out
    assert "median of 3 searches, constant, horizon 64" in text
    assert "ask ms" in text
    main(f"pruners --runs {runs} --pruners patient --repeats 3".split())
    text = capsys.readouterr().out
    assert "Means of 3 streams of 24 tpe proposals" in text
    assert "patient" in text
    main(f"oneshot --runs {runs} --budgets 0.25 --repeats 2 --jobs 1".split())
    text = capsys.readouterr().out
    # The title of a narrow table is broken into lines.
    assert "median / mean / 90th percentile of 2, constant" in " ".join(text.split())
    assert "law-uninformed" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("search --runs nowhere.csv", "cannot read the run table nowhere.csv"),
        ("search --runs RUNS --samplers kapa", "unknown sampler 'kapa'; choose from kappa, tpe"),
        ("search --runs RUNS --samplers tpe+foo", "unknown pruner in 'tpe+foo'"),
        ("search --runs RUNS --samplers tpe,tpe", "sampler 'tpe' is given twice"),
        ("search --runs RUNS --budget 0.5", "the budget must be at least 1 full run"),
        ("search --runs RUNS --horizon 65", "at most that of the longest run, 64, but is 65"),
        ("search --runs RUNS --schedule cosine", "no runs have schedule 'cosine'"),
        ("search --runs RUNS --where width", "--where must be COLUMN=VALUE"),
        ("search --runs RUNS --probes nowhere.csv", "cannot read the run table nowhere.csv"),
        ("search --runs RUNS --repeats 0", "repeats must be at least 1, but is 0"),
        ("search --runs RUNS --seed -1", "seed must be at least 0, but is -1"),
        ("pruners --runs RUNS --pruners medium", "unknown pruner 'medium'; choose from none, med"),
        ("pruners --runs RUNS --pruners sha:x", "setting of 'sha:x' must be a number above 0"),
        ("pruners --runs RUNS --pruners sha:-1", "setting of 'sha:-1' must be a number above 0"),
        ("pruners --runs RUNS --pruners none:1", "and none has no setting"),
        ("search --runs RUNS --samplers tpe+sha:", "setting of 'sha:' must be a number above 0"),
        ("oneshot --runs RUNS --budgets x", "--budgets must be numbers of full runs, such as 0.2"),
        ("oneshot --runs RUNS --budgets 0.5,0", "a budget must be"),
        ("oneshot --runs RUNS --passes 0", "passes must be"),
        ("oneshot --runs RUNS --source cosine", "RUNS has no cosine runs for the probes"),
        ("report-pruners --only meridian", "unknown pruner 'meridian'; choose from kappa, median"),
        ("report-pruners --repeats 0", "repeats must be at least 1, but is 0"),
        ("report-pruners --more nowhere.csv", "there is no run table nowhere.csv"),
        ("pruners --runs RUNS --proposals kappa", "unknown sampler 'kappa'; choose from tpe, gp"),
        ("pruners --runs RUNS --trials 0", "trials must be at least 1, but is 0"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: str, message: str, runs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.replace("RUNS", runs).split()) == 2
    error = capsys.readouterr().err
    assert message.replace("RUNS", runs) in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_what_kappa_is_told(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = f"--runs {runs} --repeats 1 --budget 2 --jobs 1 --samplers kappa --json"
    found = []
    for known in ("", "--optimizer adam --passes 64"):
        assert main(f"search {options} {known}".split()) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert [one["optimizer"] for one in found] == [None, "adam"]
    assert [one["passes"] for one in found] == [None, 64]
    plain, told = (one["samplers"]["kappa"]["median_regret"] for one in found)
    assert plain != told

    assert main(f"search {options} --optimizer best".split()) == 2
    assert "optimizer must be one of" in capsys.readouterr().err
