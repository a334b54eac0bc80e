import io

import pandas as pd
from rich.console import Console

from regsweep.report.comparison import comparison_table
from regsweep.report.gather import gather
from regsweep.report.runs import runs_table
from regsweep.report.view import comparison_view, lone_run_view


def lines(view, width=100):
    out = io.StringIO()
    Console(file=out, width=width).print(view)
    return [" ".join(line.split()) for line in out.getvalue().splitlines() if line.strip()]


def compared(folder):
    return comparison_view(comparison_table(runs_table(gather([folder.root]).runs)))


def test_arms_are_shown_best_first_with_rounded_overrides(folder):
    folder.trial(0, 0.00123456789, 0.25, arm="l1", more={"near_zero_fraction": 0.5})
    folder.trial(0, None, 0.5, arm="none")
    assert lines(compared(folder)) == [
        "val val near-",
        "arm best overrides (rounded) trials loss acc % zero %",
        lines(compared(folder))[2],
        "regularizer=l1 weight=0.001235 1 0.2500 75.00 50.00",
        "regularizer=none 1 0.5000 50.00",
    ]


def test_failed_and_diverged_are_shown_only_where_there_are_any(folder):
    folder.trial(0, 0.5, 0.5)
    assert "diverged" not in " ".join(lines(compared(folder)))
    folder.trial(1, 0.5, 0.5, status="diverged")
    text = " ".join(lines(compared(folder)))
    assert "failed/" in text
    assert "weight=0.5 2 0/1 0.5000" in text


def test_keys_outside_the_arms_groups_are_shown_whole(folder):
    folder.trial(0, None, 0.5, params={"optimizer.lr": 0.001, "regularizer.weight": 1e-05})
    assert "optimizer.lr=0.001" in " ".join(lines(compared(folder)))
    assert " weight=1e-05" in " ".join(lines(compared(folder)))


def test_a_wide_table_fits_100_columns_with_no_number_cut(folder):
    arm = {"regularizer": "weight_decay", "model": "logistic"}
    params = {"regularizer.weight": 0.000123456789, "regularizer.l1_ratio": 0.987654321}
    tested = {"test_accuracy": 0.9876, "test_loss": 0.5, "near_zero_fraction": 0.4321}
    for number, status in ((0, "completed"), (1, "failed"), (2, "diverged")):
        metrics = {"val_loss": 12.3456, "val_accuracy": 0.9765} | tested
        searched = params | {"regularizer.weight": 0.000123456789 * (number + 1)}
        fields = {"arm": arm, "params": searched, "metrics": metrics, "status": status}
        folder.run(str(number), "sweep", trial=number, **fields)
    out = io.StringIO()
    Console(file=out, width=100).print(compared(folder))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    words = ["regularizer=weight_decay", "model=logistic", "weight=0.0001235"]
    words += ["l1_ratio=0.9877", "12.3456", "1/1", "97.65", "98.76", "43.21"]
    for word in words:
        assert word in text.split()


def test_a_lone_run_is_one_row_of_its_metrics(folder):
    metrics = {"train_loss": 0.25, "train_accuracy": 0.9, "test_loss": 12345.6, "penalty": 0.0}
    folder.run("a", metrics=metrics | {"near_zero_fraction": 0.125, "l1_norm": 2e-5})
    shown = lines(lone_run_view(runs_table(gather([folder.root]).runs).iloc[0]))
    assert shown[0] == "train train test l1 near-zero"
    assert shown[1] == "loss acc % loss penalty norm %"
    assert shown[-1] == "0.2500 90.00 1.235e+04 0.0000 2.000e-05 12.50"


def test_markup_in_a_value_is_shown_as_it_is(folder):
    folder.trial(0, None, 0.5, params={"x.hidden": [64, 32], "x.name": "[red]"})
    text = " ".join(lines(compared(folder)))
    assert "x.hidden=[64,32]" in text
    assert "x.name='[red]'" in text


def test_no_word_is_cut_where_the_terminal_is_too_narrow(folder):
    folder.trial(0, 0.0001234, 0.5, arm="weight_decay", more={"near_zero_fraction": 0.4321})
    out = io.StringIO()
    Console(file=out, width=30).print(compared(folder), crop=False)
    words = ["regularizer=weight_decay", "weight=0.0001234", "0.5000", "50.00", "43.21"]
    assert [word for word in words if word not in out.getvalue().split()] == []


def test_a_table_of_nothing_known_still_prints():
    runs = pd.DataFrame({"arm": ["a"], "best_overrides": [None], "trials": [0], "baseline": [None]})
    for column in ("failed", "diverged"):
        runs[column] = 0
    for column in ("val_loss", "val_accuracy", "test_accuracy_mean", "near_zero_fraction_mean"):
        runs[column] = float("nan")
    assert lines(comparison_view(runs))[-1] == "a 0"
