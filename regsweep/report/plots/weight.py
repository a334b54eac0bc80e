"""The objective against the penalty weight: where each arm's best weight lies, and how sharply."""

import math
from collections.abc import Mapping
from itertools import chain

import pandas as pd
import plotly.graph_objects as go

from regsweep.records.task import ACCURACY, Score
from regsweep.report.plots.arms import Look
from regsweep.report.plots.figure import Plot, fitting_axis, hover, new_figure, sampled
from regsweep.report.plots.trials import WEIGHT
from regsweep.report.tables.override import words
from regsweep.report.words.plateau import plateau_words

_CAPTION = "A mark is a trial; a star is the arm's winner."
_LINES = " An arm without a weight is a dashed line at its best value."
_BANDS = (
    " A bar at the foot spans the weights that are as good as the arm's best, by all its trials."
)
_BAND_HEIGHT = 16
_HEIGHT = 440


def weight_plot(
    trials: pd.DataFrame,
    looks: Mapping[str, Look],
    objective: str,
    score: Score = ACCURACY,
    plateaus: Mapping[str, tuple[float, float]] | None = None,
) -> Plot | None:
    """A mark a trial, the winners as stars; arms without a weight as level lines.

    ``trials`` is a ``trials_table``; ``plateaus`` are the arms' weights that are as good as their
    best, each a bar below the marks.
    """
    weighted = trials.dropna(subset=["weight"])
    if weighted.empty:
        return None
    name = objective_name(objective, score)
    # Weights mean factors, so their axis is linear only where it has to be.
    bands = {arm: plateaus[arm] for arm in looks if arm in plateaus} if plateaus else {}
    x = fitting_axis(WEIGHT, [*weighted["weight"], *chain(*bands.values())], spread=1)
    figure = new_figure(x, fitting_axis(name, trials["value"]), _HEIGHT)
    drawn, note = sampled(weighted, "trials")
    ends = (float(weighted["weight"].min()), float(weighted["weight"].max()))
    has_level = False
    # Added last, so that no other mark covers them.
    stars: dict[str, pd.DataFrame] = {}
    for arm, look in looks.items():
        of_arm = trials[trials["arm"] == arm]
        if of_arm.empty:
            continue
        marks = drawn[drawn["arm"] == arm]
        if of_arm["weight"].isna().all():
            _add_level(figure, look, float(of_arm["value"].min()), ends, name)
            has_level = True
            continue
        _add_marks(figure, look, marks, name)
        stars[arm] = of_arm[of_arm["won"] & of_arm["weight"].notna()]
    for arm, winner in stars.items():
        _add_winner(figure, looks[arm], winner, name)
    if bands:
        _add_bands(figure, looks, bands)
    title = f"{name[0].upper()}{name[1:]} against penalty weight"
    return Plot(title + note, _CAPTION + _LINES * has_level + _BANDS * bool(bands), figure)


def objective_name(objective: str, score: Score) -> str:
    """What a search minimises, with its unit."""
    if objective == "val_loss":
        return "validation loss"
    return f"validation {score.error}{' (%)' * score.in_percent}"


def _add_level(
    figure: go.Figure, look: Look, value: float, ends: tuple[float, float], name: str
) -> None:
    figure.add_scatter(
        x=ends if ends[0] < ends[1] else [ends[0] * 0.9, ends[0] * 1.1],
        y=[value, value],
        mode="lines",
        line={"color": look.color, "width": 2, "dash": "dash"},
        name=look.name,
        legendgroup=look.name,
        hoverinfo="text",
        hovertext=[hover(look.name, f"{name}: {value:.5g}", "no weight")] * 2,
    )


def _add_marks(figure: go.Figure, look: Look, trials: pd.DataFrame, name: str) -> None:
    figure.add_scatter(
        x=trials["weight"].to_numpy(),
        y=trials["value"].to_numpy(),
        mode="markers",
        marker={"color": look.color, "symbol": look.symbol, "size": 8, "opacity": 0.7},
        name=look.name,
        legendgroup=look.name,
        hoverinfo="text",
        hovertext=_texts(look, trials, name),
    )


def _add_winner(figure: go.Figure, look: Look, winner: pd.DataFrame, name: str) -> None:
    if winner.empty:
        return
    figure.add_scatter(
        x=winner["weight"].to_numpy(),
        y=winner["value"].to_numpy(),
        mode="markers",
        marker={
            "color": look.color,
            "symbol": "star",
            "size": 17,
            "line": {"color": "white", "width": 1.5},
        },
        name=f"{look.name}, winner",
        legendgroup=look.name,
        showlegend=False,
        hoverinfo="text",
        hovertext=_texts(look, winner, name, "winner"),
    )


def _add_bands(
    figure: go.Figure, looks: Mapping[str, Look], bands: Mapping[str, tuple[float, float]]
) -> None:
    """A bar an arm, one below the other, under the marks and over the same axis."""
    height = _HEIGHT + _BAND_HEIGHT * len(bands)
    share = _BAND_HEIGHT * len(bands) / height
    figure.update_layout(height=height, xaxis_anchor="y2", yaxis_domain=[share, 1])
    figure.update_layout(
        yaxis2={
            "domain": [0, share],
            "range": [len(bands) - 0.25, -0.75],
            "visible": False,
            "fixedrange": True,
        }
    )
    for place, (arm, (low, high)) in enumerate(bands.items()):
        look = looks[arm]
        figure.add_scatter(
            x=[low, high, high, low, low],
            y=[place + side for side in (-0.3, -0.3, 0.3, 0.3, -0.3)],
            yaxis="y2",
            mode="lines",
            line={"color": look.color, "width": 1.5},
            fill="toself",
            hoveron="fills",
            name=look.name,
            legendgroup=look.name,
            showlegend=False,
            hoverinfo="text",
            text=hover(look.name, plateau_words(low, high)),
        )


def _texts(look: Look, trials: pd.DataFrame, name: str, *extra: str) -> list[str]:
    columns = zip(trials["trial"], trials["value"], trials["settings"], strict=True)
    return [
        hover(
            look.name,
            *extra,
            *([] if pd.isna(trial) else [f"trial {trial}"]),
            f"{name}: {value:.5g}",
            *words(settings),
        )
        for trial, value, settings in columns
        if not math.isnan(value)
    ]
