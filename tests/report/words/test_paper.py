import re
from dataclasses import replace

import pandas as pd
from report_tables import ASKED, full_report, judge

from regsweep.report.build import build_report
from regsweep.report.words.paper import latex, markdown, paragraph
from regsweep.report.words.view import short_names

LOOKS = {"looks": (3, 6), "margin": 0.01}
HOSTILE = r"regularizer=a_b%c&d#e$f{g}h\i~j^k|l<m>n"


def written(asked=ASKED, made=None):
    made = made or full_report()
    names = short_names(made.comparison["arm"])
    return paragraph(made.runs, made.comparison, names, asked)


def test_the_paragraph_has_what_a_reviewer_asks_for():
    data = {"train": 48_000, "validation": 12_000, "test": 10_000}
    asked = replace(ASKED, **LOOKS, data=dict.fromkeys(ASKED.arms, data))
    text = written(asked)
    for part in (
        "We compared l2 and l1 with none",
        "regularizer.weight was tuned by val_loss with 2 trials an arm, each on 1 seed",
        "trained again for 2 epochs",
        "(48,000 train, 12,000 validation, 10,000 test examples)",
        "two-sided paired t tests over seeds at 5 %",
        "Holm's correction over 2 planned tests",
        "at looks at 3 and 6 seeds",
        "within 1 % of the baseline's mean",
        "l2 was better by 0.25 (0.19 to 0.31), p < 0.001, n = 3",
        "corrected for 2 tests and 2 looks",
        "They cover neither another search",
    ):
        assert part in text


def test_a_plan_that_was_changed_is_told():
    assert "exploratory" not in written()
    assert "(margin)" in written(replace(ASKED, exploratory="margin"))


def test_without_a_verdict_there_is_no_paragraph():
    made = full_report()
    for arm in ("l1", "l2"):
        judge(made.comparison, arm, verdict=None)
    assert written(made=made) == ""


def test_numbers_are_those_of_the_comparison_rounded(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.541, 0.513])
    folder.arm("l1", [0.4, 0.439, 0.413])
    table = build_report([folder.root]).comparison
    rows = [
        [cell.strip() for cell in line.removesuffix(r"\\").split("&")]
        for line in latex(table, short_names(table["arm"]), "").splitlines()
        if line.endswith(r"\\")
    ]
    header, l1, none = rows
    assert header == ["arm", "seeds", "test loss", "improvement", "p (Holm)", "verdict"]
    row = table.set_index("arm").loc["regularizer=l1"]
    assert l1[:3] == ["l1", "3", f"{row['test_loss_mean']:.4f}"]
    ends = [f"{row[f'improvement_{part}']:+.4f}" for part in ("mean", "ci_low", "ci_high")]
    assert re.findall(r"[-+][\d.]+", l1[3]) == ends
    assert none[3:] == ["", "", "baseline"]
    lines = markdown(table, short_names(table["arm"]), "").splitlines()
    assert [lines[i].count("|") for i in range(4)] == [7] * 4
    assert f"{row['test_loss_mean']:.4f}" in lines[2]


def test_names_are_escaped():
    made = full_report().comparison
    made["arm"] = made["arm"].replace("regularizer=l1", HOSTILE)
    names = short_names(made["arm"])
    text = latex(made, names, "")
    [line] = [line for line in text.splitlines() if line.startswith("a\\_b")]
    assert line.startswith(
        r"a\_b\%c\&d\#e\$f\{g\}h\textbackslash{}i\textasciitilde{}j\textasciicircum{}k"
        r"\textbar{}l\textless{}m\textgreater{}n & 3 & "
    )
    assert r"p (Holm)" in text
    [line] = [line for line in markdown(made, names, "").splitlines() if r"a\_b" in line]
    assert r"k\|l\<m\>n" in line


def test_a_row_that_begins_with_a_bracket_is_no_option():
    made = full_report().comparison
    names = {arm: f"[{arm}]" for arm in made["arm"]}
    assert "\n{}[regularizer=l1] & " in latex(made, names, "")


def test_an_error_is_in_percent_and_points():
    made = full_report().comparison
    for arm in ("none", "l1", "l2"):
        judge(made, arm, metric="test_error")
    row = markdown(made, short_names(made["arm"]), "").splitlines()[2]
    accuracy = pd.Series(made["test_accuracy_mean"]).iloc[0]
    assert f"| {100 * (1 - accuracy):.2f} |" in row
    assert r"+25.00 \[+18.75, +31.25\]" in row
