import pandas as pd
import pytest

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


def test_an_arm_that_is_better_is_named_with_its_values_size_and_p():
    better = table(l1=("better", 0.01234, 0.00567, 0.01901, 0.0123))
    assert verdict_sentences(better) == (
        "Better than regularizer=none: regularizer=l1 at weight=0.0001 (test loss lower by 0.012, "
        "95 % interval 0.0057 to 0.019, p = 0.012).",
    )


def test_of_a_worse_arm_the_signs_and_the_ends_of_the_interval_change():
    worse = table(l1=("worse", -0.25, -0.375, -0.125, 0.0009))
    assert verdict_sentences(worse) == (
        "Worse than regularizer=none: regularizer=l1 at weight=0.0001 (test loss higher by 0.25, "
        "95 % interval 0.12 to 0.38, p < 0.001).",
    )


def test_several_arms_share_a_sentence_better_ones_first():
    better = ("better", 0.25, 0.125, 0.375, 0.01)
    both = verdict_sentences(table(l1=better, l2=better))
    assert len(both) == 1
    assert both[0].startswith("Better than regularizer=none: regularizer=l2 at")
    assert "; regularizer=l1 at" in both[0]
    mixed = verdict_sentences(table(l1=("worse", -0.25, -0.375, -0.125, 0.01), l2=better))
    assert [sentence.split()[0] for sentence in mixed] == ["Better", "Worse"]


def test_arms_without_a_detectable_difference_are_named_alone():
    same = ("undecided", 0.01, -0.01, 0.03, 0.4)
    assert verdict_sentences(table(l1=same, l2=same)) == (
        "Undecided against regularizer=none: regularizer=l2, regularizer=l1. No difference was "
        "found, which does not show that there is none.",
    )


def test_an_unstable_arm_is_said_to_be_unjudged():
    assert verdict_sentences(table(l1=("unstable",))) == (
        "Unstable, so not judged: regularizer=l1 (a confirm run diverged or failed).",
    )


def test_test_error_is_in_points():
    better = table("test_error", l1=("better", 0.0123, 0.0012, 0.0234, 0.02))
    assert (
        "(test error lower by 1.2 points, 95 % interval 0.12 to 2.3 points, p = 0.020)"
        in (verdict_sentences(better)[0])
    )


def test_nothing_is_said_where_nothing_was_tested():
    assert verdict_sentences(table()) == ()
    assert verdict_sentences(tables(small_sweep())[1]) == ()


def test_of_several_tests_interval_and_p_are_said_to_be_corrected():
    better = table(l1=("better", 0.01234, 0.00567, 0.01901, 0.0123))
    (sentence,) = verdict_sentences(better, {"sweep": ASKED})
    said = "interval 0.0057 to 0.019, p = 0.012, both corrected for 2 tests)."
    assert sentence.endswith(f"(test loss lower by 0.012, {said}")


def test_what_all_arms_were_given_is_no_value_of_the_winner():
    better = table(l1=("better", 0.25, 0.125, 0.375, 0.01))
    words = "regularizer=l1 regularizer.weight=0.0001 trainer.epochs=2 'model.hidden=[8, 4]'"
    judge(better, "l1", best_overrides=words)
    (sentence,) = verdict_sentences(better, {"sweep": ASKED})
    assert "regularizer=l1 at weight=0.0001 (" in sentence


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("optimizer.lr", 0.01234567, "weight=0.0001, optimizer.lr=0.0123"),
        ("x.name", "a b", "weight=0.0001, x.name='a b'"),
    ],
)
def test_values_are_rounded_and_told_apart_by_commas(key, value, shown):
    better = table(l1=("better", 0.25, 0.125, 0.375, 0.01))
    better[key] = pd.Series([value] * len(better), dtype=object)
    assert f"regularizer=l1 at {shown} (" in verdict_sentences(better)[0]


def test_an_arm_with_nothing_to_search_has_no_values():
    comparison = table(l1=("better", 0.25, 0.125, 0.375, 0.01))
    comparison["regularizer.weight"] = float("nan")
    assert "regularizer=none: regularizer=l1 (test loss" in verdict_sentences(comparison)[0]


def test_arms_of_several_sweeps_are_named_with_their_sweep(folder):
    for name, losses in (("a", [0.30, 0.35, 0.33]), ("b", [0.50, 0.54, 0.52])):
        folder.compared("none", "l1", name=name)
        folder.arm("none", [0.31, 0.35, 0.33], sweep=name)
        folder.arm("l1", losses, sweep=name)
    same, worse = build_report([folder.root]).verdicts
    assert same.startswith("a: Undecided against regularizer=none: regularizer=l1. No difference")
    assert worse.startswith(
        "b: Worse than regularizer=none: regularizer=l1 at weight=0.0001 (test loss higher by 0.19"
    )


def test_marked_verdicts_are_told_as_the_others():
    plain = table(l1=("better", 0.25, 0.125, 0.375, 0.01), l2=("undecided", 0, -1, 1, 0.4))
    marked = plain.assign(verdict=plain["verdict"] + " (exploratory)")
    assert verdict_sentences(marked) == verdict_sentences(plain)
