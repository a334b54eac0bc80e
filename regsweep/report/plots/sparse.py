"""What sparsity costs: the score against the share of weights near zero."""

from collections.abc import Mapping

import pandas as pd

from regsweep.records.task import CLASSIFICATION
from regsweep.report.plots.arms import Look
from regsweep.report.plots.figure import Plot, hover, new_figure, sampled
from regsweep.report.tables.arm import searched_overrides
from regsweep.report.tables.override import words

_CAPTION = "A mark is a run; near zero means that |w| < 1e-3."


def sparse_plot(runs: pd.DataFrame, looks: Mapping[str, Look]) -> Plot | None:
    """Test score against near-zero share, a mark a run; validation where nothing was tested."""
    runs = runs[runs["near_zero_fraction"].notna()]
    judged = "test" if runs[CLASSIFICATION.score_of("test")].notna().any() else "validation"
    column = CLASSIFICATION.score_of("test" if judged == "test" else "val")
    runs = runs[runs[column].notna()]
    if len(runs) < 2:
        return None
    drawn, note = sampled(runs, "runs")
    score = f"{judged} {CLASSIFICATION.score}"
    figure = new_figure(
        {"title_text": "weights near zero (%)"},
        {"title_text": f"{score} (%)"},
    )
    for arm, look in looks.items():
        marks = drawn[drawn["arm"] == arm]
        if not marks.empty:
            figure.add_scatter(
                x=100 * marks["near_zero_fraction"].to_numpy(),
                y=100 * marks[column].to_numpy(),
                mode="markers",
                marker={"color": look.color, "symbol": look.symbol, "size": 8, "opacity": 0.7},
                name=look.name,
                hoverinfo="text",
                hovertext=_texts(look, marks, judged, column),
            )
    return Plot(f"{score.capitalize()} against sparsity{note}", _CAPTION, figure)


def _texts(look: Look, runs: pd.DataFrame, judged: str, column: str) -> list[str]:
    settings = searched_overrides(runs)
    rows = zip(runs["seed"], runs[column], runs["near_zero_fraction"], settings, strict=True)
    return [
        hover(
            look.name,
            f"seed {seed}",
            f"{judged} {CLASSIFICATION.score}: {100 * score:.2f} %",
            f"near zero: {100 * share:.2f} %",
            *words(text),
        )
        for seed, score, share, text in rows
    ]
