import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import plotly.graph_objects as go
import pytest
from report_tables import ASKED, confirmed, full_report, judge, report, run, small_sweep

from regsweep.data.source import SOURCES
from regsweep.records.task import ACCURACY
from regsweep.report.page import page as module
from regsweep.report.page.page import page
from regsweep.report.plots.figure import Plot
from regsweep.report.tables.choice import Choice
from regsweep.report.tables.gather import Problem

BASELINE = "regularizer=none"
CHOICE = Choice(BASELINE, BASELINE, "baseline", (BASELINE,), 3, 3, 0.01, "test_loss", ACCURACY)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'"


class Reader(HTMLParser):
    """The page's elements, texts, and the rows of the comparison."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.rows, self.titles = [], [], [], []
        self.figures = []
        self.inside = []
        self.feed(html)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.titles.append(dict(attributes).get("title"))

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = [tag for tag, _ in self.inside]
        if "script" in tags:
            if self.inside[-1][1].get("class") == "figure":
                self.figures.append(json.loads(data))
            return
        if "style" in tags:
            return
        self.texts.append(data)
        if ("td" in tags or "th" in tags) and data.strip() != "copy":
            self.rows[-1][-1] += data

    def table(self):
        """The comparison: a dict a row, by the titles of the columns."""
        header, *rest = self.rows
        rows = [row for row in rest if len(row) == len(header)]
        return [dict(zip(header, row, strict=True)) for row in rows]


def read(made):
    return Reader(page(made))


@pytest.fixture(scope="module")
def full():
    return page(full_report())


@pytest.fixture(scope="module")
def shown(full):
    return Reader(full)


def test_the_answer_comes_first_then_remarks_then_what_is_missing():
    unfinished = tuple(Problem(f"sweep/{i}", "has no record.json") for i in range(12))
    made = read(
        full_report(
            choices={"sweep": (CHOICE,)},
            remarks=("l1 diverged twice.",),
            unreadable=(Problem("sweep/x/record.json", "not JSON"),),
            unfinished=unfinished,
        )
    )
    parts = ["l2 and l1 are better than none in test loss; l2 most, by 0.25 (0.19 to 0.31)."]
    parts += [
        "To take: none (the baseline). It is shown to be at most 1 % worse than the best",
        "Improvement over the baseline, in test loss",
        "l1 diverged twice.",
        "1 unreadable",
        "sweep/x/record.json : not JSON",
    ]
    parts += ["12 unfinished", "sweep/9 : has no record.json", "and 2 more", "The comparison"]
    parts += ["Every verdict in words", "l2 wins."]
    places = [made.text.index(part) for part in parts]
    assert places == sorted(places)
    assert "sweep/10" not in made.text


def test_the_comparison_has_a_row_an_arm_with_rounded_numbers(shown):
    l2, l1, none = shown.table()
    assert [l2["arm"], l1["arm"], none["arm"]] == ["l2", "l1", "none"]
    assert l2["best overrides"] == "weight=0.0001"
    assert l2["trials"] == "2"
    assert l2["failed / diverged"] == "0 / 0"
    assert l2["validation loss"] == "0.2300"
    assert l2["validation accuracy %"] == "94.25"
    assert l2["seeds"] == "3"
    assert l2["test accuracy % [95 % interval]"] == "97.25 [96.25, 98.25]"
    assert l2["test loss [95 % interval]"] == "0.1100 [0.0852, 0.1348]"
    improvement = "improvement in test loss over the baseline [interval, corrected for 2 tests]"
    assert l2[improvement] == "+0.2500 [+0.1875, +0.3125]"
    assert (l2["p (Holm)"], l2["% of seeds better"]) == ("<0.001", "99.99")
    assert (l2["verdict"], none["verdict"], none[improvement]) == ("better", "baseline", "")


def test_the_tested_metric_its_difference_and_verdict_come_first(shown):
    made = full_report()
    improvement = "improvement in test loss over the baseline [interval, corrected for 2 tests]"
    assert list(shown.table()[0])[:5] == [
        *("arm", "verdict", improvement, "p (Holm)", "test loss [95 % interval]")
    ]
    for arm in ("none", "l1", "l2"):
        judge(made.comparison, arm, metric="test_error")
    assert list(read(made).table()[0])[4] == "test accuracy % [95 % interval]"


def test_remarks_beyond_three_are_folded():
    made = page(full_report(remarks=tuple(f"remark {i}" for i in range(5))))
    before, _, folded = made.partition("2 more remarks")
    assert "remark 2" in before
    assert "remark 3" not in before
    assert "remark 4" in folded


def test_a_cell_holds_all_digits_and_the_overrides_whole(shown):
    assert "0.0001" in shown.titles
    assert "0.25, interval 0.1875 to 0.3125" in shown.titles
    copies = [a["data-copy"] for tag, a in shown.tags if "data-copy" in a]
    assert "regularizer=l2 regularizer.weight=0.0001" in copies


def test_an_error_is_improved_in_points():
    made = full_report()
    for arm in ("none", "l1", "l2"):
        judge(made.comparison, arm, metric="test_error")
    row = read(made).table()[0]
    title = "improvement in test error over the baseline [interval, corrected for 2 tests]"
    assert row[title] == "+25.00 [+18.75, +31.25] points"


def test_a_small_improvement_is_not_rounded_to_nothing():
    made = full_report()
    judge(made.comparison, "l2", improvement_mean=-2.04e-5)
    judge(made.comparison, "l2", improvement_ci_low=-5.14e-5, improvement_ci_high=1e-5)
    title = "improvement in test loss over the baseline [interval, corrected for 2 tests]"
    assert read(made).table()[0][title] == "-0.000020 [-0.000051, +0.000010]"


def test_the_weights_that_are_as_good_are_rounded_and_in_full():
    made = full_report()
    judge(made.comparison, "l2", plateau_low=1.4454e-5, plateau_high=0.25)
    shown = read(made)
    assert [row["weights as good"] for row in shown.table()].count("1.4e-5 to 0.25") == 1
    assert "from 1.4454e-05 to 0.25, by all trials of the arm" in shown.titles


def test_columns_without_a_value_are_left_out():
    (row,) = read(report([run("l1", weight=0.1, trial=0)])).table()
    assert list(row) == [
        *("arm", "best overrides", "near-zero %", "validation loss", "validation accuracy %"),
        *("trials", "failed / diverged"),
    ]


def test_an_arm_without_a_finished_trial_says_so():
    runs = [*small_sweep(), run("elastic", trial=0, status="diverged", metrics={"val_loss": None})]
    row = next(row for row in read(report(runs)).table() if row["arm"] == "elastic")
    assert row["best overrides"] == "no finished trial"
    assert row["failed / diverged"] == "0 / 1"


def test_verdicts_have_words_and_colours():
    made = full_report()
    judge(made.comparison, "l1", verdict="worse")
    judge(made.comparison, "l2", verdict="undecided")
    html = page(made)
    assert re.search(r'class="words worse"[^>]*>worse<', html)
    assert re.search(r'class="words "[^>]*>undecided<', html)


def test_all_plots_are_there_with_their_titles(shown):
    assert len(shown.figures) == 7
    for title in (
        "Improvement over the baseline, in test loss",
        *("Test loss of the winners", "Test accuracy of the winners"),
        *("Validation loss against penalty weight", "Best validation loss found so far"),
        *("Learning curves of the winners: loss by epoch", "Accuracy against weights left"),
    ):
        assert title in shown.text


def test_plotly_is_there_once_and_nothing_is_loaded(full, shown):
    assert full.count("* plotly.js v") == 1
    for tag, attributes in shown.tags:
        assert tag not in ("link", "iframe", "img", "object", "embed", "base")
        assert not attributes.keys() & {"src", "srcset", "href"}
    assert "@import" not in full.partition("<script>")[0]
    assert "url(" not in full.partition("<script>")[0]


def test_without_plots_neither_their_headings_nor_plotly_are_there():
    alone = confirmed("l1", 0, 0.2, stage="single", trial=None, sweep="")
    html = page(report([alone]))
    assert "plotly" not in html
    assert "Plots" not in html
    assert len(html) < 50_000


def test_a_sweep_that_confirmed_nothing_has_no_test_columns_nor_intervals():
    made = read(report([r for r in small_sweep() if r.record.stage == "search"]))
    assert not any("test" in title or "seeds" in title for title in made.table()[0])
    assert "Nothing was measured on test data" in made.text
    assert "Test loss" not in made.text
    assert len(made.figures) == 3


def test_how_it_was_done(shown):
    for text in (
        "overrides trainer.epochs=2 'model.hidden=[8, 4]'",
        "sweeper compare",
        "budget 2 trials an arm, 16 trials a round, 1 search seed a trial, 3 fresh seeds a winner",
        "objective val_loss, of the last epoch",
        "data mnist",
        "trainer epochs 2",
        "epochs a run 2",
        "search seeds 0",
        "confirm seeds 10000 to 10002",
        "computed on cpu, eager, 1 thread, packs of up to 16 runs",
        "versions python 3.11.2, torch 2.10.0",
    ):
        assert text in shown.text
    assert "/somewhere" not in shown.text
    assert ["l1", "2", "5", "0", "0", "regularizer.weight=tag(log, interval(1e-6, 1e-2))"] in (
        shown.rows
    )
    assert ["none", "1", "4", "0", "0", "nothing to search"] in shown.rows
    assert ["l2", "2", "5", "0", "0", "not known"] in shown.rows


def test_what_intervals_cover_stands_beside_the_error_of_the_test_examples(shown):
    assert "10,000 test examples" in shown.text
    accuracy = 0.9725
    error = 100 * math.sqrt(accuracy * (1 - accuracy) / 10_000)
    assert "other initial weights and another order of the data" in shown.text
    assert "one split" in shown.text
    assert "l2 has a test accuracy of 97.25 %" in shown.text
    assert f"standard error of {error:.2f} points" in shown.text
    assert "from 96.25 % to 98.25 %" in shown.text


def test_several_sweeps_have_their_own_plots_and_a_column():
    runs = [*small_sweep("one"), *small_sweep("two", arms=("none", "l1")), run("l1", sweep="")]
    made = read(report(runs, asked={"one": ASKED, "two": ASKED}))
    assert [row["sweep"] for row in made.table()].count("one") == 3
    assert "runs outside any sweep" in {row["sweep"] for row in made.table()}
    assert "Plots: one" in made.text
    assert "Plots: two" in made.text
    assert len(made.figures) == 10


def test_the_number_of_test_examples_is_that_of_the_data(monkeypatch):
    monkeypatch.setitem(SOURCES, "mnist", replace(SOURCES["mnist"], test_examples=1234))
    assert "1,234 test examples" in read(full_report()).text


def test_of_unknown_data_no_number_of_test_examples_is_said():
    made = full_report()
    unknown = tuple(replace(result, test_examples=None) for result in made.results)
    shown = read(replace(made, results=unknown))
    assert "l2 has a test accuracy of 97.25 %" in shown.text
    assert "the choice of" not in shown.text


def test_what_is_shown_beside_a_verdict_is_explained(shown):
    for text in ("they are corrected for", "ties counting half", "fractions of 1"):
        assert text in shown.text


def test_a_figure_cannot_end_its_script():
    figure = go.Figure(go.Scatter(x=[1], name="</script><!--&"))
    html = str(module._json_of(Plot("title", "caption", figure)))
    assert not set("<>&") & set(html)
    assert json.loads(html)["data"][0]["name"] == "</script><!--&"


def test_nothing_that_a_config_holds_becomes_markup():
    arm = {"regularizer": HOSTILE}
    params = {HOSTILE: HOSTILE, "regularizer.weight": 0.1}
    fields = {"arm": arm, "error": HOSTILE, "sweep": HOSTILE}
    runs = [run("x", 0.2 + n, params=params, trial=n, run=HOSTILE, **fields) for n in range(2)]
    runs += [run("x", sweep=f"{HOSTILE}2", arm=arm, trial=0)]
    asked = replace(
        ASKED,
        overrides=(HOSTILE,),
        sweeper=HOSTILE,
        spaces={f"regularizer={HOSTILE}": {HOSTILE: HOSTILE}},
        settled={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
        configs={"regularizer=x": {f"model.{HOSTILE}": HOSTILE}},
    )
    missing = (Problem(HOSTILE, HOSTILE),)
    made = report(
        runs,
        asked={HOSTILE: asked},
        verdicts=(HOSTILE,),
        remarks=(HOSTILE,),
        unreadable=missing,
        unfinished=missing,
    )
    html = page(made)
    seen = Reader(html)
    assert "<img" not in html.replace(module.get_plotlyjs(), "")
    assert [tag for tag, _ in seen.tags].count("script") == 3 + len(seen.figures)
    assert not any(key.startswith("on") for _, attributes in seen.tags for key in attributes)
    assert HOSTILE.split("&")[0] in seen.text
    # Of what plotly is given, all that it would take for markup is its own.
    texts = re.findall(r'"([^"]*)"', json.dumps(seen.figures))
    assert {tag for text in texts for tag in re.findall("<[^>]*>", text)} == {"<b>", "</b>", "<br>"}


def test_looks_and_what_was_settled_by_trying_are_said_in_words():
    settled = {"device": "cpu", "packed": {"mlp": "tried 8 at once"}, "alone": {}}
    asked = replace(ASKED, looks=(3, 6), settled=settled)
    text = read(replace(full_report(), asked={"sweep": asked})).text
    assert "3 to 6 fresh seeds a winner" in text
    assert "computed on cpu, mlp packed (tried 8 at once) versions" in text
