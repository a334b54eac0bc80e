"""Reports of sweeps whose score is not an accuracy, and of several tasks at once."""

import pandas as pd
import pytest

from regsweep.report.aggregate import gather_and_show
from regsweep.report.build import build_report
from regsweep.report.page.page import page
from regsweep.report.plots.all import sweep_plots
from regsweep.report.plots.arms import looks
from regsweep.report.tables.write import csv_text

R2 = {"none": [0.25, 0.5, -3.0], "l2": [0.4375, 0.6875, -2.75]}


def regression(folder, name="numbers", objective="val_loss", arms=("none", "l2")):
    """Two arms with three confirm runs each, of R² that is 1 - loss."""
    folder.compared(*arms, name=name, objective=objective)
    for arm, scores in R2.items():
        weight = None if arm == "none" else 1e-4
        common = {"sweep": name, "arm": arm}
        more = {"val_r2": 0.75}
        trial(folder, 0, weight, {"val_loss": 0.25, **more}, **common)
        for seed, score in enumerate(scores):
            tested = {"test_loss": 1 - score, "test_r2": score, "train_r2": 0.875}
            metrics = {"val_loss": 0.25, **more, **tested}
            trial(folder, 0, weight, metrics, stage="confirm", seed=10000 + seed, **common)


def trial(folder, number, weight, metrics, **fields):
    folder.trial(number, weight, 0.0, **fields, metrics=metrics)


def classification(folder, name="classes"):
    folder.compared("none", "l2", name=name)
    folder.arm("none", [0.5, 0.25], sweep=name)
    folder.arm("l2", [0.25, 0.125], sweep=name)


def test_an_arm_without_a_finished_trial_has_a_row_in_every_table(folder):
    regression(folder, arms=("none", "l2", "l1"))
    folder.trial(0, 1e-2, 0.0, sweep="numbers", status="diverged", metrics={})
    report = build_report([folder.root])

    assert report.comparison["arm"].iloc[-1] == "regularizer=l1"
    assert "\n| l1 |  |  |  |  |  |\n" in page(report)


def test_columns_are_named_after_the_score(folder):
    classification(folder)
    accuracy = build_report([folder.root])
    regression(folder, "../numbers")
    numbers = build_report([folder.root / "../numbers"])

    for of_one, of_other in (
        (accuracy.runs, numbers.runs),
        (accuracy.comparison, numbers.comparison),
    ):
        renamed = [name.replace("accuracy", "r2") for name in of_one.columns]
        assert list(of_other.columns) == renamed
    row = numbers.comparison.set_index("arm").loc["regularizer=l2"]
    assert row["val_r2"] == 0.75
    assert row["test_r2_mean"] == pytest.approx(sum(R2["l2"]) / 3)
    assert row["train_r2_mean"] == 0.875
    assert row["generalization_gap_mean"] == pytest.approx(0.875 - sum(R2["l2"]) / 3)
    # R² has no lower bound, and 1 is its highest.
    assert row["test_r2_ci_low"] < -4
    assert row["test_r2_ci_high"] == 1


def test_sweeps_of_several_tasks_keep_the_names_of_their_own(folder):
    classification(folder)
    alone = build_report([folder.root / "classes"])
    regression(folder)

    report = build_report([folder.root])

    table = report.comparison.set_index(["sweep", "arm"])
    assert table.loc["classes"][["val_r2", "test_r2_mean", "train_r2_mean"]].isna().all(axis=None)
    assert table.loc["numbers"][["val_accuracy", "test_accuracy_mean"]].isna().all(axis=None)
    assert table.loc["numbers"]["test_r2_mean"].notna().all()
    classes = report.comparison[report.comparison["sweep"] == "classes"]
    there = classes[list(alone.comparison.columns)].reset_index(drop=True)
    pd.testing.assert_frame_equal(there, alone.comparison)
    assert report.runs["train_r2"].notna().sum() == 6
    assert "test R²" in page(report)
    assert "test accuracy" in page(report)


@pytest.mark.parametrize("objective", ["val_loss", "val_error"])
def test_nothing_of_a_regression_is_in_percent(folder, objective, capsys):
    regression(folder, objective=objective)

    gather_and_show([folder.root / "numbers"])

    told = capsys.readouterr().out
    assert "acc" not in told
    assert "points" not in told
    assert "-0.542" in told  # the mean of R², in the table
    html = (folder.root / "numbers" / "report.html").read_text()
    for said in ("test R² [95 % interval]", "validation R²", "has a test R² of -0.542"):
        assert said in html
    for words in ("accuracy of", "R² %", "points"):
        assert words not in html.split("<script>")[0]
    if objective == "val_error":
        assert "improvement in test R² over" in html


def test_plots_say_what_is_measured(folder):
    regression(folder, objective="val_error")
    report = build_report([folder.root / "numbers"])

    plots = sweep_plots(
        report.runs,
        report.comparison,
        report.curves,
        looks(report.comparison["arm"]),
        "val_error",
        report.results,
    )

    titles = {plot.title: plot.figure.layout.xaxis.title.text for plot in plots}
    assert titles["Test error (1 - R²) of the winners"] == "test error (1 - R²)"
    assert titles["Test R² of the winners"] == "test R²"
    assert not any("%" in str(title) for title in titles.values())


def test_the_loss_of_numbers_is_named(folder):
    regression(folder)
    report = build_report([folder.root / "numbers"])
    arms = looks(report.comparison["arm"])
    [plot, *_] = sweep_plots(
        report.runs, report.comparison, report.curves, arms, "val_loss", report.results
    )

    axis = plot.figure.layout.xaxis.title.text
    assert axis == "test loss (mean squared error, of standardised targets)"


def test_a_table_of_several_tasks_reads_back(folder):
    classification(folder)
    regression(folder)
    header = csv_text(build_report([folder.root]).runs).splitlines()[0]

    assert "val_loss,val_accuracy,val_r2,test_loss,test_accuracy,test_r2,penalty" in header


def test_a_verdict_speaks_of_the_score(folder):
    regression(folder, objective="val_error")

    [sentence] = build_report([folder.root / "numbers"]).verdicts

    assert sentence.startswith("Better than none in test R² (95 % intervals):\n")
    assert "  l2: higher by 0.21 (" in sentence
