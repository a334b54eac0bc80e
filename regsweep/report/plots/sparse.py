"""What sparsity costs: the score against the share of weights near zero."""

from collections.abc import Mapping

import pandas as pd

from regsweep.records.task import ACCURACY, Score
from regsweep.report.plots.arms import Look, legend_keys
from regsweep.report.plots.figure import Plot, hover, new_figure, sampled, with_legend
from regsweep.report.tables.arm import searched_overrides
from regsweep.report.tables.override import words

_CAPTION = "A mark is a run; near zero means that |w| < 1e-3."


def sparse_plot(
    runs: pd.DataFrame, looks: Mapping[str, Look], score: Score = ACCURACY
) -> Plot | None:
    """Test score against near-zero share, a mark a run; validation where nothing was tested."""
    runs = runs[runs["near_zero_fraction"].notna()]
    judged = "test" if runs[score.of("test")].notna().any() else "validation"
    column = score.of("test" if judged == "test" else "val")
    runs = runs[runs[column].notna()]
    if len(runs) < 2:
        return None
    drawn, note = sampled(runs, "runs")
    scale, unit = (100, " (%)") if score.in_percent else (1, "")
    words = f"{judged} {score.words}"
    figure = new_figure(
        {"title_text": "weights near zero (%)", "minallowed": 0, "maxallowed": 100},
        {"title_text": words + unit, "maxallowed": scale},
    )
    in_legend: set[str] = set()
    for arm, look in looks.items():
        marks = drawn[drawn["arm"] == arm]
        if not marks.empty:
            figure.add_scatter(
                x=100 * marks["near_zero_fraction"].to_numpy(),
                y=scale * marks[column].to_numpy(),
                mode="markers",
                marker={"color": look.color, "symbol": look.symbol, "size": 8, "opacity": 0.7},
                cliponaxis=False,
                name=look.key,
                legendgroup=look.key,
                showlegend=look.key not in in_legend,
                hoverinfo="text",
                hovertext=_texts(look, marks, words, column, score),
            )
            in_legend.add(look.key)
    with_legend(figure, legend_keys(looks.values()))
    return Plot(f"{words[0].upper()}{words[1:]} against sparsity{note}", _CAPTION, figure)


def _texts(look: Look, runs: pd.DataFrame, title: str, column: str, score: Score) -> list[str]:
    settings = searched_overrides(runs)
    rows = zip(runs["seed"], runs[column], runs["near_zero_fraction"], settings, strict=True)
    return [
        hover(
            look.name,
            f"seed {seed}",
            f"{title}: {score.shown(value)}",
            f"near zero: {100 * share:.2f} %",
            *words(text),
        )
        for seed, value, share, text in rows
    ]
