"""Test results of the winners: a dot a seed, the mean and its interval."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from regsweep.records.objective import measured
from regsweep.records.task import ACCURACY, Score
from regsweep.report.plots.arms import Look
from regsweep.report.plots.figure import (
    BETWEEN,
    LIES_BEYOND,
    Plot,
    beyond,
    hover,
    near_range,
    new_figure,
    sampled,
    seed_dots,
)

_FEW_ARMS = 7
_ROW_PIXELS, _THIN_ROW_PIXELS = 58, 30
_DOTS_WIDTH = 0.22
# So large a share of an arm's seeds makes the range, which the others widen so many times.
_MOST, _ROOM = (0.1, 0.9), 3
_CAPTION = (
    "A dot is a seed; the diamond and the bar are an arm's mean and its "
    "95\N{NO-BREAK SPACE}% interval."
)
_LINE = " The thin line is the mean of an arm's baseline."
_PAIRS = (
    " Arms share their seeds: the table compares them in pairs, which can tell arms apart "
    "whose bars overlap."
)


def seeds_plot(
    final: pd.DataFrame,
    comparison: pd.DataFrame,
    looks: Mapping[str, Look],
    metric: str,
    score: Score = ACCURACY,
) -> Plot | None:
    """Test loss, error or score an arm; nothing for one run or none.

    ``final`` are the runs that test the winners. Behind an arm is the mean of its baseline. What
    lies far beyond the other arms is drawn at the edge.
    """
    scale = 100 if metric != "test_loss" and score.in_percent else 1
    dots = final.assign(value=scale * measured(final, metric)).dropna(subset=["value"])
    if len(dots) < 2:
        return None
    arms = [arm for arm in comparison["arm"] if arm in set(dots["arm"])]
    title, axis = _titles(metric, score)
    drawn, note = sampled(dots, "seeds")
    means = _means(dots, comparison, metric, score, scale)
    low, high = _range(dots, means)
    least, most = _bounds(metric, score)
    ends = max(low, scale * least), min(high, scale * most)
    figure = new_figure(
        {"title_text": axis, "range": ends},
        {
            "tickvals": list(range(len(arms))),
            "ticktext": [looks[arm].name for arm in arms],
            "range": [len(arms) - 0.5, -0.5],
            "showgrid": False,
        },
        height=90 + (_ROW_PIXELS if len(arms) <= _FEW_ARMS else _THIN_ROW_PIXELS) * len(arms),
    )
    figure.update_layout(showlegend=False)
    baselines = comparison.set_index("arm")["baseline"]
    lined = [arm for arm in arms if baselines[arm] in means]
    if lined == [baselines[arm] for arm in lined]:
        lined = []
    for place, arm in enumerate(arms):
        if arm in lined and not beyond(means[baselines[arm]][0], ends):
            _add_line(figure, place, means[baselines[arm]][0])
        _add_dots(figure, place, looks[arm], drawn[drawn["arm"] == arm], axis, ends)
        if arm in means:
            _add_mean(figure, place, looks[arm], means[arm], axis, ends)
    caption = _CAPTION + _LINE * bool(lined)
    caption += LIES_BEYOND * any(beyond(value, ends) for value in dots["value"])
    caption += _PAIRS * bool(comparison["improvement_mean"].notna().any())
    return Plot(title + note, caption, figure)


def _titles(metric: str, score: Score) -> tuple[str, str]:
    """Of the plot, and of its axis with the unit."""
    if metric == "test_loss":
        return "Test loss of the winners", f"test loss ({score.loss})"
    words = f"test {score.error if metric == 'test_error' else score.words}"
    return f"T{words[1:]} of the winners", words + " (%)" * score.in_percent


def _bounds(metric: str, score: Score) -> tuple[float, float]:
    """Beyond which no value can be, so that the axis does not go on there."""
    if metric == "test_loss":
        return 0.0, math.inf
    return (0.0, 1 - score.low) if metric == "test_error" else (score.low, 1.0)


def _means(
    dots: pd.DataFrame, comparison: pd.DataFrame, metric: str, score: Score, scale: int
) -> dict[str, tuple[float, float, float]]:
    """Mean, low and high an arm, for the arms of which the comparison reports a test result."""
    table = comparison.set_index("arm").loc[list(dots["arm"].unique())]
    source = "test_loss" if metric == "test_loss" else score.of("test")
    found: dict[str, tuple[float, float, float]] = {}
    for arm, row in table[table[f"{source}_mean"].notna()].iterrows():
        mean, *ends = (float(row[f"{source}_{part}"]) for part in ("mean", "ci_low", "ci_high"))
        if metric == "test_error":
            mean, ends = 1 - mean, [1 - end for end in reversed(ends)]
        found[str(arm)] = (scale * mean, scale * ends[0], scale * ends[1])
    return found


def _range(
    dots: pd.DataFrame, means: Mapping[str, tuple[float, float, float]]
) -> tuple[float, float]:
    """What the axis shows: most seeds of arms not far from the middle one, then all else."""
    by_arm = dots.groupby("arm")["value"]
    most = np.array([by_arm.quantile(share) for share in _MOST]).T
    bars = [end for _, *ends in means.values() for end in ends if not math.isnan(end)]
    middle = float(by_arm.mean().quantile(0.5, "lower"))
    return near_range(most, [*dots["value"], *bars], middle, room=_ROOM)


def _add_line(figure: go.Figure, place: int, mean: float) -> None:
    ends = {"x0": mean, "x1": mean, "y0": place - 0.5, "y1": place + 0.5}
    figure.add_shape(type="line", **ends, line={"color": BETWEEN, "width": 1})


def _add_dots(
    figure: go.Figure,
    place: int,
    look: Look,
    dots: pd.DataFrame,
    axis: str,
    ends: tuple[float, float],
) -> None:
    values = dots["value"].to_numpy()
    texts = [
        hover(look.name, f"seed {seed}", f"{axis}: {value:.4f}")
        for seed, value in zip(dots["seed"], values, strict=True)
    ]
    figure.add_trace(
        seed_dots(values, place, ends, texts, color=look.color, size=7, width=_DOTS_WIDTH)
    )


def _add_mean(
    figure: go.Figure,
    place: int,
    look: Look,
    mean: tuple[float, float, float],
    axis: str,
    ends: tuple[float, float],
) -> None:
    middle, low, high = mean
    edge = beyond(middle, ends)
    lines = [f"mean {axis}: {middle:.4f}"]
    if not math.isnan(low):
        lines.append(f"95 % interval: {low:.4f} to {high:.4f}")
    figure.add_scatter(
        x=np.clip([middle], *ends),
        y=[place],
        mode="markers+text" if edge else "markers",
        text=[f"{middle:.4g}"],
        textposition="middle right" if edge == "triangle-left" else "middle left",
        marker={"color": look.color, "size": 12, "symbol": edge or "diamond"},
        error_x={"color": look.color, "thickness": 3, "width": 7}
        | ({} if edge else {"array": [high - middle], "arrayminus": [middle - low]}),
        cliponaxis=False,
        hoverinfo="text",
        hovertext=[hover(look.name, *lines)],
    )
