"""``report.html``: one file that opens without a network and holds the whole answer."""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from regsweep.records.task import ACCURACY, Score
from regsweep.report.page.cells import table_columns
from regsweep.report.plots.ablation import ablation_plots
from regsweep.report.plots.all import sweep_plots
from regsweep.report.plots.arms import looks
from regsweep.report.plots.differences import differences_plot
from regsweep.report.plots.figure import Plot
from regsweep.report.tables.comparison import without_ablations
from regsweep.report.tables.report import Report
from regsweep.report.tables.request import Request
from regsweep.report.tables.scores import score_of_row
from regsweep.report.words.choice import choice_lines
from regsweep.report.words.headline import headlines
from regsweep.report.words.method import ArmCount, arm_counts, facts
from regsweep.report.words.numbers import short
from regsweep.report.words.paper import latex, markdown, paragraph
from regsweep.report.words.rows import resampled_words, rows_sentences
from regsweep.report.words.view import OUTSIDE, short_names

PAGE_FILE = "report.html"
NAMED_PROBLEMS = 10
SHOWN_REMARKS = 3
_TEMPLATE = "page.html.jinja"


@dataclass(frozen=True)
class _Paper:
    """How one sweep is reported: a paragraph, and its table to copy, by the name of the format."""

    paragraph: str
    tables: dict[str, str]


@dataclass(frozen=True)
class _Section:
    """One sweep on the page; ``title`` is empty where there is only one."""

    title: str
    answer: Plot | None
    plots: list[Plot]
    paper: _Paper | None
    facts: list[tuple[str, str]]
    arms: list[ArmCount]


@dataclass(frozen=True)
class _Best:
    """The first arm with a test result: the value of its score, and its interval over the seeds.

    ``choice_error`` is the standard error of an accuracy over the ``examples``, which are ``None``
    where the data set is not known.
    """

    name: str
    score: Score
    value: float
    examples: int | None
    choice_error: float | None
    interval: tuple[float, float] | None


def page(report: Report) -> str:
    """The report as HTML, with its styles, scripts and plotly.js inside."""
    comparison = without_ablations(report.comparison)
    arms = comparison["arm"]
    names = short_names(arms)
    sections = _sections(report, names)
    answers = headlines(report.winners, report.asked, report.untested)
    corrections = {asked.corrections for asked in report.asked.values() if asked.tests}
    return (
        _environment()
        .get_template(_TEMPLATE)
        .render(
            report=report,
            columns=table_columns(comparison, names, corrections),
            rows=range(len(arms)),
            sections=sections,
            headlines=answers,
            remarks=[sentence for sentence in report.remarks if sentence not in answers],
            taken=choice_lines(report.choices, report.asked, names),
            best=_best(report, names),
            corrections=next(iter(corrections), "") if len(corrections) < 2 else "",
            compared=bool(report.comparison["improvement_mean"].notna().any()),
            searched=bool((report.runs["stage"] == "search").any()),
            confirmed=bool((report.runs["stage"] == "confirm").any()),
            resampled=resampled_words(report.asked.values()),
            rows_sentences=rows_sentences(report.over_rows),
            names=names,
            named=NAMED_PROBLEMS,
            shown_remarks=SHOWN_REMARKS,
            plotly_js=Markup(get_plotlyjs()) if any(s.plots or s.answer for s in sections) else "",
            json_of=_json_of,
            short=short,
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _json_of(plot: Plot) -> Markup:
    """The figure as JSON that no HTML parser takes for the end of a script, or for a comment."""
    text = json.dumps(json.loads(plot.figure.to_json()), ensure_ascii=True)
    return Markup(text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026"))


def _sections(report: Report, names: dict[str, str]) -> list[_Section]:
    comparison = report.winners
    asked_for = {b for asked in report.asked.values() for b in asked.baselines.values()}
    arm_looks = looks(comparison["arm"], asked_for or comparison["baseline"].dropna())
    if "sweep" not in comparison:
        named = report.runs["sweep"].dropna().unique()
        tables = {str(named[0]) if len(named) else "": comparison}
    else:
        groups = comparison.groupby(comparison["sweep"].fillna(""), sort=False)
        tables = {str(name): table for name, table in groups}
    sections = []
    for name, table in tables.items():
        pairs = {arm: its for (sweep, arm), its in report.pairs.items() if sweep == name}
        runs, curves = _of_sweep(report.runs, name), _of_sweep(report.curves, name)
        asked = report.asked.get(name)
        results = [result for result in report.results if result.sweep == name]
        objective = asked.objective if asked and asked.objective else _objective(table)
        sections.append(
            _Section(
                title=(name or OUTSIDE) if len(tables) > 1 else "",
                answer=differences_plot(table, pairs, arm_looks),
                plots=[
                    *sweep_plots(runs, table, curves, arm_looks, objective, results),
                    *ablation_plots(_of_sweep(report.comparison, name), pairs, arm_looks),
                ],
                paper=_paper(runs, table, names, asked) if asked else None,
                facts=facts(runs, asked),
                arms=arm_counts(runs, table, names, asked),
            )
        )
    return sections


def _paper(
    runs: pd.DataFrame, comparison: pd.DataFrame, names: dict[str, str], asked: Request
) -> _Paper | None:
    text = paragraph(runs, comparison, names, asked)
    if not text:
        return None
    of = (comparison, names, asked.corrections)
    return _Paper(text, {"LaTeX": latex(*of), "Markdown": markdown(*of)})


def _of_sweep(table: pd.DataFrame, sweep: str) -> pd.DataFrame:
    """The rows of one sweep; a comparison of one has no column that names it."""
    if table.empty or "sweep" not in table:
        return table
    return table[table["sweep"].fillna("") == sweep]


def _objective(comparison: pd.DataFrame) -> str:
    return "val_error" if (comparison["metric"] == "test_error").any() else "val_loss"


def _best(report: Report, names: dict[str, str]) -> _Best | None:
    winners = report.winners
    tested = winners[winners["seeds"].notna()]
    if tested.empty:
        return None
    row = tested.iloc[0]
    score = score_of_row(row)
    value, low, high = (
        float(row[f"{score.of('test')}_{part}"]) for part in ("mean", "ci_low", "ci_high")
    )
    sweep = row.get("sweep")
    examples = next(
        r.test_examples
        for r in report.results
        if r.arm == row["arm"] and (sweep is None or r.sweep == ("" if pd.isna(sweep) else sweep))
    )
    return _Best(
        name=names[row["arm"]],
        score=score,
        value=value,
        examples=examples,
        choice_error=(
            math.sqrt(value * (1 - value) / examples) if examples and score == ACCURACY else None
        ),
        interval=None if math.isnan(low) or math.isnan(high) else (low, high),
    )
