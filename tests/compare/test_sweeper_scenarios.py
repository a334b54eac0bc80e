"""The scenarios of the tests of Hydra's sweepers and of hydra-optuna-sweeper, for ``compare``."""

import csv
import json
from collections import Counter
from contextlib import contextmanager

import optuna
import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from in_process import multirun
from noting import noted
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from regsweep.compare.sweeper import CompareSweeper
from regsweep.errors import InputError
from regsweep.records.folder import hold
from regsweep.records.record import read

pytestmark = pytest.mark.usefixtures("workers")

TINY = (
    *("model.hidden=[4]", "trainer.epochs=1", "trainer.batch_size=50"),
    *("data.train_size=200", "data.validation_size=100", "hydra.launcher.workers=1"),
)
SMALL = (
    "hydra.sweeper.n_trials=4",
    "hydra.sweeper.n_jobs=4",
    "hydra.sweeper.confirm_seeds=2",
    "hydra.sweeper.max_confirm_seeds=2",
)


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """The rounds of a sweep into the folder ``here``."""
    return lambda *asked: multirun(
        monkeypatch, *TINY, *SMALL, f"hydra.sweep.dir={tmp_path}/here", *asked
    )


def records(folder, stage):
    return [read(path) for path in sorted(folder.glob(f"here/{stage}/*/*/record.json"))]


def test_a_run_made_while_the_folder_is_taken_is_left_alone(tmp_path, swept, monkeypatch):
    made = tmp_path / "here" / "run" / "record.json"

    @contextmanager
    def hold_late(key, directory):
        made.parent.mkdir(parents=True)
        made.write_text("{}")
        with hold(key, directory):
            yield

    monkeypatch.setattr("regsweep.compare.sweep.hold", hold_late)
    with pytest.raises(InputError, match=r"here/run: the folder already holds a record"):
        swept("regularizer=none")

    assert not (tmp_path / "here" / "sweep.json").exists()


def rows(folder):
    with (folder / "here" / "comparison.csv").open(newline="") as file:
        return {row["arm"]: row for row in csv.DictReader(file)}


def test_hydra_finds_it():
    assert CompareSweeper in Plugins.instance().discover(Sweeper)


SPACES = {
    "optimizer.lr=1e-3,1e-2": CategoricalDistribution([1e-3, 1e-2]),
    "optimizer.lr=choice(1e-3,1e-2)": CategoricalDistribution([1e-3, 1e-2]),
    "model.hidden=[8],[8,4]": CategoricalDistribution(["[8]", "[8,4]"]),
    "trainer.batch_size=range(10,50,10)": IntDistribution(10, 40, step=10),
    "optimizer.lr=range(0.1,0.5,step=0.1)": FloatDistribution(0.1, 0.4, step=0.1),
    "optimizer.lr=interval(0.1,1)": FloatDistribution(0.1, 1.0),
    "optimizer.lr=tag(log,interval(0.1,1))": FloatDistribution(0.1, 1.0, log=True),
    "trainer.batch_size=int(interval(10,50))": IntDistribution(10, 50),
    "trainer.batch_size=tag(log,int(interval(10,50)))": IntDistribution(10, 50, log=True),
    "++optimizer.lr=1e-3,1e-2": CategoricalDistribution([1e-3, 1e-2]),
    "optimizer.lr=sort(1e-2,1e-3)": CategoricalDistribution([1e-3, 1e-2]),
    "trainer.batch_size=sort(range(10,50,10),reverse=true)": IntDistribution(10, 40, step=10),
}


@pytest.mark.parametrize("override", SPACES)
def test_every_spelling_of_a_sweep_is_searched_as_what_it_says(planned, override):
    plan, [space] = planned("regularizer=none", override)

    assert list(space.values()) == [SPACES[override]]
    assert plan.trials == (20,)


def test_the_command_line_goes_before_the_params_of_the_config(planned):
    params = (
        "+hydra.sweeper.params={regularizer: 'none,l1', optimizer.lr: 'interval(0,1)', "
        "model.hidden: '[8],[4]'}"
    )
    plan, [space, _] = planned(params, "optimizer.lr=interval(0.25,0.5)")

    assert [arm.name for arm in plan.arms] == ["regularizer=none", "regularizer=l1"]
    assert space == {
        "optimizer.lr": FloatDistribution(0.25, 0.5),
        "model.hidden": CategoricalDistribution(["[8]", "[4]"]),
    }


def test_a_glob_compares_all_that_it_matches(planned):
    plan, _ = planned("regularizer=glob(*,exclude=[c*,d*,e*,g*,la*,m*,w*])")

    assert [arm.name for arm in plan.arms] == [
        f"regularizer={name}" for name in ("l1", "l2", "none")
    ]


def test_arms_are_in_the_order_that_is_asked_for(planned):
    plan, _ = planned("regularizer=sort(none,l2,l1,reverse=true)")

    assert [arm.name for arm in plan.arms] == [
        f"regularizer={name}" for name in ("none", "l2", "l1")
    ]


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        (["regularizer=shuffle(none,l1)"], "regularizer=shuffle(none,l1)"),
        (["optimizer.lr=shuffle(1e-3,1e-2)"], "optimizer.lr=shuffle(1e-3,1e-2)"),
        (["+optimizer.search={lr: 'shuffle(1e-3,1e-2)'}"], "optimizer.lr=shuffle(1e-3,1e-2)"),
    ],
)
def test_what_would_be_another_sweep_each_time_is_refused(planned, asked, refused):
    with pytest.raises(InputError) as caught:
        planned(*asked)

    assert str(caught.value) == (
        f"{refused}: expected a list in one order, as a comparison can be gone on with"
    )


def test_several_objectives_are_refused(planned):
    with pytest.raises(InputError, match=r"hydra.sweeper.direction=.*: expected minimize"):
        planned("regularizer=l1", "hydra.sweeper.direction=[minimize,minimize]")


def test_random_trials_in_a_storage_of_the_users(swept, tmp_path):
    """With interpolations, callbacks, and the environment of jobs; then more trials."""
    storage = f"sqlite:///{tmp_path}/mine.db"
    asked = (
        "regularizer=none,l1",
        "hydra/sweeper/sampler=random",
        f"hydra.sweeper.storage={storage}",
        "hydra.sweeper.study_name=mine",
        "optimizer.lr=0.05,0.2",
        "data.split_seed=${seed}",
        "hydra.job.chdir=true",
        "+hydra.job.env_set.NOTED='${run.stage} ${regularizer.name}'",
        "+hydra.callbacks.noting._target_=noting.Noting",
    )
    rounds = swept(*asked)

    assert [len(jobs) for jobs in rounds] == [4, 4, 4]
    found = records(tmp_path, "search")
    assert Counter(record.arm["regularizer"] for record in found) == {"none": 4, "l1": 4}
    weights = [record.params["regularizer.weight"] for record in found if len(record.params) > 1]
    assert len(set(weights)) == 4
    assert all(1e-6 <= weight <= 1e-2 for weight in weights)
    assert {record.params["optimizer.lr"] for record in found} <= {0.05, 0.2}
    confirmed = records(tmp_path, "confirm")
    assert {r.config["data.split_seed"] for r in confirmed} == {r.seed for r in confirmed}

    for record in [*found, *confirmed]:
        folder = tmp_path / "here" / record.run
        start, end = noted(folder)
        assert (start["call"], end["call"]) == ("on_job_start", "on_job_end")
        assert (start["cwd"], end["status"]) == (str(folder), "COMPLETED")
        assert start["environment"] == f"{record.stage} {record.arm['regularizer']}"
        assert start["lr"] == record.params["optimizer.lr"]
    numbers = [noted(tmp_path / "here" / r.run)[0]["number"] for r in [*found, *confirmed]]
    assert sorted(numbers) == list(range(12))

    studies = {"mine: regularizer=none", "mine: regularizer=l1"}
    assert set(optuna.get_all_study_names(storage)) == studies
    assert not (tmp_path / "here" / "optuna.db").exists()
    study = optuna.load_study(study_name="mine: regularizer=l1", storage=storage)
    values = {r.trial: r.metrics["val_loss"] for r in found if r.arm["regularizer"] == "l1"}
    assert {trial.number: trial.value for trial in study.trials} == values

    more = swept(*asked, "hydra.sweeper.n_trials=6")
    assert sum(map(len, more)) in (4, 6, 8)  # the winners change, or do not
    assert len(records(tmp_path, "search")) == 12
    study = optuna.load_study(study_name="mine: regularizer=l1", storage=storage)
    assert len(study.trials) == 6


SAMPLERS = {
    "cmaes": ["popsize=4"],
    "gp": ["n_startup_trials=2"],
    "nsgaii": ["population_size=2"],
    "nsgaiii": ["population_size=2"],
    "qmc": [],
}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_searches(swept, tmp_path, capsys, sampler):
    swept(
        "regularizer=l1",
        "optimizer.lr=0.05,0.2",
        f"hydra/sweeper/sampler={sampler}",
        *(f"hydra.sweeper.sampler.{setting}" for setting in SAMPLERS[sampler]),
        "hydra.sweeper.n_trials=6",
        "hydra.sweeper.n_jobs=2",
        "hydra.sweeper.confirm_seeds=0",
    )

    found = records(tmp_path, "search")
    assert [record.status for record in found] == ["completed"] * 6
    weights = {record.params["regularizer.weight"] for record in found}
    assert len(weights) > 2  # the children of a genetic sampler may be as their parents
    assert all(1e-6 <= weight <= 1e-2 for weight in weights)
    assert {record.params["optimizer.lr"] for record in found} <= {0.05, 0.2}
    left = "optimizer.lr is drawn at random for l1: hydra/sweeper/sampler=cmaes searches no lists"
    assert capsys.readouterr().out.count(left) == (sampler == "cmaes")


def test_a_grid_is_walked_whole(swept, tmp_path):
    swept(
        "regularizer=none,l1",
        "hydra/sweeper/sampler=grid",
        "regularizer.weight=1e-4,1e-2",
        "optimizer.lr=range(0.1,0.4,step=0.2)",
    )

    points = Counter(tuple(r.params.values()) for r in records(tmp_path, "search"))
    lrs = (0.1, 0.3)
    assert points == Counter(
        [*((lr,) for lr in lrs), *((w, lr) for w in (1e-4, 1e-2) for lr in lrs)]
    )
    assert {arm: row["trials"] for arm, row in rows(tmp_path).items()} == {
        "regularizer=none": "2", "regularizer=l1": "4",
    }  # fmt: skip


def test_more_failures_than_allowed_end_it(swept, tmp_path):
    with pytest.raises(InputError) as caught:
        swept(
            "regularizer=none",
            "model.hidden=[4],[99999999999]",
            "hydra/sweeper/sampler=grid",
            "hydra.sweeper.max_failure_rate=0.25",
        )

    assert str(caught.value) == (
        "hydra.sweeper.max_failure_rate=0.25: 1 of 2 trials have failed or diverged; "
        "runs.csv says which, the records hold the tracebacks"
    )
    assert (tmp_path / "here" / "comparison.csv").exists()
    assert records(tmp_path, "confirm") == []


FAILING = ("regularizer=none,l1", "model.hidden=[8],[99999999999]")


def test_failed_runs_do_not_stop_it(swept, tmp_path, capsys):
    swept(*FAILING)

    failed = [record for record in records(tmp_path, "search") if record.status == "failed"]
    assert failed
    assert all("Traceback (most recent call last)" in record.error for record in failed)
    assert f"{len(failed)} failed" in capsys.readouterr().out
    assert sum(int(row["failed"]) for row in rows(tmp_path).values()) == len(failed)


def test_without_any_result_it_has_failed(swept, capsys):
    with pytest.raises(InputError, match=r"no trial completed; runs\.csv says why"):
        swept("regularizer=none,l1", "model.hidden=[99999999999]", "hydra.sweeper.n_trials=1")

    assert capsys.readouterr().out.count("has no finished trial") == 2


def test_a_diverged_arm_is_counted_and_never_wins(swept, tmp_path, capsys):
    swept("regularizer=none,l1", "optimizer=sgd", "optimizer.lr=1e30,1e-2")

    found = records(tmp_path, "search")
    diverged = [record for record in found if record.status == "diverged"]
    assert {record.params["optimizer.lr"] for record in diverged} == {1e30}
    table = rows(tmp_path).values()
    assert sum(int(row["diverged"]) for row in table) == len(diverged)
    assert all("optimizer.lr=0.01" in row["best_overrides"] for row in table)
    assert f"{len(diverged)} diverged" in capsys.readouterr().out
    storage = f"sqlite:///{tmp_path}/here/optuna.db"
    states = Counter(
        trial.state
        for name in optuna.get_all_study_names(storage)
        for trial in optuna.load_study(study_name=name, storage=storage).trials
    )
    completed = len(found) - len(diverged)
    assert states == {TrialState.PRUNED: len(diverged), TrialState.COMPLETE: completed}


def test_asking_again_does_nothing_twice_and_more_trials_go_on(swept, tmp_path):
    def left():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("here/**/record.json")}

    swept("regularizer=l1")
    before, table = left(), (tmp_path / "here" / "comparison.csv").read_bytes()

    swept("regularizer=l1")
    assert left() == before
    assert (tmp_path / "here" / "comparison.csv").read_bytes() == table

    more = (
        "regularizer=l1",
        "hydra.sweeper.n_trials=6",
        "hydra.sweeper.confirm_seeds=3",
        "hydra.sweeper.max_confirm_seeds=3",
    )
    swept(*more)
    swept(*more, f"hydra.sweep.dir={tmp_path}/whole")
    tables = [(tmp_path / name / "comparison.csv").read_bytes() for name in ("here", "whole")]
    assert tables[0] == tables[1]
    assert before.items() <= left().items()


class TestLooks:
    ASKED = ("regularizer=none,l2", "hydra.sweeper.margin=null")

    def confirmed(self, tmp_path):
        seeds = [record.seed for record in records(tmp_path, "confirm")]
        return sorted(set(seeds)), len(seeds)

    def test_what_is_not_decided_gets_more_seeds_up_to_the_last_look(self, tmp_path, swept):
        swept(*self.ASKED, "hydra.sweeper.max_confirm_seeds=4")

        assert self.confirmed(tmp_path) == ([10000, 10001, 10002, 10003], 8)
        whole = (tmp_path / "here" / "comparison.csv").read_bytes()
        for record in (tmp_path / "here").glob("confirm/*/*-1000[23]/record.json"):
            record.unlink()
        swept(*self.ASKED, "hydra.sweeper.max_confirm_seeds=4")
        assert (tmp_path / "here" / "comparison.csv").read_bytes() == whole

    def test_looks_beyond_the_plan_are_exploratory_and_fresh_seeds_are_not(self, tmp_path, swept):
        swept(*self.ASKED)
        swept(*self.ASKED, "hydra.sweeper.max_confirm_seeds=4")

        asked = json.loads((tmp_path / "here" / "sweep.json").read_text())
        assert asked["exploratory"] == "looks was [2] and is now [2, 4]"
        swept(*self.ASKED, "hydra.sweeper.confirm_from=10004")
        asked = json.loads((tmp_path / "here" / "sweep.json").read_text())
        assert asked["exploratory"] is None
        assert self.confirmed(tmp_path) == ([*range(10000, 10006)], 12)

    def test_seeds_that_were_seen_confirm_nothing(self, tmp_path, swept):
        swept(*self.ASKED)

        with pytest.raises(InputError, match="no look has seen, from 10002 on"):
            swept(*self.ASKED, "hydra.sweeper.confirm_from=10001")
        swept(*self.ASKED, "hydra.sweeper.confirm_from=10002", "hydra.sweeper.confirm_seeds=3")
        asked = json.loads((tmp_path / "here" / "sweep.json").read_text())
        assert asked["exploratory"] is None
        text = (tmp_path / "here" / "comparison.csv").read_text()
        [row] = [r for r in csv.DictReader(text.splitlines()) if r["arm"] == "regularizer=l2"]
        assert row["seeds"] == "3"
