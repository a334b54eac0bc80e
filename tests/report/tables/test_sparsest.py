"""An arm's sparsest trial against its winner: its row, its test, what is said."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats

from regsweep.report.build import build_report
from regsweep.report.page.cells import table_columns
from regsweep.report.tables.sparsest import not_worse_than
from regsweep.report.words.headline import headlines
from regsweep.report.words.view import comparison_view

L1 = {"none": [1.0, 1.1, 1.2], "l1": [0.5, 0.6, 0.7]}
WON, SPARSEST = 1e-4, 1e-3
NAMES = {
    "regularizer=none": "none",
    "regularizer=l1": "l1",
    "regularizer=l1 sparsest": "l1, sparsest",
}


def test_the_test_is_the_one_sided_t_test_in_pairs():
    random = np.random.default_rng(0)
    won, own = random.normal(1, 0.1, 8), random.normal(1, 0.1, 8)
    found = not_worse_than(won, own, 0.05, 0.05)
    p = stats.ttest_1samp(1.05 * won - own, 0, alternative="greater").pvalue
    assert found["p_value"] == pytest.approx(p, rel=1e-12)
    assert found["improvement_mean"] == pytest.approx((won - own).mean())
    one_sided = stats.t.ppf(0.95, 7) * stats.sem(won - own)
    assert found["improvement_ci_low"] == pytest.approx((won - own).mean() - one_sided)
    assert found["margin"] == pytest.approx(0.05 * won.mean())


@pytest.mark.parametrize(
    ("shift", "verdict"), [(0.0, "not worse"), (0.1, "undecided"), (0.2, "worse")]
)
def test_what_lies_on_either_side_of_the_margin_is_told(shift, verdict):
    won = np.linspace(0.9, 1.1, 10)
    own = won + shift + 0.05 * np.resize([1, -1], 10)
    found = not_worse_than(won, own, 0.1, 0.05)
    assert found["verdict"] == verdict


def test_one_seed_tells_nothing_and_equal_pairs_all():
    assert not_worse_than(np.ones(1), np.ones(1), 0.1, 0.05)["verdict"] == "undecided"
    assert not_worse_than(np.ones(3), np.ones(3), 0.1, 0.05)["verdict"] == "not worse"


def test_what_is_worse_by_the_margin_is_called_not_worse_in_one_of_twenty():
    random = np.random.default_rng(1)
    verdicts = [
        not_worse_than(won, 1.1 * won + random.normal(0, 0.1, 10), 0.1, 0.05)["verdict"]
        for won in random.normal(1, 0.05, (2000, 10))
    ]
    claimed = verdicts.count("not worse") / len(verdicts)
    assert 0.03 < claimed < 0.06  # the interval may keep back what p alone would claim


def sweep(folder, own, zeros=(0.2, 0.9), looks=(3,), sparsest=(False, True), **fields):
    """Of l1 trial 0 won; trial 1 is the sparsest, and has the losses ``own`` in confirm runs."""
    folder.compared(
        "none", "l1", budget={"n_trials": 2}, looks=looks, margin=0.1, sparsest=sparsest, **fields
    )
    folder.arm("none", L1["none"])
    for trial, weight in enumerate((WON, SPARSEST)):
        more = {"zero_fraction": zeros[trial]}
        folder.trial(trial, weight, 0.25 + trial / 100, more=more)
    confirm(folder, L1["l1"], 0, WON, zeros[0], role="winner")
    if own:
        confirm(folder, own, 1, SPARSEST, zeros[1], role="sparsest")
    return build_report([folder.root / "sweep"])


def confirm(folder, losses, trial, weight, zeros, **fields):
    for seed, loss in enumerate(losses, start=10000):
        more = {
            **{"test_loss": loss, "test_accuracy": 1 - loss / 4, "train_accuracy": 1.0},
            "zero_fraction": zeros,
        }
        given = {"stage": "confirm", "seed": seed, "more": more}
        folder.trial(trial, weight, 0.25, **(given | fields))


def test_it_has_a_row_below_its_arm(folder):
    made = sweep(folder, [0.51, 0.6, 0.7])
    assert list(made.comparison["arm"]) == [
        *("regularizer=l1", "regularizer=l1 sparsest", "regularizer=none"),
    ]
    row = made.comparison.iloc[1]
    assert (row["trial"], row["regularizer.weight"], row["seeds"]) == (1, SPARSEST, 3)
    assert row["best_overrides"].startswith(f"regularizer=l1 regularizer.weight={SPARSEST}")
    assert (row["baseline"], row["verdict"]) == ("regularizer=l1", "not worse")
    assert row["zero_fraction_mean"] == pytest.approx(0.9)
    assert math.isnan(row["p_holm"])
    assert list(made.winners["arm"]) == ["regularizer=l1", "regularizer=none"]
    assert made.runs["error"].isna().all()  # none is superseded


def test_the_tests_against_the_baseline_are_those_without_it(folder, tmp_path):
    beside = sweep(folder, [0.51, 0.6, 0.7])
    (folder.root / "sweep").rename(tmp_path / "other")
    alone = sweep(folder, [], sparsest=())
    assert alone.comparison.equals(beside.winners)
    assert alone.choices == beside.choices
    assert "role" not in alone.runs


def test_tables_show_it_without_a_difference_from_the_baseline(folder):
    made = sweep(folder, [0.51, 0.6, 0.7])
    out = io.StringIO()
    Console(file=out, width=80).print(comparison_view(made.comparison))
    [line] = [line for line in out.getvalue().splitlines() if "sparsest" in line]
    assert line.split()[-1] == "worse"
    assert "-0.0033" not in line
    columns = {column.title: column.cells for column in table_columns(made.comparison, NAMES)}
    assert [cell.text for cell in columns["verdict"]][:2] == ["better", "not worse"]
    assert columns["verdict"][1].full == "against regularizer=l1"
    [improvement] = [cells for title, cells in columns.items() if title.startswith("improvement")]
    assert improvement[0].text
    assert improvement[1].text == ""
    assert "sparsest" not in " ".join(headlines(made.winners, made.asked))


def test_it_is_said_and_so_is_a_winner_that_is_the_sparsest(folder, tmp_path):
    said = [text for text in sweep(folder, [0.51, 0.6, 0.7]).verdicts if "sparsest" in text]
    assert said == [
        "Each arm's sparsest trial within 10 % of its winner by val_loss, tested for being at most "
        "10 % worse in test loss (one-sided, 5 % each):\n  l1: not worse: 90.00 % zeros, the "
        "winner 20.00 %; test loss higher by 0.0033 (-0.0064 to 0.013)"
    ]
    (folder.root / "sweep").rename(tmp_path / "other")
    said = [text for text in sweep(folder, [], zeros=(0.9, 0.9)).verdicts if "sparsest" in text]
    assert said[0].endswith(":\n  l1: its winner is the sparsest, 90.00 % zeros")


def test_it_is_tested_at_the_share_of_the_last_look_that_both_have_reached(folder):
    own = [0.5, 0.6, 0.7 + 0.06]
    [row] = sweep(folder, own, looks=(3, 6)).comparison.query("arm.str.endswith('sparsest')").index
    table = build_report([folder.root / "sweep"]).comparison
    pairs = np.array(L1["l1"]) - own
    # A half of 5 %, on one side.
    half = stats.t.ppf(1 - 0.025, 2) * stats.sem(pairs)
    assert table["improvement_ci_low"][row] == pytest.approx(pairs.mean() - half)


def test_one_that_broke_off_is_unstable_and_one_of_few_seeds_is_not_tested(folder):
    made = sweep(folder, [0.5, 0.6])
    assert pd.isna(made.comparison["verdict"][1])
    assert "not tested" in made.verdicts[-1]
    folder.trial(1, SPARSEST, 0.25, seed=10002, stage="confirm", status="diverged", role="sparsest")
    assert build_report([folder.root / "sweep"]).comparison["verdict"][1] == "unstable"


def test_confirm_runs_of_an_earlier_one_are_told_from_those_of_an_earlier_winner(folder):
    sweep(folder, [0.5, 0.6, 0.7])
    folder.trial(2, 1e-2, 0.26, more={"zero_fraction": 0.95})
    made = build_report([folder.root / "sweep"])
    marked = made.runs[made.runs["error"].notna()]
    assert set(marked["run"]) == {f"l1-1-{seed}" for seed in (10000, 10001, 10002)}
    assert set(marked["error"]) == {"superseded: the sparsest is now trial 2"}
    assert (
        "regularizer=l1: 3 confirm runs of an earlier sparsest trial are superseded and do not "
        "count."
    ) in made.remarks


def test_runs_say_what_they_were_made_of(folder):
    runs = sweep(folder, [0.51, 0.6, 0.7]).runs
    assert list(runs.columns)[:4] == ["sweep", "run", "stage", "role"]
    roles = set(zip(runs["stage"], runs["trial"], runs["role"].fillna(""), strict=True))
    assert roles == {
        *(("search", 0, ""), ("search", 1, "")),
        *(("confirm", 0, "winner"), ("confirm", 1, "sparsest")),
    }
