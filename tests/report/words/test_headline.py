from dataclasses import replace

import pandas as pd
from report_tables import ASKED, judge, report, small_sweep, tables

from regsweep.report.words.headline import LONGEST, headlines
from regsweep.report.words.view import joined, listed


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


def test_where_no_arm_was_judged_it_is_said_why():
    comparison = report(small_sweep()).comparison
    assert headlines(comparison) == ("Nothing is tested here, as no comparison was planned.",)
    asked = {"sweep": ASKED}
    assert headlines(comparison, asked) == ("Nothing is tested yet: the sweep is not finished.",)
    why = {"sweep": ("The baseline diverged.", "And more.")}
    assert headlines(comparison, asked, why) == ("The baseline diverged.",)
    assert headlines(table(l1=("unstable",)), asked, why) == ("The baseline diverged.",)
    assert headlines(table(l1=BETTER), asked, why)[0].startswith("l1 is better")
    assert headlines(comparison.assign(sweep=None), {}, {}) == (
        "runs outside any sweep: Nothing is tested here, as no comparison was planned.",
    )


def test_where_no_other_arm_completed_a_trial_that_is_said():
    comparison = tables(small_sweep())[1]
    judge(comparison, "l1", best_overrides=None)
    asked = {"sweep": ASKED}
    assert headlines(comparison, asked) == ("Nothing is tested yet: the sweep is not finished.",)
    judge(comparison, "l2", best_overrides=None)
    assert headlines(comparison, asked) == ("Nothing is tested: no trial of l1 and l2 completed.",)
    judge(comparison, "l2", trials=1)
    assert headlines(comparison, asked) == ("Nothing is tested yet: the sweep is not finished.",)


def test_a_lone_arm_is_told_by_what_it_came_to():
    asked = {"sweep": replace(ASKED, arms=("regularizer=l2",))}
    alone = table(("l2",))
    assert headlines(alone, asked) == (
        "l2 is the only arm, so it is compared with nothing: it has a test loss of 0.3100, the "
        "mean over 3 seeds.",
    )
    judge(alone, "l2", metric="test_error")
    assert "it has a test accuracy of 92.25 %, the mean" in headlines(alone, asked)[0]
    untested = alone.assign(seeds=pd.NA)
    assert headlines(untested, asked) == ("Nothing is tested yet: the sweep is not finished.",)


def test_names_that_hold_commas_are_told_apart():
    assert listed(["l1", "l2", "none"]) == "l1, l2 and none"
    assert listed(["l1, mlp", "l2, mlp"]) == joined(["l1, mlp", "l2, mlp"]) == "l1, mlp; l2, mlp"
    assert joined(["l1", "l2"]) == "l1, l2"
