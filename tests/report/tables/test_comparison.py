import pandas as pd
import pytest

from regsweep.report.build import build_report
from regsweep.report.tables.comparison import comparison_table
from regsweep.report.tables.gather import gather
from regsweep.report.tables.runs import runs_table

COLUMNS = [
    *("arm", "trials", "failed", "diverged", "trial", "best_overrides", "val_loss"),
    "val_accuracy",
    *("seeds", "test_accuracy_mean", "test_accuracy_std", "test_accuracy_ci_low"),
    *("test_accuracy_ci_high", "test_loss_mean", "test_loss_std", "test_loss_ci_low"),
    *("test_loss_ci_high", "train_accuracy_mean"),
    *("generalization_gap_mean", "zero_fraction_mean", "near_zero_fraction_mean"),
    *("l1_norm_mean", "l2_norm_mean", "metric", "baseline", "improvement_mean"),
    *("improvement_ci_low", "improvement_ci_high", "p_value", "p_holm"),
    *("probability_better", "margin", "seeds_needed", "plateau_low", "plateau_high", "verdict"),
]


def compared(folder, objective="val_loss"):
    return comparison_table(runs_table(gather([folder.root]).runs), objective)


def only_row(folder, objective="val_loss"):
    (row,) = compared(folder, objective).to_dict("records")
    return row


def test_the_columns_are_those_of_the_contract(folder):
    folder.trial(0, 0.5, 0.5)
    place = COLUMNS.index("best_overrides") + 1
    assert list(compared(folder).columns) == [
        *COLUMNS[:place],
        "regularizer.weight",
        *COLUMNS[place:],
    ]


def test_every_searched_key_has_a_column_with_the_winners_value(folder):
    folder.trial(0, 0.5, 0.4)
    folder.trial(1, 0.0012, 0.25)
    folder.trial(0, None, 0.25, arm="none")
    folder.trial(2, None, 0.25, arm="elastic", params={"a.list": [1, 2], "regularizer.weight": 1})
    table = compared(folder).set_index("arm")
    assert table["regularizer.weight"].fillna(-1).tolist() == [1, 0.0012, -1]
    assert table.at["regularizer=elastic", "a.list"] == [1, 2]
    assert table["trial"].tolist() == [2, 1, 0]


def test_an_arms_row_is_of_its_best_trial(folder):
    more = {"train_accuracy": 0.9, "zero_fraction": 0.25, "near_zero_fraction": 0.5}
    norms = {"l1_norm": 3.0, "l2_norm": 2.0}
    folder.trial(0, 0.5, 0.4)
    folder.trial(1, 0.0012, 0.25, more=more | norms)
    folder.trial(2, 0.1, 0.3)
    row = only_row(folder)
    assert row["best_overrides"] == "regularizer=l1 regularizer.weight=0.0012"
    assert (row["arm"], row["trials"], row["failed"], row["diverged"]) == (
        "regularizer=l1",
        3,
        0,
        0,
    )
    assert (row["val_loss"], row["val_accuracy"]) == (0.25, 0.75)
    assert (row["train_accuracy_mean"], row["zero_fraction_mean"]) == (0.9, 0.25)
    assert (row["near_zero_fraction_mean"], row["l1_norm_mean"], row["l2_norm_mean"]) == (0.5, 3, 2)
    unknown = COLUMNS[COLUMNS.index("seeds") : COLUMNS.index("train_accuracy_mean")]
    unknown += ["generalization_gap_mean", *COLUMNS[COLUMNS.index("metric") :]]
    assert all(pd.isna(row[column]) for column in unknown)


def test_val_error_judges_by_accuracy(folder):
    folder.trial(0, 0.5, 0.2, more={"val_accuracy": 0.7})
    folder.trial(1, 0.1, 0.3, more={"val_accuracy": 0.8})
    assert only_row(folder)["val_loss"] == 0.2
    assert only_row(folder, "val_error")["val_loss"] == 0.3


def test_a_trial_is_worth_the_mean_of_its_replicates(folder):
    for seed, lucky, steady in ((0, 0.125, 0.25), (1, 0.5, 0.25)):
        folder.trial(0, 0.5, lucky, seed=seed)
        folder.trial(1, 0.1, steady, seed=seed)
    row = only_row(folder)
    assert (row["trials"], row["val_loss"]) == (2, 0.25)
    assert row["best_overrides"] == "regularizer=l1 regularizer.weight=0.1"


def test_equal_values_in_two_trials_of_a_search_stay_two_trials(folder):
    folder.trial(0, 0.1, 0.5)
    folder.trial(1, 0.1, 0.25)
    assert only_row(folder)["val_loss"] == 0.25


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_trial_with_a_broken_run_cannot_win(folder, status):
    folder.trial(0, 0.5, 0.125, seed=0)
    folder.trial(0, 0.5, 0.125, seed=1, status=status, metrics={})
    folder.trial(1, 0.1, 0.5, seed=0)
    row = only_row(folder)
    assert (row["trials"], row[status], row["val_loss"]) == (2, 1, 0.5)


def test_an_arm_with_no_finished_trial_keeps_its_row(folder):
    folder.trial(0, 0.5, 0.5, status="diverged")
    row = only_row(folder)
    assert (row["trials"], row["diverged"]) == (1, 1)
    assert pd.isna(row["best_overrides"])
    assert pd.isna(row["val_loss"])


def test_arms_are_sorted_best_first_then_by_name_and_those_without_a_value_last(folder):
    folder.trial(0, 0.5, 0.5, arm="l2")
    folder.trial(0, 0.5, 0.25, arm="weight_decay")
    folder.trial(0, 0.5, 0.25, arm="elastic")
    folder.trial(0, 0.5, 0.5, arm="l1", status="failed")
    arms = [arm.removeprefix("regularizer=") for arm in compared(folder)["arm"]]
    assert arms == ["elastic", "weight_decay", "l2", "l1"]


def single(folder, name, weight, seed, **metrics):
    params = {"regularizer.weight": weight}
    arm = {"regularizer": "l1"}
    folder.run(name, "sweep", arm=arm, trial=int(name), seed=seed, params=params, metrics=metrics)


def test_an_arm_that_was_decided_on_fewer_seeds_is_sorted_as_it_was_judged(folder):
    seeds = {"search": (0,), "confirm": tuple(range(10000, 10006))}
    folder.compared("none", "l1", "l2", looks=(3, 6), margin=1e-6, seeds=seeds)
    # The first three seeds are easy ones, on which l1 is worse than none.
    none = [0.5, 0.51, 0.52, 0.9, 0.91, 0.92]
    folder.arm("none", none)
    folder.arm("l1", [0.6, 0.611, 0.619])
    folder.arm("l2", [0.499, 0.511, 0.519, 0.901, 0.9, 0.92])
    table = build_report([folder.root]).comparison

    arms, verdicts = table["arm"].tolist(), table["verdict"].tolist()
    assert arms == ["regularizer=l2", "regularizer=none", "regularizer=l1"]
    assert (verdicts[0], verdicts[2]) == ("undecided", "worse")
    means = table["test_loss_mean"].tolist()
    assert means[2] < means[0] < means[1]


def test_single_runs_of_equal_values_are_seeds_of_one_setting(folder):
    def metrics(val, test):
        return {"val_loss": 1 - val, "val_accuracy": val, "test_loss": 1 - test} | {
            "test_accuracy": test,
            "train_accuracy": 1.0,
            "zero_fraction": test,
        }

    single(folder, "0", 0.1, 0, **metrics(0.5, 0.5))
    single(folder, "1", 0.1, 1, **metrics(0.75, 0.75))
    single(folder, "2", 0.2, 0, **metrics(0.25, 0.25))
    row = only_row(folder)
    assert row["best_overrides"] == "regularizer=l1 regularizer.weight=0.1"
    assert (row["trials"], row["seeds"], row["val_loss"]) == (3, 2, 0.375)
    assert (row["test_accuracy_mean"], row["test_loss_mean"]) == (0.625, 0.375)
    assert row["test_accuracy_std"] == pytest.approx(0.125 * 2**0.5, rel=1e-15)
    assert row["test_loss_std"] == pytest.approx(0.125 * 2**0.5, rel=1e-15)
    assert (row["generalization_gap_mean"], row["zero_fraction_mean"]) == (0.375, 0.625)


def test_one_seed_has_no_standard_deviation(folder):
    single(folder, "0", 0.1, 0, val_loss=0.5, val_accuracy=0.5, test_loss=0.5, test_accuracy=0.5)
    row = only_row(folder)
    assert (row["seeds"], row["test_accuracy_mean"]) == (1, 0.5)
    assert pd.isna(row["test_accuracy_std"])


def test_the_same_seed_run_twice_counts_once(folder):
    for name in "01":
        single(folder, name, 0.1, 0, val_loss=0.5, val_accuracy=0.5, test_accuracy=0.5)
    row = only_row(folder)
    assert row["seeds"] == 1
    assert pd.isna(row["test_accuracy_std"])


def test_the_winners_confirm_runs_are_its_test(folder):
    for trial, weight, loss in ((0, 0.5, 0.5), (1, 0.1, 0.25)):
        folder.trial(trial, weight, loss, more={"train_accuracy": 0.1})
    for seed, accuracy in ((10000, 0.5), (10001, 1.0)):
        tested = {"test_accuracy": accuracy, "test_loss": 0.5, "train_accuracy": 1.0}
        folder.trial(1, 0.1, 0.2, seed=seed, stage="confirm", more=tested)
    folder.trial(0, 0.5, 0.0, seed=10002, stage="confirm", more={"test_accuracy": 0.0})
    row = only_row(folder)
    assert (row["trials"], row["val_loss"], row["seeds"]) == (2, 0.25, 2)
    assert (row["test_accuracy_mean"], row["train_accuracy_mean"]) == (0.75, 1.0)


def test_no_mean_over_the_confirm_runs_that_survived(folder):
    folder.trial(0, 0.5, 0.5)
    folder.trial(0, 0.5, 0.5, seed=10000, stage="confirm", more={"test_accuracy": 0.5})
    folder.trial(0, 0.5, 0.5, seed=10001, stage="confirm", status="diverged")
    row = only_row(folder)
    # No trial of the search has diverged.
    assert (row["diverged"], row["val_loss"]) == (0, 0.5)
    assert pd.isna(row["test_accuracy_mean"])


def test_failed_and_diverged_count_trials_each_once(folder):
    for seed, (first, second) in enumerate([("failed", "diverged"), ("diverged", "diverged")]):
        folder.trial(0, 0.5, 0.5, seed=seed, status=first)
        folder.trial(1, 0.5, 0.5, seed=seed, status=second)
        folder.trial(2, 0.5, 0.5, seed=seed)
    row = only_row(folder)
    assert (row["trials"], row["failed"], row["diverged"]) == (3, 1, 1)


def test_no_interval_leaves_what_can_be_measured(folder):
    for seed, (accuracy, loss) in enumerate([(0.999, 0.001), (1.0, 0.0001), (0.97, 0.05)]):
        tested = {"test_accuracy": accuracy, "test_loss": loss}
        folder.trial(0, 0.5, 0.5, seed=10000 + seed, stage="confirm", more=tested)
    folder.trial(0, 0.5, 0.5)
    row = only_row(folder)
    assert (row["test_accuracy_ci_high"], row["test_loss_ci_low"]) == (1.0, 0.0)
    assert 0 < row["test_accuracy_ci_low"] < 1
    assert row["test_loss_ci_high"] > 0.05


def test_without_validation_the_only_setting_is_the_best(folder):
    single(folder, "0", 1.0, 42, test_accuracy=0.5, test_loss=0.5)
    single(folder, "1", 1.0, 43, test_accuracy=0.5, test_loss=0.5)
    row = only_row(folder)
    assert row["best_overrides"] == "regularizer=l1 regularizer.weight=1.0"
    assert (row["seeds"], row["test_accuracy_mean"], row["test_accuracy_std"]) == (2, 0.5, 0.0)
    assert pd.isna(row["val_loss"])


def test_without_validation_two_settings_have_no_best(folder):
    single(folder, "0", 1.0, 42, test_accuracy=0.5)
    single(folder, "1", 2.0, 42, test_accuracy=0.75)
    row = only_row(folder)
    assert row["trials"] == 2
    assert pd.isna(row["best_overrides"])
    assert pd.isna(row["test_accuracy_mean"])


def test_lone_runs_are_counted_and_compared_by_what_differs(folder):
    for name, weight, loss in (("a", 0.1, 0.5), ("b", 0.2, 0.25)):
        metrics = {"val_loss": loss, "val_accuracy": 0.5}
        config = {"regularizer.weight": weight}
        folder.run(name, arm={"regularizer": "l1"}, config=config, metrics=metrics)
    row = only_row(folder)
    assert (row["trials"], row["val_loss"]) == (2, 0.25)
    assert row["best_overrides"] == "regularizer=l1 regularizer.weight=0.2"


def test_runs_of_two_models_are_no_repetitions_of_each_other(folder):
    for number, (model, loss) in enumerate((("mlp", 0.25), ("logistic", 0.5))):
        metrics = {"val_loss": loss, "val_accuracy": 0.5}
        folder.run(
            f"{number}", "sweep", trial=number, config={"model.name": model}, metrics=metrics
        )
    row = only_row(folder)
    assert (row["val_loss"], row["best_overrides"]) == (0.25, "regularizer=none model=mlp")


def test_values_that_hydra_or_a_shell_would_misread_are_quoted(folder):
    folder.trial(0, None, 0.5, params={"model.hidden": [64, 32], "x.a": None, "x.b": "null"})
    assert only_row(folder)["best_overrides"] == (
        "regularizer=l1 'model.hidden=[64,32]' x.a=null 'x.b='\"'\"'null'\"'\"''"
    )


def test_several_sweeps_have_rows_of_their_own_each_by_its_objective(folder):
    for sweep in ("a", "b"):
        folder.sweep(sweep)
        folder.trial(0, 0.5, 0.2, sweep=sweep, more={"val_accuracy": 0.7})
        folder.trial(1, 0.1, 0.3, sweep=sweep, more={"val_accuracy": 0.8})
    both = compared(folder, {"a": "val_loss", "b": "val_error"})
    assert [c for c in both.columns if c != "regularizer.weight"] == ["sweep", *COLUMNS]
    assert both["sweep"].tolist() == ["a", "b"]
    assert both["val_loss"].tolist() == [0.2, 0.3]
