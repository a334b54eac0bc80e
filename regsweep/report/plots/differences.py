"""How much better each arm is than its baseline: a dot a seed, the mean, and what decided."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from regsweep.report.plots.arms import Look, first_choice
from regsweep.report.plots.figure import (
    BETWEEN,
    LIES_BEYOND,
    Plot,
    beyond,
    escaped,
    hover,
    near_range,
    new_figure,
    seed_dots,
)
from regsweep.report.words.measure import Measure, measure_of
from regsweep.report.words.numbers import short
from regsweep.report.words.view import short_names

_FEW_ARMS = 7
_ROW_PIXELS, _THIN_ROW_PIXELS = 52, 38
_DOTS_WIDTH = 0.2
_BAND = "rgba(128, 128, 128, 0.18)"
_GAP = 0.4  # between groups, in rows
# What the page shows on a narrow screen only, by this name of an annotation.
NARROW = "narrow"
_CAPTION = (
    "A dot is a seed, compared with {} on the same seed; the diamond and the bar are the "
    "mean and the interval that the verdict was made of. Right of the line is better."
)
_MARGIN = " The shaded band is the margin: differences that do not matter."

Row = dict[str, Any]


def differences_plot(
    comparison: pd.DataFrame,
    pairs: Mapping[str, Mapping[int, float]],
    looks: Mapping[str, Look],
    *,
    title: str = "Improvement over the baseline",
    baseline: str = "the baseline",
) -> Plot | None:
    """A row an arm that has a verdict, right is better; nothing where none has.

    ``comparison`` is of one sweep, ``pairs`` has the improvement of its arms by seed. Zero is a
    line, the margin a band on both sides of it, and an interval that of the verdict. Of many arms
    those of one first choice stand together. What lies far beyond the others is drawn at the edge.
    ``baseline`` is what the caption calls what the rows are compared with.
    """
    judged = comparison[comparison["verdict"].notna()]
    rows: list[Row] = [{str(k): v for k, v in row.items()} for row in judged.to_dict("records")]
    if not rows:
        return None
    measure = measure_of(rows[0])
    pairs = {row["arm"]: pairs.get(row["arm"], {}) for row in rows}
    many = len(rows) > _FEW_ARMS
    rows, places = _grouped(rows) if many else (rows, [float(i) for i in range(len(rows))])
    low, high = _range(rows, pairs, measure)
    height = 86 + (_THIN_ROW_PIXELS if many else _ROW_PIXELS) * (places[-1] + 1)
    names = short_names([*comparison["arm"], *judged["baseline"]])
    figure = new_figure(
        {"title_text": _axis_title(rows, names, measure), "range": [low, high]},
        {
            "tickvals": places,
            "ticktext": [f"<b>{looks[row['arm']].name}</b><br>{row['verdict']}" for row in rows],
            "range": [places[-1] + 0.6, -0.6],
            "showgrid": False,
            "showline": False,
            "fixedrange": True,
            "ticks": "outside",
            "ticklen": 8,
            "tickcolor": "rgba(0, 0, 0, 0)",
        },
        height=round(height),
    )
    figure.update_layout(showlegend=False)
    _add_names(figure, rows, places, looks, -0.34 if many else -0.36)
    _add_margins(figure, rows, places, measure)
    zero = {"x0": 0, "x1": 0, "y0": -0.6, "y1": places[-1] + 0.6}
    figure.add_shape(type="line", **zero, line={"color": BETWEEN, "width": 1.5})
    for place, row in zip(places, rows, strict=True):
        _add_dots(figure, place, looks[row["arm"]], pairs[row["arm"]], measure, (low, high))
        if pd.notna(row["improvement_mean"]):
            _add_mean(figure, place, looks[row["arm"]], row, measure, (low, high))
    caption = _CAPTION.format(baseline)
    if any(pd.notna(row["margin"]) for row in rows):
        caption += _MARGIN
    if any(beyond(measure.scale * v, (low, high)) for its in pairs.values() for v in its.values()):
        caption += LIES_BEYOND
    return Plot(f"{title}, in {measure.name}", caption, figure)


def _grouped(rows: Iterable[Row]) -> tuple[list[Row], list[float]]:
    """Arms of one first choice together, groups and arms in the order of the table."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(first_choice(row["arm"]), []).append(row)
    gap = _GAP if max(map(len, groups.values())) > 1 else 0.0
    places: list[float] = []
    for number, group in enumerate(groups.values()):
        places += [len(places) + i + gap * number for i in range(len(group))]
    return [row for group in groups.values() for row in group], places


def _range(
    rows: Sequence[Row], pairs: Mapping[str, Mapping[int, float]], measure: Measure
) -> tuple[float, float]:
    """What the axis shows: zero, the margins, intervals that are not far from them, and seeds."""
    known = [row for row in rows if pd.notna(row["improvement_mean"])]
    if not known:
        return -1.0, 1.0
    ends = np.array([[row[f"improvement_ci_{end}"] for end in ("low", "high")] for row in known])
    margin = max((row["margin"] for row in known if pd.notna(row["margin"])), default=0.0)
    seeds = (value for its in pairs.values() for value in its.values())
    low, high = near_range(ends, seeds, around=margin)
    return measure.scale * low, measure.scale * high


def _axis_title(rows: Sequence[Row], names: Mapping[str, str], measure: Measure) -> str:
    baselines = list(dict.fromkeys(row["baseline"] for row in rows))
    against = names.get(baselines[0], baselines[0]) if len(baselines) == 1 else "its baseline"
    unit = f" ({measure.unit.strip()})" if measure.unit else ""
    return f"{measure.name}: better than {escaped(against, 28)} by{unit}"


def _add_names(
    figure: go.Figure,
    rows: Sequence[Row],
    places: Sequence[float],
    looks: Mapping[str, Look],
    above: float,
) -> None:
    """Names above the rows, which a narrow page shows in place of those beside them."""
    for place, row in zip(places, rows, strict=True):
        figure.add_annotation(
            name=NARROW,
            visible=False,
            text=f"<b>{looks[row['arm']].name}</b> {row['verdict']}",
            showarrow=False,
            font={"size": 11},
            **{"x": 0, "xref": "paper", "xanchor": "left"},
            **{"y": place + above, "yref": "y", "yanchor": "middle"},
        )


def _add_margins(
    figure: go.Figure, rows: Sequence[Row], places: Sequence[float], measure: Measure
) -> None:
    """A band behind each row; rows that follow each other with one margin share theirs."""
    known = [
        (place, measure.scale * float(row["margin"]))
        for place, row in zip(places, rows, strict=True)
        if pd.notna(row["margin"])
    ]
    start = 0
    for i in range(1, len(known) + 1):
        if i == len(known) or known[i][1] != known[start][1]:
            margin = known[start][1]
            ends = {"y0": known[start][0] - 0.5, "y1": known[i - 1][0] + 0.5}
            figure.add_shape(
                type="rect", x0=-margin, x1=margin, **ends, fillcolor=_BAND, line_width=0
            )
            start = i


def _add_dots(
    figure: go.Figure,
    place: float,
    look: Look,
    pairs: Mapping[int, float],
    measure: Measure,
    ends: tuple[float, float],
) -> None:
    values = measure.scale * np.array(list(pairs.values()), dtype=float)
    texts = [
        hover(look.name, f"seed {seed}", f"better by {value:.5g}{measure.unit}")
        for seed, value in zip(pairs, values, strict=True)
    ]
    figure.add_trace(
        seed_dots(values, place, ends, texts, color=look.color, size=6, width=_DOTS_WIDTH)
    )


def _add_mean(
    figure: go.Figure,
    place: float,
    look: Look,
    row: Row,
    measure: Measure,
    ends: tuple[float, float],
) -> None:
    mean, low, high = (
        measure.scale * float(row[f"improvement_{part}"]) for part in ("mean", "ci_low", "ci_high")
    )
    edge = beyond(mean, ends)
    drawn = float(np.clip(mean, *ends))
    bar = {} if edge else {"array": [high - mean], "arrayminus": [mean - low]}
    figure.add_scatter(
        x=[drawn],
        y=[place],
        mode="markers+text" if edge else "markers",
        text=[f"{short(mean)}{measure.unit}"],
        textposition="middle right" if edge == "triangle-left" else "middle left",
        marker={"color": look.color, "size": 13, "symbol": edge or "diamond"},
        error_x={"color": look.color, "thickness": 3, "width": 7} | bar,
        cliponaxis=False,
        hoverinfo="text",
        hovertext=[
            hover(
                look.name,
                str(row["verdict"]),
                f"better by {mean:.5g}{measure.unit}",
                f"interval {low:.5g} to {high:.5g}{measure.unit}",
            )
        ],
    )
