from dataclasses import replace

import pandas as pd

from regsweep.report.build import build_report
from regsweep.report.words.verdicts import verdict_sentences
from tests.report_tables import ASKED, judge, small_sweep, tables


def table(metric="test_loss", **verdicts):
    """The comparison of ``small_sweep``, each arm's verdict and numbers as given by hand."""
    comparison = tables(small_sweep())[1]
    for arm in ("none", *verdicts):
        judge(comparison, arm, metric=metric, baseline="regularizer=none")
    for arm, (verdict, *numbers) in verdicts.items():
        names = ("improvement_mean", "improvement_ci_low", "improvement_ci_high", "p_holm")
        judge(comparison, arm, verdict=verdict, **dict(zip(names, numbers, strict=False)))
    return comparison


def test_an_arm_that_is_better_has_a_line_of_its_size_and_interval():
    better = table(l1=("better", 0.01234, 0.00567, 0.01901, 0.0123))
    assert verdict_sentences(better) == (
        "Better than none in test loss (95 % intervals):\n  l1: lower by 0.012 (0.0057 to 0.019)",
    )


def test_of_a_worse_arm_the_signs_and_the_ends_of_the_interval_change():
    worse = table(l1=("worse", -0.25, -0.375, -0.125, 0.0009))
    assert verdict_sentences(worse) == (
        "Worse than none in test loss (95 % intervals):\n  l1: higher by 0.25 (0.12 to 0.38)",
    )


def test_several_arms_share_a_head_and_better_ones_come_first():
    better = ("better", 0.25, 0.125, 0.375, 0.01)
    (both,) = verdict_sentences(table(l1=better, l2=better))
    head, *lines = both.splitlines()
    assert head.startswith("Better than none in test loss")
    assert [line.split()[0] for line in lines] == ["l2:", "l1:"]
    mixed = verdict_sentences(table(l1=("worse", -0.25, -0.375, -0.125, 0.01), l2=better))
    assert [sentence.split()[0] for sentence in mixed] == ["Better", "Worse"]
    assert ["intervals" in sentence for sentence in mixed] == [True, False]


def test_the_weights_that_are_as_good_end_the_line():
    better = table(l1=("better", 0.25, 0.125, 0.375, 0.01))
    judge(better, "l1", plateau_low=1e-6, plateau_high=2.2e-5)
    assert verdict_sentences(better)[0].endswith("(0.12 to 0.38); as good from 1e-6 to 2.2e-5")


def test_arms_that_are_equivalent_are_told_with_what_was_found():
    comparison = table(
        l1=("equivalent", 0.001, -0.002, 0.004, 0.4), l2=("equivalent", 0.003, 0.001, 0.005, 0.01)
    )
    for arm in ("l1", "l2"):
        judge(comparison, arm, margin=0.01)
    assert verdict_sentences(comparison) == (
        "Equivalent to none, within 0.01 of test loss (95 % intervals):\n"
        "  l2: lower by 0.003 (0.001 to 0.005); real, and too small to matter\n"
        "  l1: improvement -0.002 to +0.004",
    )


def test_undecided_arms_that_need_as_much_share_a_line():
    same = ("undecided", 0.01, -0.01, 0.03, 0.4)
    comparison = table(l1=same, l2=same)
    head = "Undecided against none: no difference was found, which does not show that there is none"
    assert verdict_sentences(comparison) == (f"{head}:\n  l2 and l1",)
    for arm in ("l1", "l2"):
        judge(comparison, arm, margin=0.01, seeds_needed=120)
    seeds = "Seeds that would be likely to decide about the margin"
    assert verdict_sentences(comparison) == (f"{head}. {seeds}:\n  l2 and l1: 120",)
    judge(comparison, "l1", seeds_needed=None)
    [text] = verdict_sentences(comparison)
    assert text.splitlines()[1:] == ["  l2: 120", "  l1: more than 1,000"]


def test_where_the_baseline_has_no_error_at_all_no_number_of_seeds_decides():
    same = table(l1=("undecided", 0.0, 0.0, 0.0, 1.0))
    judge(same, "l1", margin=0.0)
    (said,) = verdict_sentences(same)
    line = "  l1: none, as the margin is a share of the baseline's mean, which is 0"
    assert said.splitlines()[1] == line


def test_an_unstable_arm_is_said_to_be_unjudged():
    assert verdict_sentences(table(l1=("unstable",))) == (
        "Unstable, so not judged: l1 (a confirm run diverged or failed).",
    )


def test_test_error_is_in_points():
    better = table("test_error", l1=("better", 0.0123, 0.0012, 0.0234, 0.02))
    assert verdict_sentences(better)[0].endswith("l1: lower by 1.2 points (0.12 to 2.3 points)")


def test_nothing_is_said_where_nothing_was_tested():
    assert verdict_sentences(table()) == ()
    assert verdict_sentences(tables(small_sweep())[1]) == ()


def test_of_several_tests_intervals_are_said_to_be_corrected():
    better = table(l1=("better", 0.01234, 0.00567, 0.01901, 0.0123))
    (sentence,) = verdict_sentences(better, {"sweep": ASKED})
    assert sentence.startswith("Better than none in test loss (intervals corrected for 2 tests):\n")


def test_arms_of_several_sweeps_are_named_with_their_sweep(folder):
    for name, losses in (("a", [0.30, 0.35, 0.33]), ("b", [0.50, 0.54, 0.52])):
        folder.compared("none", "l1", name=name)
        folder.arm("none", [0.31, 0.35, 0.33], sweep=name)
        folder.arm("l1", losses, sweep=name)
    same, worse = build_report([folder.root]).verdicts
    assert same.startswith("a: Undecided against none: no difference")
    assert worse.startswith("b: Worse than none in test loss")
    assert "  l1: higher by 0.19 (" in worse


def test_how_a_sweep_was_looked_at_is_said_of_those_that_have_verdicts(folder):
    why = "margin was 0.01 and is now 0.1"
    for name in ("a", "b"):
        folder.compared("none", "l1", name=name, exploratory=why)
        folder.arm("none", [0.31, 0.35, 0.33], sweep=name)
    folder.arm("l1", [0.50, 0.54, 0.52], sweep="b")
    _, said = build_report([folder.root]).verdicts
    assert said == (
        f"b: Exploratory: not all of the plan is known to be older than the first look ({why}), "
        "so what is claimed may be false in more than 5 % of sweeps."
    )
    looked = {name: replace(ASKED, against="regularizer=l1") for name in ("a", "b")}
    both = pd.concat([table().assign(sweep="a"), table(l1=("better", 0.25)).assign(sweep="b")])
    last = verdict_sentences(both, looked)[-1]
    assert last.startswith("b: Second look at the same data")
    assert not any(one.startswith("a: ") for one in verdict_sentences(both, looked))


def test_marked_verdicts_are_told_as_the_others():
    plain = table(l1=("better", 0.25, 0.125, 0.375, 0.01), l2=("undecided", 0, -1, 1, 0.4))
    marked = plain.assign(verdict=plain["verdict"] + " (exploratory)")
    assert verdict_sentences(marked) == verdict_sentences(plain)
