import pandas as pd
from report_tables import ASKED, judge, report, small_sweep, tables

from regsweep.report.words.headline import LONGEST, headlines
from regsweep.report.words.view import listed


def table(arms=("none", "l1", "l2"), metric="test_loss", **verdicts):
    """The comparison of arms against none, their verdicts and numbers as given by hand."""
    comparison = tables(small_sweep(arms=arms))[1]
    for arm in arms:
        judge(comparison, arm, metric=metric, baseline="regularizer=none")
    for arm, (verdict, *numbers) in verdicts.items():
        names = ("improvement_mean", "improvement_ci_low", "improvement_ci_high")
        judge(comparison, arm, verdict=verdict, **dict(zip(names, numbers, strict=False)))
    return comparison


BETTER = ("better", 0.0125, 0.0055, 0.0195)
MOST = ("better", 0.25, 0.125, 0.375)


def test_one_arm_that_is_better_is_named_with_its_size():
    (line,) = headlines(table(l1=BETTER, l2=("undecided", 0.0, -1.0, 1.0)))
    assert (
        line == "l1 is better than none in test loss, by 0.013 (0.0055 to 0.019); l2 is undecided."
    )


def test_of_several_the_best_is_named_again():
    (line,) = headlines(table(l1=BETTER, l2=MOST))
    assert line == "l2 and l1 are better than none in test loss; l2 most, by 0.25 (0.12 to 0.38)."


def test_where_none_is_better_that_is_said_first():
    worse = ("worse", -0.25, -0.375, -0.125)
    (line,) = headlines(table(metric="test_error", l1=worse, l2=("unstable",)))
    assert (
        line == "No arm is shown to be better than none in test error; l1 is worse; l2 is unstable."
    )


def test_an_arm_that_is_called_none_is_told_from_no_arm():
    comparison = table(none=("worse", -0.25, -0.375, -0.125)).assign(baseline="regularizer=l2")
    (line,) = headlines(comparison)
    assert line == "No arm is shown to be better than l2 in test loss; the arm none is worse."


def test_arms_that_do_not_fit_are_counted():
    arms = ("none", *(f"a_penalty_of_the_users_{i}" for i in range(24)))
    better = dict.fromkeys(arms[1:6], BETTER)
    rest = dict.fromkeys(arms[6:], ("undecided", 0.0, -1.0, 1.0))
    (line,) = headlines(table(arms, **(better | rest)))
    assert line.startswith("5 of 24 arms are better than none in test loss; a_penalty_of_the_users")
    assert line.endswith("19 are undecided.")
    assert len(line) <= LONGEST


def test_each_sweep_has_a_line_and_several_baselines_no_name():
    one, other = table(l1=BETTER), table(l1=BETTER, l2=MOST)
    other.loc[other["arm"] == "regularizer=l2", "baseline"] = "regularizer=l1"
    both = pd.concat([one.assign(sweep="a"), other.assign(sweep="b")], ignore_index=True)
    first, second = headlines(both)
    assert first.startswith("a: l1 is better than none in ")
    assert second.startswith("b: l2 and l1 are better than their baselines in ")


def test_a_plan_that_was_changed_is_told():
    asked = {"sweep": ASKED.__class__(**(vars(ASKED) | {"exploratory": "margin"}))}
    assert headlines(table(l1=BETTER), asked)[0].endswith(" (exploratory).")


def test_nothing_is_said_where_nothing_was_tested():
    assert headlines(report(small_sweep()).comparison) == ()


def test_names_that_hold_commas_are_told_apart():
    assert listed(["l1", "l2", "none"]) == "l1, l2 and none"
    assert listed(["l1, mlp", "l2, mlp"]) == "l1, mlp; l2, mlp"
