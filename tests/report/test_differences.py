import math

import pytest
from report_tables import judge, run, small_sweep, tables

from regsweep.report.build import build_report
from regsweep.report.plots.arms import looks
from regsweep.report.plots.differences import differences_plot

NONE, L1, L2 = "regularizer=none", "regularizer=l1", "regularizer=l2"
PAIRS = {L1: {10000: 0.1, 10001: 0.3}, L2: {10000: 0.2, 10001: 0.3}}


def judged(metric="test_loss", **arms):
    """The comparison of ``small_sweep``: of each arm verdict, mean, interval and margin."""
    comparison = tables(small_sweep())[1]
    for arm in ("none", "l1", "l2"):
        judge(comparison, arm, metric=metric, baseline=NONE)
    names = ("verdict", "improvement_mean", "improvement_ci_low", "improvement_ci_high", "margin")
    for arm, values in arms.items():
        judge(comparison, arm, **dict(zip(names, values, strict=False)))
    return comparison


def plot_of(comparison, its_pairs=PAIRS):
    return differences_plot(comparison, its_pairs, looks(comparison["arm"], [NONE]))


BOTH = {"l1": ("better", 0.2, 0.1, 0.3, 0.05), "l2": ("undecided", 0.25, -0.1, 0.6, 0.05)}


def test_a_row_an_arm_with_its_verdict_in_words_and_none_for_the_baseline():
    axis = plot_of(judged(**BOTH)).figure.layout.yaxis
    assert axis.ticktext == ("<b>l2</b><br>undecided", "<b>l1</b><br>better")


def test_dots_are_the_pairs_and_the_bar_is_the_interval_of_the_table():
    dots_l2, mean_l2, dots_l1, mean_l1 = plot_of(judged(**BOTH)).figure.data
    assert list(dots_l2.x) == [0.2, 0.3]
    assert list(dots_l1.x) == [0.1, 0.3]
    assert "seed 10001" in dots_l1.hovertext[1]
    assert (mean_l1.x, mean_l2.x) == ((0.2,), (0.25,))
    assert mean_l1.error_x.array[0] == pytest.approx(0.1)
    assert mean_l1.error_x.arrayminus[0] == pytest.approx(0.1)


def test_zero_is_a_line_and_the_margin_a_band_on_both_sides():
    band, zero = plot_of(judged(**BOTH)).figure.layout.shapes
    assert (band.type, band.x0, band.x1, band.y0, band.y1) == ("rect", -0.05, 0.05, -0.5, 1.5)
    assert (zero.type, zero.x0, zero.x1) == ("line", 0, 0)
    plot = plot_of(judged(l1=("better", 0.2, 0.1, 0.3)))
    assert [shape.type for shape in plot.figure.layout.shapes] == ["line"]
    assert "margin" not in plot.caption


def test_an_error_is_in_points():
    plot = plot_of(judged("test_error", **BOTH))
    assert plot.figure.data[1].x == (25,)
    assert plot.figure.layout.xaxis.title.text == "test error: better than none by (points)"


def test_an_arm_that_broke_off_has_a_row_without_marks():
    plot = plot_of(judged(l1=("better", 0.2, 0.1, 0.3), l2=("unstable",)), {L1: PAIRS[L1]})
    assert plot.figure.layout.yaxis.ticktext[0] == "<b>l2</b><br>unstable"
    assert [len(trace.x) for trace in plot.figure.data] == [0, 2, 1]


def test_what_lies_far_beyond_the_others_is_at_the_edge_and_says_how_far():
    far = judged(l1=("better", 0.002, 0.001, 0.003), l2=("worse", -2.0, -2.1, -1.9))
    plot = plot_of(far, {L1: {0: 0.002, 1: 0.5}, L2: {0: -2.1, 1: -1.9}})
    low, high = plot.figure.layout.xaxis.range
    assert -0.1 < low < 0 < high < 0.1
    dots_l2, mean_l2, dots_l1, mean_l1 = plot.figure.data
    assert (mean_l2.x, mean_l2.text, mean_l2.marker.symbol) == ((low,), ("-2",), "triangle-left")
    assert list(dots_l1.marker.symbol) == ["circle", "triangle-right"]
    assert list(dots_l2.x) == [low, low]
    assert mean_l1.marker.symbol == "diamond"
    assert "better by 0.5" in dots_l1.hovertext[1]
    assert "at the edge" in plot.caption
    assert "at the edge" not in plot_of(judged(**BOTH)).caption


def test_many_arms_stand_together_by_their_first_group():
    groups = [f"regularizer={r} model={m}" for m in ("a", "b") for r in ("l1", "l2", "l3", "l4")]
    comparison = tables([run("l1", 0.1 + i, trial=0) for i in range(1)])[1]
    row = comparison.iloc[0].to_dict() | {
        **{"metric": "test_loss", "baseline": NONE, "verdict": "better", "margin": math.nan},
        **{f"improvement_{part}": 0.1 for part in ("mean", "ci_low", "ci_high")},
    }
    table = type(comparison)([row | {"arm": arm} for arm in groups])
    axis = plot_of(table, {}).figure.layout.yaxis
    names = [text.split("</b>")[0].removeprefix("<b>") for text in axis.ticktext]
    assert names == [f"{r}, {m}" for r in ("l1", "l2", "l3", "l4") for m in ("a", "b")]
    steps = [b - a for a, b in zip(axis.tickvals, axis.tickvals[1:], strict=False)]
    assert steps == pytest.approx([1, 1.4] * 3 + [1])


def test_without_a_verdict_there_is_none():
    assert plot_of(judged()) is None


def test_the_pairs_are_those_of_the_verdict(folder):
    """A run beyond the look at which all were judged last is not among them."""
    confirm = tuple(range(10000, 10004))
    folder.compared(
        *("none", "l1"), looks=(2, 4), seeds={"search": (0,), "confirm": confirm}, margin=0.01
    )
    folder.arm("none", [0.5, 0.54])
    folder.arm("l1", [0.45, 0.56, 0.4])
    report = build_report([folder.root])
    [(name, its)] = report.pairs.items()
    assert name[1] == L1
    assert its == pytest.approx({10000: 0.05, 10001: -0.02})
    row = report.comparison.set_index("arm").loc[L1]
    assert sum(its.values()) / 2 == pytest.approx(row["improvement_mean"])


def test_the_pairs_of_others_are_neither_drawn_nor_make_room():
    one = plot_of(judged(**BOTH))
    other = plot_of(judged(**BOTH), PAIRS | {f"{L1} sparsest": {10000: -9.0, 10001: 9.0}})
    assert other.figure == one.figure
    assert other.caption == one.caption
