import pandas as pd

from regsweep.report.tables.gather import gather
from regsweep.report.tables.runs import param_columns, runs_table


def table(folder):
    return runs_table(gather([folder.root]).runs)


COLUMNS_WITH_ONE_KEY = [
    *("sweep", "run", "stage", "arm", "trial", "seed", "status"),
    *("regularizer", "regularizer.weight"),
    *("train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"),
    *("penalty", "l1_norm", "l2_norm", "zero_fraction", "near_zero_fraction"),
    *("epochs", "seconds", "error"),
]


def test_the_columns_are_those_of_the_contract(folder):
    folder.trial(0, 1e-3, 0.5)
    assert list(table(folder).columns) == COLUMNS_WITH_ONE_KEY


def test_searched_keys_are_sorted_and_empty_where_an_arm_has_none(folder):
    folder.trial(0, 1e-3, 0.5, params={"b.y": 1, "a.x": None})
    folder.trial(0, None, 0.5, arm="none")
    runs = table(folder)
    assert param_columns(runs) == ["regularizer", "a.x", "b.y"]
    assert runs["b.y"].tolist()[0] == 1
    assert runs["a.x"].tolist()[0] is None
    assert runs.loc[1, ["a.x", "b.y"]].isna().all()


def test_a_key_named_like_a_column_or_the_arm_is_not_added_again(folder):
    folder.trial(0, 0.1, 0.5, params={"seed": 0, "regularizer": "l1", "regularizer.weight": 0.1})
    assert list(table(folder).columns) == COLUMNS_WITH_ONE_KEY


def test_rows_are_sorted_by_stage_arm_trial_seed_and_run(folder):
    folder.trial(0, 1, 1, stage="confirm", arm="l1", seed=10000)
    folder.trial(10, 1, 1, arm="l1")
    folder.trial(2, 1, 1, arm="l1", seed=1)
    folder.trial(2, 1, 1, arm="l1", seed=0)
    folder.trial(3, 1, 1, arm="elastic")
    folder.run("b", "sweep")
    folder.run("a", "sweep")
    runs = table(folder)
    assert runs["run"].tolist() == [
        *("a", "b", "elastic-3-0", "l1-2-0", "l1-2-1", "l1-10-0", "l1-0-10000"),
    ]
    assert runs["stage"].tolist() == ["single"] * 2 + ["search"] * 4 + ["confirm"]


def test_values_keep_their_types(folder):
    folder.sweep()
    folder.trial(0, 0.1 + 0.2, 0.25, more={"penalty": None}, epochs=3, seconds=1.5)
    folder.run("alone", arm={"regularizer": "l1", "model": "mlp"}, seed=7)
    lone, searched = table(folder).to_dict("records")
    assert (lone["arm"], lone["seed"]) == ("regularizer=l1 model=mlp", 7)
    assert str(table(folder)["trial"].dtype) == "Int64"
    assert pd.isna(lone["trial"])
    assert pd.isna(lone["sweep"])
    assert pd.isna(lone["val_loss"])
    assert (searched["sweep"], searched["trial"], searched["val_loss"]) == ("sweep", 0, 0.25)
    assert searched["regularizer.weight"] == 0.1 + 0.2
    assert pd.isna(searched["penalty"])
    assert (searched["epochs"], searched["seconds"]) == (3, 1.5)


def test_of_a_traceback_the_exceptions_line_is_kept(folder):
    error = 'Traceback (most recent call last):\n  File "x.py"\nValueError: no such thing\n'
    folder.run("a", status="failed", error=error)
    folder.run("b", error="  \n")
    first, second = table(folder)["error"]
    assert first == "ValueError: no such thing"
    assert pd.isna(second)
