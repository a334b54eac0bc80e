"""Learning curves of the winners: how training and validation part over the epochs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from regsweep.records.objective import measured
from regsweep.records.task import ACCURACY, Score, loss_of
from regsweep.report.plots import figure as shared
from regsweep.report.plots.arms import Look
from regsweep.report.plots.figure import (
    BETWEEN,
    Plot,
    counting_axis,
    fitting_axis,
    hover,
    new_figure,
)

_SPLITS = {"val": ("validation", "solid"), "train": ("training", "dot")}
_CAPTION = "Thick lines are means over the seeds, thin ones single seeds. "
_BY_BATCH = (
    "Training values are means over an epoch's batches, taken before each step, so they lag behind "
    "by about half an epoch."
)
_AFTER = "Training values are of all training rows, after each epoch."


def curves_plot(
    curves: pd.DataFrame, looks: Mapping[str, Look], objective: str, score: Score = ACCURACY
) -> Plot | None:
    """Loss, or error if that is the objective, over the epochs: training dotted, validation solid.

    ``curves`` has ``arm, seed, epoch`` and the metrics of ``history.csv``.
    """
    if curves.empty:
        return None
    quantity = "loss" if objective == "val_loss" else "error"
    values = {split: _values(curves, split, quantity, score) for split in _SPLITS}
    values = {split: series for split, series in values.items() if series.notna().any()}
    if not values:
        return None
    unit = "" if quantity == "loss" or not score.in_percent else " (%)"
    words = "loss" if quantity == "loss" else score.error
    y = fitting_axis(words + unit, pd.concat(values))
    figure = new_figure(counting_axis("epoch", curves["epoch"]), y)
    thin, note = _some_seeds(curves)
    for split, series in values.items():
        table = curves[["arm", "seed", "epoch"]].assign(value=series)
        for arm, look in looks.items():
            of_arm = table[table["arm"] == arm].dropna(subset=["value"])
            if not of_arm.empty:
                seeds = of_arm[of_arm["seed"].isin(thin)]
                if of_arm["seed"].nunique() > 1:
                    _add_seeds(figure, look, seeds, split)
                first = split == next(iter(values))
                _add_mean(figure, look, of_arm, split, first, quantity)
    _add_key(figure, values)
    caption = _CAPTION + (_BY_BATCH if quantity == "loss" or score.by_batch else _AFTER)
    return Plot(f"Learning curves of the winners: {quantity} by epoch{note}", caption, figure)


def _values(curves: pd.DataFrame, split: str, quantity: str, score: Score) -> "pd.Series[float]":
    columns = [loss_of(split), score.of(split)]
    numbers = curves[columns].apply(pd.to_numeric, errors="coerce").astype(float)
    values: pd.Series[float] = measured(numbers, f"{split}_{quantity}")
    return 100 * values if quantity == "error" and score.in_percent else values


def _some_seeds(curves: pd.DataFrame) -> tuple[set[int], str]:
    """The seeds drawn one by one: all, or as many evenly spaced ones as the points allow."""
    seeds = sorted(curves["seed"].unique())
    points = len(_SPLITS) * len(curves)
    if points <= shared.MOST_POINTS:
        return set(seeds), ""
    count = max(1, len(seeds) * shared.MOST_POINTS // points)
    kept = np.linspace(0, len(seeds) - 1, count).round().astype(int)
    return {seeds[i] for i in kept}, f" ({count:,} of {len(seeds):,} seeds as thin lines)"


def _add_seeds(figure: go.Figure, look: Look, table: pd.DataFrame, split: str) -> None:
    """One trace for all seeds, with a gap between two of them: far faster than a trace each."""
    x: list[float | None] = []
    y: list[float | None] = []
    for _, curve in table.sort_values("epoch").groupby("seed"):
        x += [*curve["epoch"].tolist(), None]
        y += [*curve["value"].tolist(), None]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": look.color, "width": 1, "dash": _SPLITS[split][1]},
        opacity=0.25,
        legendgroup=look.name,
        showlegend=False,
        hoverinfo="skip",
    )


def _add_mean(
    figure: go.Figure,
    look: Look,
    table: pd.DataFrame,
    split: str,
    in_legend: bool,
    quantity: str,
) -> None:
    mean = table.groupby("epoch")["value"].mean()
    words, dash = _SPLITS[split]
    figure.add_scatter(
        x=mean.index.to_numpy(),
        y=mean.to_numpy(),
        mode="lines" if len(mean) > 1 else "markers",
        line={"color": look.color, "width": 2.5, "dash": dash},
        name=look.name,
        legendgroup=look.name,
        showlegend=in_legend,
        hoverinfo="text",
        hovertext=[
            hover(look.name, f"epoch {epoch:g}", f"{words} {quantity}: {value:.5g}")
            for epoch, value in mean.items()
        ],
    )


def _add_key(figure: go.Figure, values: Mapping[str, Any]) -> None:
    """What the dashes mean, as two grey entries of the legend without data."""
    for split in values:
        words, dash = _SPLITS[split]
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="lines",
            line={"color": BETWEEN, "width": 2, "dash": dash},
            name=words,
            hoverinfo="skip",
        )
