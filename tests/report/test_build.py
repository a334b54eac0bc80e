import shlex

import pytest

from regsweep.records.task import ACCURACY, history_columns
from regsweep.report.build import build_report
from regsweep.report.plots.arms import looks
from regsweep.report.plots.curves import curves_plot
from regsweep.report.words.method import facts
from regsweep.report.words.paper import paragraph
from regsweep.report.words.view import short_names

CURVE_COLUMNS = ("sweep", "arm", "seed", *history_columns([ACCURACY]))
FIXED = ("trainer.epochs=2", "model.hidden=[8, 4]", "data.root=/my data")


def build(folder):
    return build_report([folder.root])


def best_overrides(folder):
    (row,) = build(folder).comparison.to_dict("records")
    return row["best_overrides"]


def test_the_best_overrides_are_the_arm_its_values_and_what_all_runs_were_given(folder):
    given = ("regularizer=l1", *FIXED, "regularizer.weight=0.0012", "seed=10000")
    channel = ("run.stage=search", "run.arm={regularizer:l1}", "run.trial=0")
    folder.trial(0, 0.0012, 0.5, overrides=(*given, *channel))
    words = best_overrides(folder)
    assert words == (
        "regularizer=l1 regularizer.weight=0.0012 trainer.epochs=2 'model.hidden=[8, 4]' "
        "'data.root=/my data'"
    )
    assert shlex.split(words) == ["regularizer=l1", "regularizer.weight=0.0012", *FIXED]


@pytest.mark.parametrize("sign", ["+", "++", "~"])
def test_an_override_that_adds_or_deletes_is_kept_once(folder, sign):
    line = f"{sign}regularizer.weight=0.0012"
    folder.trial(0, 0.0012, 0.5, overrides=(line, f"{sign}trainer.extra=1"))
    expected = f"regularizer=l1 regularizer.weight=0.0012 {shlex.quote(f'{sign}trainer.extra=1')}"
    assert best_overrides(folder) == expected


def test_a_key_that_differs_between_runs_is_a_value_and_no_fixed_override(folder):
    for trial, rate in ((0, 0.1), (1, 0.01)):
        given = {"overrides": (f"optimizer.lr={rate}", "trainer.epochs=2")}
        folder.trial(trial, None, rate, config={"optimizer.lr": rate}, **given)
    assert best_overrides(folder) == "regularizer=l1 optimizer.lr=0.01 trainer.epochs=2"


def test_the_fixed_overrides_are_those_of_the_winner(folder):
    folder.trial(0, 1e-3, 0.5, overrides=("a=0",))
    folder.trial(1, 1e-4, 0.25, overrides=("a=1",))
    folder.trial(2, 1e-5, 0.75, overrides=("a=2",))
    assert best_overrides(folder) == "regularizer=l1 regularizer.weight=0.0001 a=1"


def with_curves(folder, sweep="sweep"):
    folder.compared("none", "l1", name=sweep)
    folder.arm("none", [0.5, 0.5], sweep=sweep)
    folder.arm("l1", [0.5], sweep=sweep)
    folder.history(f"{sweep}/none-0-0", (9.0, 9.0))
    folder.history(f"{sweep}/none-0-10000", (0.5, 0.4), (0.25, 0.2))
    folder.history(f"{sweep}/l1-0-10000", (0.125, 0.1))


def test_curves_are_those_of_the_winners_confirm_runs(folder):
    with_curves(folder)
    curves = build(folder).curves
    assert tuple(curves.columns) == CURVE_COLUMNS
    # The run of seed 10001 has no history, which is no error.
    assert curves.values.tolist() == [
        ["sweep", "regularizer=l1", 10000, 1, 0.125, 0.5, 0.1, 0.5],
        ["sweep", "regularizer=none", 10000, 1, 0.5, 0.5, 0.4, 0.5],
        ["sweep", "regularizer=none", 10000, 2, 0.25, 0.5, 0.2, 0.5],
    ]


def test_curves_of_an_earlier_winner_are_left_out(folder):
    folder.compared("l1", baseline="regularizer=l1")
    folder.arm("l1", [0.5])
    folder.history("sweep/l1-0-10000", (0.5, 0.5))
    assert len(build(folder).curves) == 1
    folder.trial(1, 1e-3, 0.125)
    folder.confirm("l1", [0.5], trial=1, weight=1e-3)
    assert build(folder).curves.empty
    folder.history("sweep/l1-1-10000", (0.25, 0.5))
    assert build(folder).curves["train_loss"].tolist() == [0.25]


def test_curves_say_which_sweep_they_are_of(folder):
    with_curves(folder, "a")
    with_curves(folder, "b")
    curves = build(folder).curves
    assert list(curves["sweep"]) == ["a", "a", "a", "b", "b", "b"]


def test_a_history_without_validation_has_curves_without_it(folder):
    folder.compared("l1", baseline="regularizer=l1")
    folder.arm("l1", [0.5])
    folder.history("sweep/l1-0-10000", (0.5, ""))
    curves = build(folder).curves
    assert curves["train_loss"].tolist() == [0.5]
    assert curves["val_loss"].isna().all()


def test_without_confirm_runs_there_are_no_curves(folder):
    folder.trial(0, 1e-4, 0.5)
    folder.history("sweep/l1-0-0", (0.5, 0.5))
    curves = build(folder).curves
    assert curves.empty
    assert tuple(curves.columns) == CURVE_COLUMNS


def test_the_parts_of_a_report_are_of_the_same_runs(folder):
    with_curves(folder)
    folder.unfinished("sweep/cut")
    made = build(folder)
    assert len(made.runs) == 5
    assert len(made.comparison) == 2
    assert made.asked["sweep"].arms == ("regularizer=none", "regularizer=l1")
    assert made.remarks == (
        "Not all of the 3 confirm seeds are done.",
        "The training loss still fell by 50 % in the last epoch (none): trained longer, arms may "
        "compare otherwise (trainer.epochs).",
    )
    assert [problem.reason for problem in made.unfinished] == ["has no record.json"]
    assert made.unreadable == ()


def test_runs_that_stop_early_are_told_and_not_called_undertrained(folder):
    folder.compared("none", "early_stopping", spaces={"regularizer.patience": "interval(1, 10)"})
    for arm, epochs in (("none", (2, 2)), ("early_stopping", (2, 3))):
        for seed, count in zip((10000, 10001), epochs, strict=True):
            best = {"best_epoch": count - 1.0} if arm == "early_stopping" else {}
            more = {"test_loss": 0.3, "test_accuracy": 0.9, "train_accuracy": 1.0} | best
            given = {"arm": arm, "seed": seed, "epochs": count, "more": more}
            folder.trial(0, None, 0.25, stage="confirm", **given)
            falling = [(0.5**epoch, 0.5) for epoch in range(count)]
            folder.history(f"sweep/{arm}-0-{seed}", *falling)
        folder.trial(0, None, 0.25, arm=arm)

    made = build(folder)

    assert [text for text in made.remarks if "still fell" in text] == [
        "The training loss still fell by 50 % in the last epoch (none): trained longer, arms may "
        "compare otherwise (trainer.epochs)."
    ]
    asked, names = made.asked["sweep"], short_names(made.comparison["arm"])
    objective = dict(facts(made.runs, asked))["objective"]
    assert objective.startswith("val_loss, of the last epoch; of the best under early_stopping, on")
    told = paragraph(made.runs, made.comparison, names, asked)
    assert "again for 2 epochs or until it stopped early by half of the validation" in told
    plot = curves_plot(made.curves, looks(made.comparison["arm"]), "val_loss")
    assert "ended at different epochs" in plot.caption
