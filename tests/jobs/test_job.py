import csv
from dataclasses import replace

import pytest

from regsweep.jobs.job import objective, write_history
from regsweep.records.record import Record
from regsweep.training.result import Epoch

CONFIG = {
    "seed": 0,
    "objective": "val_loss",
    "data": {
        "name": "mnist", "root": "x", "train_size": None, "validation_size": 10, "split_seed": 0,
    },
    "model": {"name": "logistic"},
    "regularizer": {"name": "none", "scope": "weights"},
    "optimizer": {"name": "adam", "lr": 1e-3},
    "trainer": {
        "epochs": 1, "batch_size": 1, "device": "cpu", "compile": "auto",
        "matmul_precision": "highest", "log_every": None,
    },
    "run": {"stage": None, "arm": None, "trial": None},
}  # fmt: skip
METRICS = {"val_loss": 0.3, "val_accuracy": 0.9}
DONE = Record("0", "search", {"regularizer": "none"}, 0, 0, "completed", metrics=METRICS)


def test_a_search_minimises_loss_or_error():
    assert objective(DONE, CONFIG) == 0.3
    assert objective(DONE, CONFIG | {"objective": "val_error"}) == pytest.approx(0.1)


def test_a_diverged_run_is_the_worst():
    assert objective(replace(DONE, status="diverged", metrics={}), CONFIG) == float("inf")


def test_without_validation_data_there_is_no_objective():
    data = {**CONFIG["data"], "validation_size": 0}

    assert objective(DONE, CONFIG | {"data": data}) is None


def test_history_is_a_row_an_epoch_in_full_precision(tmp_path):
    path = tmp_path / "history.csv"
    write_history([Epoch(1, 0.1 + 0.2, 0.5, None, None), Epoch(2, 1.0, 0.5, 2.0, 1.0)], path)

    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert list(rows[0]) == ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert float(rows[0]["train_loss"]) == 0.1 + 0.2
    assert rows[0]["val_loss"] == ""
    assert rows[1]["val_loss"] == "2.0"


def test_history_of_a_run_that_stops_early_says_by_what(tmp_path):
    path = tmp_path / "history.csv"
    write_history([Epoch(1, 1.0, 0.5, 2.0, 1.0, 0.1 + 0.2)], path)

    assert path.read_text().splitlines() == [
        "epoch,train_loss,train_accuracy,val_loss,val_accuracy,stopping_loss",
        "1,1.0,0.5,2.0,1.0,0.30000000000000004",
    ]
