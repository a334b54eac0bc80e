"""The stock optuna sweeper over regsweep's own search nodes."""

import csv

import pytest
from in_process import multirun

from regsweep.records.record import read

pytestmark = pytest.mark.usefixtures("workers")

TINY = (
    *("hydra/sweeper=optuna", "hydra.launcher.workers=1", "model.hidden=[4]", "trainer.epochs=1"),
    *("data.train_size=200", "data.validation_size=100"),
)


@pytest.fixture
def searched(tmp_path, monkeypatch):
    """The records of a search, in the order of its jobs; the folder is ``here`` by default."""

    def search(*asked, folder="here"):
        multirun(monkeypatch, *TINY, f"hydra.sweep.dir={tmp_path}/{folder}", *asked)
        paths = (tmp_path / folder).glob("*/record.json")
        return [read(path) for path in sorted(paths, key=lambda path: int(path.parent.name))]

    return search


def test_a_seeded_search_repeats_itself(searched):
    one, two = (searched("hydra.sweeper.n_trials=4", folder=name) for name in ("one", "two"))

    assert len(one) == 4
    assert [record.overrides for record in one] == [record.overrides for record in two]


def test_other_samplers_work(searched):
    asked = ("regularizer=l1", "hydra/sweeper/sampler=nsgaii", "hydra.sweeper.n_trials=2")

    assert [record.status for record in searched(*asked)] == ["completed"] * 2


def test_intervals_and_search_nodes_of_the_command_line_go_before_the_yamls(searched):
    found = searched(
        "regularizer=elastic",
        "regularizer.weight=tag(log,interval(1e-4,2e-4))",
        "regularizer.search.l1_ratio='interval(0.5,0.6)'",
        "hydra.sweeper.n_trials=3",
    )

    assert len(found) == 3
    assert all(1e-4 <= record.params["regularizer.weight"] <= 2e-4 for record in found)
    assert all(0.5 <= record.params["regularizer.l1_ratio"] <= 0.6 for record in found)


def test_a_fixed_key_is_not_searched(searched):
    found = searched("regularizer=elastic", "regularizer.weight=1e-3", "hydra.sweeper.n_trials=2")

    assert [record.config["regularizer.weight"] for record in found] == [1e-3, 1e-3]
    assert all(record.params.keys() == {"regularizer.l1_ratio"} for record in found)


def test_without_search_nodes_nothing_is_searched(searched):
    found = searched("regularizer=l1", "regularizer.search=null", "hydra.sweeper.n_trials=2")

    assert [record.params for record in found] == [{}, {}]


def test_a_diverged_run_is_no_failure_and_no_winner(searched, tmp_path):
    found = searched(
        "regularizer=none",
        "optimizer=sgd",
        "optimizer.lr=1e30,1e-2",
        "hydra.sweeper.n_trials=4",
    )

    by_lr = {r.params["optimizer.lr"]: (r.status, len(r.metrics)) for r in found}
    assert by_lr[1e30] == ("diverged", 0)
    assert by_lr[1e-2][0] == "completed"
    with (tmp_path / "here" / "comparison.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert int(row["diverged"]) == sum(r.status == "diverged" for r in found)
    assert row["best_overrides"] == (
        "regularizer=none optimizer.lr=0.01 'model.hidden=[4]' trainer.epochs=1 "
        "data.train_size=200 data.validation_size=100 optimizer=sgd trainer.device=cpu "
        "trainer.compile=false"
    )
    logs = [path.read_text() for path in (tmp_path / "here").glob("*/regsweep.log")]
    told = [log for log in logs if "diverged: the loss was not finite in epoch 1" in log]
    assert len(told) == int(row["diverged"])
