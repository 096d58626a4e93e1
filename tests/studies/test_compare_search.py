"""Searches on the embedded digits: budgets, borrowed probes, resuming."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState

pytest.importorskip("torch")

from optuna_kappa import KappaSampler
from optuna_kappa.study.plans import kind_of, plan_of
from studies.compare.picture import chart_of
from studies.compare.results import proposal, read_all, read_standings
from studies.compare.rows import baseline_loss, rows
from studies.compare.search import Abandoned, Search, cost, study_name
from studies.compare.settings import Job, Part, Settings, jobs, lender
from studies.compare.table import HEADER, best, lines, summary
from studies.mnist.data import Dataset

CONSTANT = Part("constant", 2, 4)
COSINE = Part("cosine", 2, 4)


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def settings(
    samplers: tuple[str, ...] = ("kappa", "tpe"), seed: int = 0, search: tuple[str, ...] = ("lr",)
) -> Settings:
    return Settings((CONSTANT, COSINE), samplers, "adam", 1, (1e-5, 1e-1), seed, search)


@pytest.fixture(scope="module")
def done(digits: Dataset) -> BaseStorage:
    """A storage in which all searches have spent their budget."""
    storage = InMemoryStorage()
    for job in jobs(settings()):
        Search(settings(), job, digits, storage).run()
    return storage


def study_of(job: Job, digits: Dataset, storage: BaseStorage) -> optuna.Study:
    return optuna.load_study(study_name=study_name(settings(), job, digits.name), storage=storage)


def test_tpe_spends_its_budget_on_full_runs(digits: Dataset, done: BaseStorage) -> None:
    study = study_of(Job(CONSTANT, "tpe", 0), digits, done)
    assert "digits" in study.user_attrs["data"]
    trials = study.trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert sum(cost(trial, 2000) for trial in trials) == pytest.approx(4)


def test_kappa_is_charged_for_its_probes(digits: Dataset, done: BaseStorage) -> None:
    study = study_of(Job(CONSTANT, "kappa", 0), digits, done)
    kinds = [kind_of(trial) for trial in study.trials]
    n_probes = kinds.count("probe")
    assert n_probes > 3 and kinds[:n_probes] == ["probe"] * n_probes
    assert all(trial.state == TrialState.PRUNED for trial in study.trials[:n_probes])
    assert 0.3 < sum(cost(trial, 2000) for trial in study.trials[:n_probes]) < 0.6
    spent = sum(cost(trial, 2000) for trial in study.trials)
    assert 3 < spent <= 4


def test_kappa_is_told_the_optimizer_and_the_passes(digits: Dataset) -> None:
    names = []
    for part in (Part("constant", 1, 4), Part("constant", 2, 4)):
        job = Job(part, "kappa", 0)
        search = Search(settings(), job, digits, InMemoryStorage())
        search.run(lambda spent: spent < 0.1)
        sampler = search.study.sampler
        assert isinstance(sampler, KappaSampler)
        names.append(sampler.law(search.study).prior.name)
    assert names == ["adaptive, fresh data", "adaptive, repeated data"]


def test_scheduled_search_borrows_probes_and_pays_for_them(
    digits: Dataset, done: BaseStorage
) -> None:
    lent = study_of(Job(CONSTANT, "kappa", 0), digits, done)
    search = Search(settings(), Job(COSINE, "kappa", 0), digits, done)
    probes = [trial for trial in lent.trials if kind_of(trial) == "probe"]
    assert search.offset == pytest.approx(sum(cost(trial, 2000) for trial in probes))
    plans = [plan_of(trial) for trial in search.study.trials]
    assert all(plan is not None and plan.kind != "probe" for plan in plans)
    assert search.spent <= 4


def test_same_seed_same_search(digits: Dataset, done: BaseStorage) -> None:
    job, again = Job(CONSTANT, "kappa", 0), InMemoryStorage()
    Search(settings(), job, digits, again).run()
    first, second = (study_of(job, digits, storage).trials for storage in (done, again))
    assert [(t.params, t.values) for t in first] == [(t.params, t.values) for t in second]


def test_resumed_search_continues_and_charges_once(digits: Dataset, done: BaseStorage) -> None:
    job, storage = Job(CONSTANT, "tpe", 0), InMemoryStorage()
    Search(settings(), job, digits, storage).run(lambda spent: spent < 2)
    interrupted = study_of(job, digits, storage).ask()  # left running, as by a kill
    search = Search(settings(), job, digits, storage)
    assert search.spent == pytest.approx(2)
    search.run()
    states = [trial.state for trial in search.study.trials]
    assert states[interrupted.number] == TrialState.FAIL
    assert states.count(TrialState.COMPLETE) == 4
    assert search.spent == pytest.approx(4)
    assert read_standings(settings(), digits.name, digits.n_train, storage)[job].is_done


@pytest.mark.parametrize("name", ["kappa", "tpe", "random"])
def test_resumed_search_goes_on_as_it_would_have(digits: Dataset, name: str) -> None:
    job, cut, whole = Job(CONSTANT, name, 0), InMemoryStorage(), InMemoryStorage()
    for storage, n_stops in ((cut, 3), (whole, 0)):
        for stop in range(n_stops):
            Search(settings(), job, digits, storage).run(lambda spent, n=stop: spent < n)  # type: ignore[misc]
        Search(settings(), job, digits, storage).run()
    lrs = [[t.params["lr"] for t in study_of(job, digits, s).trials] for s in (cut, whole)]
    assert lrs[0] == lrs[1]
    assert len(set(lrs[0])) == len(lrs[0])


def test_borrowed_probes_must_leave_a_budget(digits: Dataset) -> None:
    longer = Settings(
        (Part("constant", 16, 4), Part("cosine", 2, 4)), ("kappa",), "adam", 1, (1e-5, 0.1), 0
    )
    storage = InMemoryStorage()
    lending = Search(longer, Job(longer.parts[0], "kappa", 0), digits, storage)
    lending.run(lambda spent: not lending.standing.lends)
    with pytest.raises(ValueError, match="--schedule-budget to 6"):
        Search(longer, Job(longer.parts[1], "kappa", 0), digits, storage)


def test_a_search_that_never_began_is_tied_to_nothing(digits: Dataset) -> None:
    """A run that is cut short may leave a scheduled study without trials, or probes to borrow."""
    storage, job = InMemoryStorage(), Job(COSINE, "kappa", 0)
    Search(settings(), job, digits, storage).run(lambda spent: False)
    Search(settings(), Job(CONSTANT, "kappa", 0), digits, storage).run()
    search = Search(settings(), job, digits, storage)
    search.run()
    assert search.offset > 0 and search.study.trials


def test_a_trial_that_is_given_up_is_run_again(digits: Dataset) -> None:
    def give_up(trial: optuna.Trial, step: int) -> None:
        if step == 2000:
            raise Abandoned

    storage, job = InMemoryStorage(), Job(CONSTANT, "tpe", 0)
    with pytest.raises(Abandoned):
        Search(settings(), job, digits, storage, give_up).run()
    search = Search(settings(), job, digits, storage)
    assert [trial.state for trial in search.study.trials] == [TrialState.FAIL]
    assert search.spent == 0
    search.run()
    assert search.spent == pytest.approx(4)


def test_stopped_searches_are_compared_as_far_as_all_have_come(digits: Dataset) -> None:
    storage = InMemoryStorage()
    for job, spent in ((Job(CONSTANT, "kappa", 0), 3.4), (Job(CONSTANT, "tpe", 0), 2)):
        Search(settings(), job, digits, storage).run(lambda now, spent=spent: now < spent)  # type: ignore[misc]
    Search(settings(), Job(COSINE, "tpe", 0), digits, storage).run(lambda now: now < 3)
    Search(settings(), Job(COSINE, "kappa", 0), digits, storage).run(lambda now: now < 1.5)
    results = read_all(settings(), digits.name, digits.n_train, storage)
    assert not results.is_finished and results.limits[CONSTANT] == 2
    searches = results.of(CONSTANT, ("kappa", "tpe"))
    assert searches["tpe"][0].spent == 2 and searches["kappa"][0].spent <= 2
    assert searches["kappa"][0].standing.spent >= 3.4
    text = summary(searches, results.limits[CONSTANT])
    assert "compared up to 2 of 4" in text and "of 1 repeat kappa ended" in text

    # With less, kappa has nothing but its probes.
    early = read_all(settings(), digits.name, digits.n_train, storage).found
    probing = replace(early[0], loss=float("inf"))
    text = summary({"kappa": [probing], "tpe": searches["tpe"]}, 1.0)
    assert text.startswith("kappa has not finished a full run in most repeats yet. The searches")


def test_other_settings_are_not_mixed_in(digits: Dataset, done: BaseStorage) -> None:
    with pytest.raises(ValueError, match="made with seed 0, not 5; start again with --fresh"):
        Search(settings(seed=5), Job(CONSTANT, "tpe", 0), digits, done)


def test_several_parameters(digits: Dataset) -> None:
    several = settings(search=("batch_size", "weight_decay", "lr"))
    assert several == settings(search=("lr", "weight_decay", "batch_size"))
    storage = InMemoryStorage()
    for job in jobs(several):
        Search(several, job, digits, storage).run()
    for name in optuna.get_all_study_names(storage):
        trials = optuna.load_study(study_name=name, storage=storage).trials
        assert all(set(trial.params) == set(several.search) for trial in trials)
        assert 3 < sum(cost(trial, 2000) for trial in trials) <= 4 or "cosine" in name
    results = read_all(several, digits.name, digits.n_train, storage)
    searches = results.of(CONSTANT, several.samplers)
    (line,) = best({"tpe": searches["tpe"]}, several.search)
    tpe = searches["tpe"][0].params
    assert line[3:] == tuple(f"{tpe[name]:.3g}" for name in several.search)
    assert "With half of the budget" in summary(searches)


def test_spaces_are_not_mixed(
    digits: Dataset, done: BaseStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, several = Job(CONSTANT, "tpe", 0), settings(search=("lr", "hidden"))
    assert study_name(settings(), job, "digits").endswith("constant 2 epochs/tpe/repeat 0")
    assert study_name(several, job, "digits") != study_name(settings(), job, "digits")
    search = Search(several, job, digits, done)
    search.run(lambda spent: spent < 1)
    assert search.study.user_attrs["settings"]["hidden range"] == [64, 512]
    monkeypatch.setattr("studies.compare.stamps.OTHERS", {"hidden": (16, 64)})
    with pytest.raises(ValueError, match=r"made with hidden range \[64, 512\], not \[16, 64\]"):
        Search(several, job, digits, done)


def test_results(digits: Dataset, done: BaseStorage) -> None:
    results = read_all(settings(), digits.name, digits.n_train, done)
    assert results.is_finished and results.limits == {CONSTANT: 4, COSINE: 4}
    assert {search.job for search in results.found} == set(jobs(settings()))
    searches = results.of(CONSTANT, ("kappa", "tpe"))
    tpe = searches["tpe"][0]
    study = study_of(tpe.job, digits, done)
    assert (tpe.loss, tpe.lr) == (study.best_value, study.best_params["lr"])
    assert baseline_loss(searches) == tpe.loss
    kappa, baseline = rows(searches)
    assert baseline.to_match is None
    assert kappa.to_match == [searches["kappa"][0].trajectory.budget_to(tpe.loss)]
    assert tpe.trajectory.budget_to(tpe.loss) == study.best_trial.number + 1
    expected = proposal(results.of(COSINE, ("kappa", "tpe"))["kappa"][0], digits.n_train)
    assert expected is not None and expected.low < expected.lr < expected.high
    assert all(len(line) == len(HEADER) for line in lines(searches))
    assert f"tpe ended at a loss of {tpe.loss:.4f} after 4 full-run" in summary(searches)


def test_picture(digits: Dataset, done: BaseStorage) -> None:
    searches = read_all(settings(), digits.name, digits.n_train, done).of(
        CONSTANT, ("kappa", "tpe")
    )
    chart = chart_of(CONSTANT, settings(), searches)
    assert "Adam, constant rate, 2 epochs: real training, 1 repeat" in chart.title
    assert [series.label for series in chart.series] == ["optuna-kappa", "TPE"]
    for series, name in zip(chart.series, ("kappa", "tpe"), strict=True):
        (search,) = searches[name]
        assert series.y[-1] == search.loss
        assert list(series.y) == [float(search.trajectory.at(budget)) for budget in series.x]
    assert chart_of(CONSTANT, settings(), {}).series == ()


def test_nothing_is_shown_of_a_sampler_that_has_not_begun(digits: Dataset) -> None:
    storage = InMemoryStorage()
    Search(settings(), Job(CONSTANT, "tpe", 0), digits, storage).run(lambda spent: spent < 2)
    results = read_all(settings(), digits.name, digits.n_train, storage)
    assert results.found == [] and not results.is_finished
    assert summary({}) == "No full run has been finished by all searches yet."


def test_probes_are_lent_by_the_same_repeat() -> None:
    assert lender(settings(), Job(COSINE, "kappa", 3)) == Job(CONSTANT, "kappa", 3)
    assert lender(settings(), Job(CONSTANT, "kappa", 0)) is None
    assert lender(settings(), Job(COSINE, "tpe", 0)) is None


@pytest.mark.parametrize("name", ["random", "gp", "tpe+median", "tpe+hyperband"])
def test_other_samplers(digits: Dataset, name: str) -> None:
    storage = InMemoryStorage()
    search = Search(settings((name,)), Job(CONSTANT, name, 0), digits, storage)
    search.run()
    assert 3 < search.spent <= 4
