"""Test results of the winners: a dot a seed, the mean and its interval."""

import math
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from scipy.special import stdtrit

from regsweep.report.plots.arms import Look
from regsweep.report.plots.figure import BETWEEN, Plot, hover, jitter, new_figure, sampled

_ROW_PIXELS = 58
_DOTS_WIDTH = 0.22
_TITLES = {
    "test_loss": ("Test loss of the winners", "test loss (mean cross-entropy)"),
    "test_error": ("Test error of the winners", "test error (%)"),
    "test_accuracy": ("Test accuracy of the winners", "test accuracy (%)"),
}
_CAPTION = (
    "A dot is a seed; the diamond and the bar are an arm's mean and its "
    "95\N{NO-BREAK SPACE}% interval."
)
_LINE = " The thin line is the baseline's mean."
_PAIRS = (
    " Arms share their seeds: the table compares them in pairs, which can tell arms apart "
    "whose bars overlap."
)


def seeds_plot(
    final: pd.DataFrame,
    comparison: pd.DataFrame,
    looks: Mapping[str, Look],
    metric: str,
    baseline: str | None,
) -> Plot | None:
    """``test_loss``, ``test_error`` or ``test_accuracy`` an arm; nothing for one run or none.

    ``final`` are the runs that test the winners.
    """
    dots = final.assign(value=_shown(final, metric)).dropna(subset=["value"])
    if len(dots) < 2:
        return None
    arms = [arm for arm in comparison["arm"] if arm in set(dots["arm"])]
    title, axis = _TITLES[metric]
    drawn, note = sampled(dots, "seeds")
    figure = new_figure(
        {"title_text": axis},
        {
            "tickvals": list(range(len(arms))),
            "ticktext": [looks[arm].name for arm in arms],
            "range": [len(arms) - 0.5, -0.5],
            "showgrid": False,
        },
        height=90 + _ROW_PIXELS * len(arms),
    )
    figure.update_layout(showlegend=False)
    means = _means(dots, comparison, metric)
    if baseline in means:
        figure.add_vline(x=means[baseline][0], line={"color": BETWEEN, "width": 1})
    for place, arm in enumerate(arms):
        _add_dots(figure, place, looks[arm], drawn[drawn["arm"] == arm], axis)
        if arm in means:
            _add_mean(figure, place, looks[arm], means[arm], axis)
    caption = _CAPTION + _LINE * (baseline in means)
    caption += _PAIRS * bool(comparison["improvement_mean"].notna().any())
    return Plot(title + note, caption, figure)


def _shown(runs: pd.DataFrame, metric: str) -> "pd.Series[float]":
    if metric == "test_loss":
        return runs["test_loss"]
    return 100 * (runs["test_accuracy"] if metric == "test_accuracy" else 1 - runs["test_accuracy"])


def _means(
    dots: pd.DataFrame, comparison: pd.DataFrame, metric: str
) -> dict[str, tuple[float, float, float]]:
    """Mean, low and high an arm, for the arms of which the comparison reports a test result.

    The interval of accuracies is the comparison's; of others Student's, ``mean ± t s / sqrt(n)``.
    """
    table = comparison.set_index("arm")
    found: dict[str, tuple[float, float, float]] = {}
    for arm, values in dots.groupby("arm")["value"]:
        row = table.loc[str(arm)]
        if pd.isna(row["test_accuracy_mean"]):
            continue
        if metric == "test_accuracy":
            columns = ("test_accuracy_mean", "test_accuracy_ci_low", "test_accuracy_ci_high")
            mean, low, high = (100 * float(row[column]) for column in columns)
        else:
            mean, half = float(values.mean()), _half_width(values)
            low, high = mean - half, mean + half
        found[str(arm)] = (mean, low, high)
    return found


def _half_width(values: "pd.Series[float]") -> float:
    count = len(values)
    if count < 2:
        return math.nan
    return float(stdtrit(count - 1, 0.975)) * float(values.std(ddof=1)) / math.sqrt(count)


def _add_dots(figure: go.Figure, place: int, look: Look, dots: pd.DataFrame, axis: str) -> None:
    figure.add_scatter(
        x=dots["value"].to_numpy(),
        y=place + jitter(len(dots), _DOTS_WIDTH),
        mode="markers",
        marker={"color": look.color, "size": 7, "opacity": 0.5},
        hoverinfo="text",
        hovertext=[
            hover(look.name, f"seed {seed}", f"{axis}: {value:.4f}")
            for seed, value in zip(dots["seed"], dots["value"], strict=True)
        ],
    )


def _add_mean(
    figure: go.Figure, place: int, look: Look, mean: tuple[float, float, float], axis: str
) -> None:
    middle, low, high = mean
    lines = [f"mean {axis}: {middle:.4f}"]
    if not math.isnan(low):
        lines.append(f"95 % interval: {low:.4f} to {high:.4f}")
    figure.add_scatter(
        x=[middle],
        y=[place],
        mode="markers",
        marker={"color": look.color, "size": 12, "symbol": "diamond"},
        error_x={
            "array": [high - middle],
            "arrayminus": [middle - low],
            "color": look.color,
            "thickness": 3,
            "width": 7,
        },
        hoverinfo="text",
        hovertext=[hover(look.name, *lines)],
    )
