import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from report_tables import (
    ASKED,
    confirmed,
    curves,
    judge,
    results_of,
    run,
    small_sweep,
    tables,
)
from scipy import stats

from regsweep.report.plots import figure as shared
from regsweep.report.plots.all import sweep_plots
from regsweep.report.plots.arms import looks
from regsweep.report.plots.curves import curves_plot
from regsweep.report.plots.figure import (
    counting_axis,
    escaped,
    fitting_axis,
    jitter,
    new_figure,
    sampled,
    with_legend,
)
from regsweep.report.plots.search import search_plot
from regsweep.report.plots.seeds import seeds_plot
from regsweep.report.plots.sparse import sparse_plot
from regsweep.report.plots.trials import final_runs, trials_table
from regsweep.report.plots.weight import weight_plot
from regsweep.report.tables.comparison import comparison_table
from regsweep.report.words.view import short_names

NONE, L1, L2 = "regularizer=none", "regularizer=l1", "regularizer=l2"
HOSTILE = "<b>x</b> & <script>"


def looked(comparison):
    return looks(comparison["arm"], [NONE])


def looked_at(table):
    return list(dict.fromkeys(table["arm"]))


def traces(plot, **wanted):
    """The plot's traces whose attributes are as wanted; ``marker_symbol`` reaches into a part."""
    return [t for t in plot.figure.data if all(t[key] == value for key, value in wanted.items())]


def seeds_of(runs, metric="test_loss", baseline=NONE):
    _, comparison = tables(runs)
    comparison["baseline"] = baseline
    return seeds_plot(final_runs(results_of(runs)), comparison, looked(comparison), metric)


def weights_of(runs, objective="val_loss", asked=None):
    _, comparison = tables(runs, objective)
    trials = trials_table(results_of(runs, objective, asked))
    return weight_plot(trials, looked(comparison), objective)


def search_of(runs, asked=None):
    _, comparison = tables(runs)
    return search_plot(trials_table(results_of(runs, asked=asked)), looked(comparison), "val_loss")


def plots_of(runs, its_curves, objective="val_loss", arm_looks=None):
    table, comparison = tables(runs, objective)
    arm_looks = arm_looks or looked(comparison)
    results = results_of(runs, objective)
    return sweep_plots(table, comparison, its_curves, arm_looks, objective, results)


class TestArms:
    def test_names_leave_out_the_groups(self):
        arms = ["regularizer=l1 model=mlp", "regularizer=none"]
        assert list(short_names(arms).values()) == ["l1, mlp", "none"]

    def test_arms_of_one_short_name_keep_the_whole(self):
        arms = ["model=none", "regularizer=none"]
        assert list(short_names(arms).values()) == arms

    def test_baselines_are_grey_and_the_others_differ(self):
        made = looks([L1, NONE, L2, L1], [NONE])
        assert list(made) == [L1, NONE, L2]
        assert made[NONE].color == "#808080"
        assert len({look.color for look in made.values()}) == 3
        assert len({look.symbol for look in made.values()}) == 3

    def test_more_arms_than_colours_still_have_one(self):
        assert len(looks(f"regularizer={i}" for i in range(40))) == 40

    def test_many_arms_share_colour_and_key_with_their_first_choice(self):
        arms = [f"regularizer={r} model={m}" for r in ("none", "l1", "l2") for m in "abcd"]
        made = looks(arms, [arm for arm in arms if "none" in arm])
        assert [look.key for look in made.values()] == ["none"] * 4 + ["l1"] * 4 + ["l2"] * 4
        assert len({look.color for look in made.values()}) == 3
        assert len({(look.color, look.symbol) for look in made.values()}) == 12


class TestFigure:
    @pytest.mark.parametrize(
        ("values", "is_log"),
        [
            ([1, 100], True),
            ([1, 2.9], False),
            ([0, 100], False),
            ([-1, 1], False),
            ([], False),
            ([math.nan, math.inf, 1], False),
        ],
    )
    def test_an_axis_is_log_where_values_allow_it_and_need_it(self, values, is_log):
        axis = fitting_axis("loss", values)
        assert (axis.get("type") == "log") is is_log
        assert ("log scale" in axis["title_text"]) is is_log

    def test_few_decades_have_ticks_between_powers_of_ten(self):
        assert {0.1, 0.2, 0.5} <= set(fitting_axis("loss", [0.1, 0.9])["tickvals"])
        assert fitting_axis("weight", [1e-6, 1e-2])["dtick"] == 1
        assert fitting_axis("weight", [1e-6, 1])["dtick"] == 2

    def test_few_counts_have_whole_ticks(self):
        assert counting_axis("epoch", [1, 2, 3])["dtick"] == 1
        assert "dtick" not in counting_axis("epoch", range(100))
        assert "dtick" not in counting_axis("epoch", [])

    def test_a_legend_of_many_names_makes_its_figure_higher(self):
        small, large = new_figure({}, {}), new_figure({}, {})
        with_legend(small, ["l1", "l2"])
        with_legend(large, [f"a_penalty_{i}" for i in range(30)])
        assert small.layout.height == 440
        assert large.layout.height >= 440 + 19 * 10
        assert large.layout.legend.maxheight == 1

    def test_text_has_no_markup_and_is_cut(self):
        assert escaped("<b>a</b> & b") == "&lt;b&gt;a&lt;/b&gt; &amp; b"
        assert escaped("a\nb\tc") == "a b c"
        assert escaped("x" * 200, 10) == "x" * 9 + "…"

    def test_jitter_stays_inside_and_never_changes(self):
        offsets = jitter(500, 0.2)
        assert np.abs(offsets).max() <= 0.2
        assert len(np.unique(offsets)) == 500
        assert (offsets == jitter(500, 0.2)).all()

    def test_a_sample_is_even_and_said_to_be_one(self, monkeypatch):
        monkeypatch.setattr(shared, "MOST_POINTS", 3)
        kept, note = sampled(pd.DataFrame({"x": range(5)}), "runs")
        assert kept["x"].tolist() == [0, 2, 4]
        assert note == " (3 of 5 runs)"
        assert sampled(kept, "runs")[1] == ""


class TestTrials:
    def test_a_trial_is_the_mean_over_its_seeds(self):
        runs = [run("l1", loss, weight=1e-3, trial=0, seed=s) for s, loss in enumerate((0.2, 0.4))]
        made = trials_table(results_of(runs))
        assert made[["arm", "trial", "weight"]].values.tolist() == [[L1, 0, 1e-3]]
        assert made["value"].tolist() == pytest.approx([0.3])
        assert made["settings"].tolist() == ["regularizer.weight=0.001"]

    def test_the_error_is_one_minus_the_accuracy(self):
        runs = [run("l1", 0.4, weight=1e-3, trial=0)]
        # In percent, as everywhere.
        made = trials_table(results_of(runs, "val_error"))
        assert made["value"].tolist() == pytest.approx([10])

    @pytest.mark.parametrize("status", ["failed", "diverged"])
    def test_a_trial_with_a_broken_seed_is_none(self, status):
        runs = [run("l1", weight=1.0, trial=0), run("l1", weight=1.0, trial=0, status=status)]
        assert trials_table(results_of(runs)).empty

    def test_runs_of_a_grid_are_put_together_by_their_settings(self):
        runs = [
            run("l1", loss, weight=weight, stage="single", trial=number, seed=number)
            for number, (weight, loss) in enumerate([(1e-3, 0.2), (1e-3, 0.4), (1e-2, 0.5)])
        ]
        made = trials_table(results_of(runs))
        assert made["value"].tolist() == pytest.approx([0.3, 0.5])
        assert made["won"].tolist() == [True, False]


class TestSeedsPlot:
    def test_every_seed_is_a_dot_in_the_order_of_the_comparison(self):
        plot = seeds_of(small_sweep())
        assert plot.figure.layout.yaxis.ticktext == ("l2", "l1", "none")
        dots = traces(plot, marker_size=7)
        assert [list(t.x) for t in dots] == [
            pytest.approx([mean, mean + 0.01, mean + 0.02]) for mean in (0.1, 0.2, 0.3)
        ]
        assert [round(np.mean(t.y)) for t in dots] == [0, 1, 2]
        assert all(np.abs(t.y - place).max() < 0.5 for place, t in enumerate(dots))
        assert "seed 10000" in dots[0].hovertext[0]

    def test_a_loss_has_students_interval(self):
        mean = traces(seeds_of(small_sweep()), marker_size=12)[0]
        low, high = stats.t.interval(0.95, 2, 0.11, 0.01 / math.sqrt(3))
        assert mean.x == pytest.approx((0.11,))
        assert mean.error_x.array[0] == pytest.approx(high - 0.11)
        assert mean.error_x.arrayminus[0] == pytest.approx(0.11 - low)

    def test_an_accuracy_has_the_interval_of_the_comparison(self):
        _, comparison = tables(small_sweep())
        judge(comparison, "l2", test_accuracy_ci_low=0.96, test_accuracy_ci_high=0.99)
        final = final_runs(results_of(small_sweep()))
        plot = seeds_plot(final, comparison, looked(comparison), "test_accuracy")
        mean = traces(plot, marker_size=12)[0]
        assert mean.x == pytest.approx((97.25,))
        assert mean.error_x.array[0] == pytest.approx(1.75)
        assert mean.error_x.arrayminus[0] == pytest.approx(1.25)
        assert "97.2500" in mean.hovertext[0]
        assert "96.0000 to 99.0000" in mean.hovertext[0]

    def test_an_arm_far_off_lies_at_the_edge_and_squashes_no_other(self):
        far = [confirmed("elastic", seed, 9.0 + seed, weight=1e-2) for seed in range(3)]
        plot = seeds_of([*small_sweep(), run("elastic", 9.0, weight=1e-2, trial=1), *far])
        low, high = plot.figure.layout.xaxis.range
        assert low < 0.1
        assert 0.32 < high < 1
        place = plot.figure.layout.yaxis.ticktext.index("elastic")
        dots = traces(plot, marker_size=7)[place]
        assert set(dots.x) == {high}
        assert set(dots.marker.symbol) == {"triangle-right"}
        mean = traces(plot, marker_size=12)[place]
        assert (list(mean.x), mean.marker.symbol, mean.text) == ([high], "triangle-right", ("10",))
        assert "beyond it" in plot.caption
        assert "beyond it" not in seeds_of(small_sweep()).caption

    def test_overlapping_bars_are_explained_where_arms_were_compared(self):
        _, comparison = tables(small_sweep())
        final = final_runs(results_of(small_sweep()))
        args = (looked(comparison), "test_loss")
        assert "in pairs" not in seeds_plot(final, comparison, *args).caption
        judge(comparison, "l1", improvement_mean=0.1)
        assert "in pairs" in seeds_plot(final, comparison, *args).caption

    @pytest.mark.parametrize(
        ("metric", "end", "at"),
        [("test_accuracy", 1, 100), ("test_error", 0, 0), ("test_loss", 0, 0)],
    )
    def test_the_axis_does_not_go_on_where_no_value_can_be(self, metric, end, at):
        perfect = [run("l1", 0.1, weight=1e-2, trial=1)]
        perfect += [confirmed("l1", seed, 0.0, weight=1e-2) for seed in range(3)]
        ends = seeds_of(perfect, metric).figure.layout.xaxis.range
        assert ends[end] == at
        assert ends[0] < ends[1]

    def test_an_error_is_in_percent(self):
        assert traces(seeds_of(small_sweep(), "test_error"), marker_size=12)[0].x == pytest.approx(
            (2.75,)
        )

    def test_the_baselines_mean_is_a_line(self):
        lines = seeds_of(small_sweep()).figure.layout.shapes
        assert [line.x0 for line in lines] == pytest.approx([0.31] * 3)
        assert [line.x1 for line in lines] == pytest.approx([0.31] * 3)
        plot = seeds_of(small_sweep(), baseline=None)
        assert plot.figure.layout.shapes == ()
        assert "baseline" not in plot.caption

    def test_behind_an_arm_is_the_mean_of_its_own_baseline(self):
        plot = seeds_of(small_sweep(), baseline=[L2, L1, L1])
        lines = plot.figure.layout.shapes
        assert [line.x0 for line in lines] == pytest.approx([0.11, 0.21, 0.21])
        assert [(line.y0, line.y1) for line in lines] == [(-0.5, 0.5), (0.5, 1.5), (1.5, 2.5)]

    def test_superseded_runs_are_left_out(self):
        old = confirmed("l2", 7, 9.0, trial=0, weight=1e-2)
        dots = traces(seeds_of([*small_sweep(), old]), marker_size=7)[0]
        assert max(dots.x) < 1

    def test_an_arm_that_broke_off_has_dots_and_no_mean(self):
        broken = confirmed("l2", 7, 0.1, weight=1e-4, status="diverged", metrics={})
        plot = seeds_of([*small_sweep(), broken])
        assert sorted(plot.figure.layout.yaxis.ticktext) == ["l1", "l2", "none"]
        assert len(traces(plot, marker_size=7)) == 3
        assert len(traces(plot, marker_size=12)) == 2

    def test_of_single_runs_those_of_the_best_setting_count(self):
        grid = [
            confirmed("l1", n, loss, stage="single", trial=n, weight=weight)
            for n, (weight, loss) in enumerate([(1e-3, 0.2), (1e-3, 0.3), (1e-2, 0.9)])
        ]
        plot = seeds_of([*grid[:2], run("l1", 9, weight=1e-2, stage="single", trial=2)])
        assert sorted(traces(plot, marker_size=7)[0].x) == pytest.approx([0.2, 0.3])

    def test_one_run_or_an_untested_sweep_has_none(self):
        assert seeds_of([confirmed("l1", 0, 0.2, stage="single")]) is None
        assert seeds_of([run("l1", weight=w, trial=n) for n, w in enumerate((0.1, 0.2))]) is None


class TestWeightPlot:
    def test_a_mark_a_trial_and_a_star_for_the_winner(self):
        plot = weights_of(small_sweep())
        marks = traces(plot, name="l1", mode="markers")[0]
        assert list(marks.x) == [1e-2, 1e-4]
        assert list(marks.y) == pytest.approx([0.49, 0.24])
        star = traces(plot, name="l1, winner")[0]
        assert list(star.x) == [1e-4]
        assert star.marker.color == marks.marker.color
        assert plot.figure.layout.xaxis.type == "log"
        assert plot.figure.data[-1].marker.symbol == "star"

    def test_what_is_far_worse_than_most_is_a_triangle_at_the_top(self):
        losses = [0.5, 0.52, 0.54, 0.56, 0.58, 90.0]
        runs = [run("l1", loss, weight=10.0**-n, trial=n) for n, loss in enumerate(losses)]
        plot = weights_of(runs)
        (marks,) = traces(plot, name="l1")
        assert max(marks.y) < 1
        assert marks.marker.symbol[-1] == "triangle-up-open"
        assert "validation loss: 90" in marks.hovertext[-1]
        assert "triangle" in plot.caption
        assert "triangle" not in weights_of(runs[:5]).caption

    def test_weights_of_another_scale_and_the_ratio_have_panels_of_their_own(self):
        runs = [run("weight_decay", 0.1 + n / 10, weight=0.1 / (n + 1), trial=n) for n in range(3)]
        params = [{"regularizer.weight": 1e-4, "regularizer.l1_ratio": r} for r in (0.2, 0.7)]
        runs += [run("elastic", 0.2 + n / 10, params=p, trial=n) for n, p in enumerate(params)]
        plot = weights_of([*runs, *small_sweep()])
        axes = [plot.figure.layout[f"xaxis{n}"].title.text for n in ("", "2", "3")]
        assert axes == [
            "regularizer.weight of l1, l2, elastic (log scale)",
            "regularizer.weight of weight_decay (log scale)",
            "regularizer.l1_ratio",
        ]
        assert {t.yaxis for t in traces(plot, name="weight_decay")} == {"y2"}
        assert {t.yaxis for t in traces(plot, name="l1")} == {"y"}
        assert list(traces(plot, name="elastic", yaxis="y3")[0].x) == [0.2, 0.7]
        assert [bool(t.showlegend) for t in traces(plot, name="elastic")] == [True, False]
        assert [t.yaxis for t in traces(plot, name="none")] == ["y", "y2"]

    def test_strengths_of_other_names_have_panels_and_no_penalty_in_the_title(self):
        runs = [
            run(arm, 0.2 + n / 10, params={f"regularizer.{key}": value}, trial=n)
            for arm, key in (("dropout", "p"), ("mixup", "alpha"))
            for n, value in enumerate((0.1, 0.6))
        ]
        plot = weights_of([*runs, *small_sweep()])
        axes = [plot.figure.layout[f"xaxis{n}"].title.text for n in ("", "2", "3")]
        assert axes == [
            "regularizer.weight of l1, l2 (log scale)",
            "regularizer.p of dropout",
            "regularizer.alpha of mixup (log scale)",
        ]
        assert list(traces(plot, name="dropout")[0].x) == [0.1, 0.6]
        assert plot.title == "Validation loss against strength"
        assert weights_of(small_sweep()).title == "Validation loss against penalty weight"

    def test_an_arm_without_a_weight_is_a_level_line(self):
        plot = weights_of(small_sweep())
        (line,) = traces(plot, name="none")
        assert line.mode == "lines"
        assert list(line.x) == [1e-4, 1e-2]
        assert list(line.y) == [0.5, 0.5]
        assert "without a weight" in plot.caption
        assert "without a weight" not in weights_of(small_sweep(arms=["l1"])).caption

    def test_a_level_line_is_as_long_as_the_weights_of_its_panel(self):
        plot = weights_of([*small_sweep(), run("weight_decay", 0.3, weight=10.0, trial=0)])
        of_loss, _ = traces(plot, name="none")
        assert list(of_loss.x) == [1e-4, 1e-2]

    def test_a_weight_of_zero_makes_the_axis_linear(self):
        runs = [run("l1", 0.3, weight=weight, trial=n) for n, weight in enumerate((0.0, 1e-2))]
        assert weights_of(runs).figure.layout.xaxis.type is None

    def test_hovering_shows_all_settings_without_markup(self):
        params = {"regularizer.weight": 0.1, "x.name": HOSTILE}
        plot = weights_of([run("l1", 0.3, params=params, trial=0)])
        text = plot.figure.data[0].hovertext[0]
        assert "regularizer.weight=0.1" in text
        assert "&lt;script&gt;" in text
        assert "<script" not in text

    def test_the_weights_that_are_as_good_are_a_bar_at_the_foot(self):
        runs = small_sweep()
        _, comparison = tables(runs)
        judge(comparison, "l2", plateau_low=1e-5, plateau_high=3e-2)
        looked_at = looked(comparison)
        table, results = tables(runs)[0], results_of(runs)
        drawn = sweep_plots(table, comparison, curves([]), looked_at, "val_loss", results)
        [plot] = [plot for plot in drawn if "against penalty weight" in plot.title]
        [bar] = traces(plot, yaxis="y2")
        assert (bar.name, min(bar.x), max(bar.x)) == ("l2", 1e-5, 3e-2)
        assert bar.text == "<b>l2</b><br>as good from 1e-5 to 0.03"
        assert bar.line.color == looked_at[L2].color
        assert plot.figure.layout.yaxis.domain[0] == plot.figure.layout.yaxis2.domain[1] > 0
        assert "bar at the foot" in plot.caption
        assert "bar at the foot" not in weights_of(runs).caption

    def test_without_weights_there_is_none(self):
        assert weights_of([run("none", trial=0)]) is None
        assert weights_of([run("l1", weight=0.1, trial=0, status="diverged")]) is None

    def test_more_trials_than_can_be_drawn_are_sampled(self, monkeypatch):
        monkeypatch.setattr(shared, "MOST_POINTS", 2)
        runs = [run("l1", 0.1 + n, weight=0.1 + n, trial=n) for n in range(5)]
        plot = weights_of(runs)
        assert plot.title.endswith(" (2 of 5 trials)")
        assert len(traces(plot, name="l1")[0].x) == 2
        assert list(traces(plot, name="l1, winner")[0].x) == [0.1]

    def test_the_star_is_the_tables_winner_and_never_a_half_done_trial(self):
        whole = [run("l1", 0.3, weight=1e-3, trial=0, seed=seed) for seed in (0, 1)]
        runs = [*whole, run("l1", 0.1, weight=1e-2, trial=1)]
        asked = {"sweep": replace(ASKED, budget=ASKED.budget | {"replicates": 2})}
        winner = comparison_table(tables(runs)[0], asked=asked).set_index("arm").loc[L1, "trial"]
        assert winner == 0
        plot = weights_of(runs, asked=asked)
        assert list(traces(plot, name="l1, winner")[0].x) == [1e-3]
        assert list(traces(plot, name="l1")[0].x) == [1e-3]
        assert search_of(runs, asked=asked) is None

    def test_a_confirmed_arm_stays_though_a_half_done_trial_looks_better(self):
        runs = [run("l1", 0.3, weight=1e-3, trial=0, seed=seed) for seed in (0, 1)]
        runs += [confirmed("l1", seed, 0.2, trial=0, weight=1e-3) for seed in range(3)]
        runs += [run("l1", 0.1, weight=1e-2, trial=1)]
        asked = {"sweep": replace(ASKED, budget=ASKED.budget | {"replicates": 2})}
        assert len(final_runs(results_of(runs, asked=asked))) == 3


class TestSearchPlot:
    def test_a_step_where_a_trial_was_better_and_the_end(self):
        losses = [0.5, 0.6, 0.3, 0.4, 0.35]
        plot = search_of([run("l1", loss, weight=0.1, trial=n) for n, loss in enumerate(losses)])
        (line,) = plot.figure.data
        assert list(line.x) == [0, 2, 4]
        assert list(line.y) == [0.5, 0.3, 0.3]
        assert line.line.shape == "hv"

    def test_broken_trials_do_not_count(self):
        losses = [(0.5, "completed"), (0.1, "diverged"), (0.4, "completed")]
        runs = [run("l1", v, weight=0.1, trial=n, status=s) for n, (v, s) in enumerate(losses)]
        assert list(search_of(runs).figure.data[0].y) == [0.5, 0.4]

    def test_an_arm_tried_once_is_a_level_line(self):
        line = traces(search_of(small_sweep()), name="none")[0]
        assert (list(line.x), list(line.y)) == ([0, 1], [0.5, 0.5])
        assert line.line.dash == "dash"

    def test_without_a_search_there_is_none(self):
        assert search_of([run("l1", weight=0.1, trial=0)]) is None
        grid = [run("l1", weight=w, trial=n, stage="single") for n, w in enumerate((0.1, 0.2))]
        assert search_of(grid) is None


class TestCurvesPlot:
    def plot(self, table, objective="val_loss", arms=(L1,)):
        return curves_plot(table, looks(arms), objective)

    def test_means_over_the_seeds_and_a_band_of_most_of_them(self):
        plot = self.plot(curves([(L1, seed) for seed in range(11)]))
        means = traces(plot, name="l1")
        assert [(t.line.dash, list(t.x), list(t.y)) for t in means] == [
            (dash, [1, 2], [1.5, 0.75]) for dash in ("solid", "dot")
        ]
        band = traces(plot, fill="toself")[0]
        assert list(band.x) == [1, 2, 2, 1]
        assert list(band.y) == pytest.approx([0.5, 0.25, 1.25, 2.5])

    def test_an_arm_has_a_panel_with_the_validation_of_its_baseline(self):
        table = curves([(arm, seed) for arm in (NONE, L1, L2) for seed in range(2)])
        given = {arm: NONE for arm in (NONE, L1, L2)}
        plot = curves_plot(table, looks([L1, L2, NONE], [NONE]), "val_loss", baselines=given)
        titles = [note.text for note in plot.figure.layout.annotations]
        assert titles == ["<b>l1</b>", "<b>l2</b>", "<b>none</b>"]
        panels = [t.yaxis for t in traces(plot, hoverinfo="skip", name=None, fill=None)]
        assert panels == ["y", "y2"]
        assert [traces(plot, name=n)[0].yaxis for n in ("l1", "l2", "none")] == ["y", "y2", "y3"]
        assert "baseline" in plot.caption

    def test_many_arms_share_the_panels_of_their_first_choices(self):
        arms = [f"regularizer={r} model={m}" for r in ("l1", "l2", "l3", "l4") for m in ("a", "b")]
        plot = self.plot(curves([(arm, 0) for arm in arms]), arms=arms)
        titles = [note.text for note in plot.figure.layout.annotations]
        assert titles == [f"<b>{r}</b>" for r in ("l1", "l2", "l3", "l4")]

    def falling(self, **ends):
        """Curves that fall from 2 to their ends within 10 epochs, as ``end + 1.8 / epoch^4``."""
        table = curves([(f"regularizer={arm}", seed) for arm in ends for seed in range(2)], 10)
        at = table["arm"].str.removeprefix("regularizer=").map(ends)
        values = at + 1.8 / table["epoch"].astype(float) ** 4
        plot = self.plot(table.assign(train_loss=values, val_loss=values), arms=looked_at(table))
        return plot, [note.text for note in plot.figure.layout.annotations]

    def test_the_axis_shows_later_epochs_where_arms_differ(self):
        plot, titles = self.falling(l1=0.2, l2=0.21)
        low, high = plot.figure.layout.yaxis.range
        assert 0.18 < low < 0.2002
        assert 0.21 < high < 0.23
        assert "leave the frame" in plot.caption
        assert titles == ["<b>l1</b>", "<b>l2</b>"]

    def test_an_arm_far_off_is_named_and_squashes_no_other(self):
        plot, titles = self.falling(l1=0.2, l2=0.21, elastic=9.0)
        assert plot.figure.layout.yaxis.range[1] < 0.3
        assert titles == ["<b>l1</b>", "<b>l2</b>", "<b>elastic</b>, beyond the frame: 9"]

    def test_a_log_axis_has_its_ends_as_powers(self):
        table = curves([(L1, 0)], 10)
        falls = 10.0 ** -table["epoch"]
        axis = self.plot(table.assign(train_loss=falls, val_loss=falls)).figure.layout.yaxis
        assert axis.type == "log"
        assert axis.range == pytest.approx((-10, -5), abs=0.3)

    def test_the_legend_says_what_the_dashes_mean(self):
        key = self.plot(curves([(L1, 0)])).figure.data[-2:]
        assert [t.line.dash for t in key] == ["solid", "dot"]
        assert [(t.name, t.line.dash) for t in key] == [
            ("validation", "solid"),
            ("training", "dot"),
        ]

    def test_an_error_is_shown_where_it_was_the_objective(self):
        plot = self.plot(curves([(L1, 0)]), "val_error")
        assert list(traces(plot, name="l1")[0].y) == [75.0, 87.5]
        assert "error" in plot.title

    def test_without_validation_there_is_training_only(self):
        plot = self.plot(curves([(L1, 0)], val_loss=None))
        assert [t.line.dash for t in plot.figure.data] == ["dot", "dot"]

    def test_no_curves_no_plot(self):
        assert self.plot(curves([])) is None
        assert self.plot(pd.DataFrame()) is None


class TestSparsePlot:
    def plot(self, runs, asked=None):
        results = results_of(runs, asked=asked)
        return sparse_plot(trials_table(results), results, looks(["regularizer=l1", NONE], [NONE]))

    def exact(self, *zeros_and_losses):
        """Trials of l1 with these shares of zeros and losses, of which accuracy is 1 - loss / 4."""
        return [
            run("l1", loss, weight=10.0**-n, trial=n, metrics={"zero_fraction": zeros})
            for n, (zeros, loss) in enumerate(zeros_and_losses)
        ]

    def test_a_mark_a_trial_and_a_diamond_what_was_tested(self):
        runs = [one for one in small_sweep() if one.record.arm["regularizer"] != "l2"]
        plot = self.plot(runs)
        assert plot.title == "Accuracy against weights left"
        marks = traces(plot, name="l1")[0]
        assert list(marks.x) == pytest.approx([90, 90])
        assert list(marks.y) == pytest.approx([87.75, 94])
        [tested] = traces(plot, name="l1, tested")
        assert (list(tested.x), list(tested.y)) == ([90], [pytest.approx(94.75)])
        assert tested.marker.symbol == "diamond"
        interval = stats.t.ppf(0.975, 2) * 0.25 / math.sqrt(3)
        assert tested.error_y.array[0] == pytest.approx(interval)

    def test_the_front_is_over_all_trials(self):
        none = [run("none", 0.1, trial=0, metrics={"zero_fraction": 0.0})]
        l1 = self.exact((0.5, 0.2), (0.9, 0.4), (0.7, 0.44), (0.95, 0.8))
        front = traces(self.plot([*none, *l1]), name="front of the trials")[0]
        assert list(front.x) == pytest.approx([5, 10, 50, 100])
        assert list(front.y) == pytest.approx([80, 90, 95, 97.5])
        assert front.line.shape == "hv"

    def test_a_trial_far_below_the_others_is_a_triangle_at_the_foot(self):
        plot = self.plot(self.exact((0.1, 0.2), (0.3, 0.22), (0.5, 0.24), (0.6, 0.23), (1.0, 3.6)))
        marks = traces(plot, name="l1")[0]
        assert [s == "triangle-down-open" for s in marks.marker.symbol] == [False] * 4 + [True]
        assert min(marks.y) > 90
        assert "validation accuracy: 10.00 %" in marks.hovertext[-1]
        assert "triangle" in plot.caption

    def test_the_foot_is_below_what_was_tested(self):
        runs = self.exact((0.1, 0.2), (0.3, 0.22), (0.5, 0.24), (0.6, 0.23), (1.0, 3.6))
        runs += [confirmed("l1", n, loss, trial=0, weight=1.0) for n, loss in enumerate((0.2, 0.8))]
        plot = self.plot(runs)
        # Two seeds tell so little that the interval reaches down to 0.
        assert "triangle" not in plot.caption
        assert min(traces(plot, name="l1")[0].y) == pytest.approx(10)

    def test_a_far_worse_trial_without_weights_leaves_the_axis_logarithmic(self):
        few = [(0.5, 0.2), (0.9, 0.22), (0.99, 0.24), (0.98, 0.23)]
        plot = self.plot(self.exact(*few, (1.0, 3.6)))
        assert plot.figure.layout.xaxis.type == "log"
        assert min(traces(plot, name="l1")[0].x) == pytest.approx(1)
        assert "weights left: 0 %" in traces(plot, name="l1")[0].hovertext[-1]

    def test_the_sparsest_trial_is_an_open_diamond(self):
        runs = self.exact((0.1, 0.2), (0.9, 0.2 + 1e-4))
        for trial in (0, 1):
            fields = {"trial": trial, "weight": 10.0**-trial}
            runs += [confirmed("l1", seed, 0.3, **fields) for seed in range(3)]
        asked = replace(ASKED, sparsest=("regularizer=l1",), margin=0.01)
        plot = self.plot(runs, {"sweep": asked})
        symbols = [trace.marker.symbol for trace in traces(plot, name="l1, tested")]
        assert symbols == ["diamond", "diamond-open"]
        assert "open" in plot.caption

    def test_one_trial_has_none(self):
        assert self.plot([run("l1", trial=0)]) is None


class TestAll:
    def test_each_arm_has_one_colour_in_all_plots(self):
        plots = plots_of(small_sweep(), curves([(arm, 0) for arm in (NONE, L1, L2)]))
        assert len(plots) == 6
        colors = {}
        for plot in plots[2:]:
            for trace in plot.figure.data:
                color = trace.marker.color or trace.line.color
                colors.setdefault(trace.name, set()).add(color)
        assert {name: len(colors[name]) for name in ("none", "l1", "l2")} == dict.fromkeys(
            ("none", "l1", "l2"), 1
        )

    def test_the_order_is_that_of_the_comparison(self):
        plots = plots_of(small_sweep(), curves([]), arm_looks=looks([L1, L2, NONE]))
        names = [t.name for t in plots[-1].figure.data if t.showlegend]
        assert names == ["l2", "l1", "none"]

    def test_an_error_as_objective_is_judged_on_the_test_error(self):
        plots = plots_of(small_sweep(), curves([]), "val_error")
        assert [p.title for p in plots][:2] == [
            "Test error of the winners",
            "Test accuracy of the winners",
        ]

    def test_a_lone_run_has_no_plot(self):
        assert plots_of([confirmed("l1", 0, 0.2, stage="single", sweep="")], curves([])) == []
