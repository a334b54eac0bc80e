"""Learning curves of the winners: how training and validation part over the epochs."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from regsweep.records.objective import measured
from regsweep.records.task import ACCURACY, Score, loss_of
from regsweep.report.plots.arms import Look
from regsweep.report.plots.figure import (
    BETWEEN,
    Plot,
    axes_of,
    counting_axis,
    fitting_axis,
    hover,
    near_range,
    new_figure,
    set_axes,
)

_SPLITS = {"val": ("validation", "solid"), "train": ("training", "dot")}
_CAPTION = "Lines are means over the seeds; a band holds the middle 80\N{NO-BREAK SPACE}% of them. "
_BASELINE = "The grey line is the baseline's validation. "
_LEAVE = "Lines leave the frame where they are far worse than at the end. "
_ENDED = "Where runs ended at different epochs, a line is of those that still trained. "
_BY_BATCH = (
    "Training values are means over an epoch's batches, taken before each step, so they lag behind "
    "by about half an epoch."
)
_AFTER = "Training values are of all training rows, after each epoch."
_BAND = (0.1, 0.9)
_ROOM = 0.04
# So large a share of the value in the middle is shown on both sides of it at least.
_AROUND = 0.05
_COLUMNS = 2
_PANEL, _GAP, _BETWEEN_COLUMNS = 170, 44, 0.08
# Room above the titles of panels for plotly's own buttons, in pixels.
_BUTTONS = 22


def curves_plot(
    curves: pd.DataFrame,
    looks: Mapping[str, Look],
    objective: str,
    score: Score = ACCURACY,
    baselines: Mapping[str, str] | None = None,
) -> Plot | None:
    """Loss, or error if that is the objective, over the epochs: training dotted, validation solid.

    A panel an arm, or where there are many the arms of one first choice; in each is the validation
    of the arm's baseline. All share their y axis, which shows the later epochs of arms that are not
    far off. ``curves`` has ``arm, seed, epoch`` and the metrics of ``history.csv``.
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
    tables = {
        split: _bands(curves[["arm", "epoch"]].assign(value=series))
        for split, series in values.items()
    }
    known = set(curves["arm"])
    panels: dict[str, list[str]] = {}
    for arm, look in looks.items():
        if arm in known:
            panels.setdefault(look.key, []).append(arm)
    means = pd.concat([table[["epoch", "mean"]] for table in tables.values()])
    low, high = _range(means)
    y = _axis(words + unit, low, high)
    titles = [_title(key, means.loc[arms], high) for key, arms in panels.items()]
    figure = _empty(titles, counting_axis("epoch", curves["epoch"]), y)
    of_baseline = False
    for number, arms in enumerate(panels.values(), start=1):
        for baseline in dict.fromkeys((baselines or {}).get(arm) for arm in arms):
            if baseline in known and baseline not in arms and "val" in tables:
                of_baseline = True
                _add_baseline(figure, tables["val"].loc[[baseline]], number)
        for split, table in tables.items():
            for arm in arms:
                if arm in table.index:
                    alone = len(arms) == 1 and curves["seed"].nunique() > 1
                    _add(figure, looks[arm], table.loc[[arm]], split, number, quantity, alone)
    _add_key(figure, values)
    trained = curves.groupby(["arm", "epoch"]).size().groupby("arm")
    ended = bool((trained.min() < trained.max()).any())
    caption = _CAPTION + _BASELINE * of_baseline + _LEAVE * bool(means["mean"].max() > high)
    caption += _ENDED * ended
    caption += _BY_BATCH if quantity == "loss" or score.by_batch else _AFTER
    return Plot(f"Learning curves of the winners: {quantity} by epoch", caption, figure)


def _values(curves: pd.DataFrame, split: str, quantity: str, score: Score) -> "pd.Series[float]":
    columns = [loss_of(split), score.of(split)]
    numbers = curves[columns].apply(pd.to_numeric, errors="coerce").astype(float)
    values: pd.Series[float] = measured(numbers, f"{split}_{quantity}")
    return 100 * values if quantity == "error" and score.in_percent else values


def _bands(table: pd.DataFrame) -> pd.DataFrame:
    """``mean, low, high`` over the seeds, by arm; ``epoch`` is a column."""
    grouped = table.dropna(subset=["value"]).groupby(["arm", "epoch"])["value"]
    low, high = (grouped.quantile(share) for share in _BAND)
    made = pd.DataFrame({"mean": grouped.mean(), "low": low, "high": high})
    return made.reset_index("epoch")


def _range(means: pd.DataFrame) -> tuple[float, float]:
    """The best epochs, and all of the second half, of arms that are not far from the middle one.

    ``means`` has ``epoch, mean``, by arm.
    """
    later = means[2 * means["epoch"] >= means["epoch"].max()]["mean"].groupby("arm")
    ends = pd.concat([means["mean"].groupby("arm").min(), later.max()], axis=1).dropna()
    if ends.empty:
        return float(means["mean"].min()), float(means["mean"].max())
    middle = float(later.mean().quantile(0.5, "lower"))
    low, high = near_range(ends.to_numpy(), (), middle, _AROUND * abs(middle))
    return max(low, float(means["mean"].min())), min(high, float(means["mean"].max()))


def _axis(title: str, low: float, high: float) -> dict[str, object]:
    """An axis that fits what is shown, with a little room."""
    axis = fitting_axis(title, (low, high))
    if axis.get("type") == "log":
        low, high = math.log10(low), math.log10(high)
    room = _ROOM * ((high - low) or abs(high) or 1.0)
    return axis | {"range": [low - room, high + room]}


def _title(key: str, means: pd.DataFrame, high: float) -> str:
    """A panel's name, and the least value of one that would be empty."""
    least = float(means["mean"].min())
    return f"<b>{key}</b>" + (f", beyond the frame: {least:.3g}" if least > high else "")


def _empty(titles: Sequence[str], x: dict[str, object], y: dict[str, object]) -> go.Figure:
    """A grid of panels, each under its title."""
    columns = min(_COLUMNS, len(titles))
    rows = math.ceil(len(titles) / columns)
    inside = rows * _PANEL + (rows - 1) * _GAP
    figure = new_figure({}, {}, inside + 120 + _BUTTONS)
    figure.layout.margin.t += _BUTTONS
    width = (1 - _BETWEEN_COLUMNS * (columns - 1)) / columns
    for i, title in enumerate(titles):
        row, column = divmod(i, columns)
        top = 1 - row * (_PANEL + _GAP) / inside
        left = column * (width + _BETWEEN_COLUMNS)
        is_last = i + columns >= len(titles)
        set_axes(
            figure,
            i + 1,
            x | {"domain": [left, left + width], **({} if is_last else {"title_text": None})},
            y
            | {"domain": [top - _PANEL / inside, top]}
            | ({} if column == 0 else {"title_text": None, "showticklabels": False}),
        )
        figure.add_annotation(
            text=title,
            showarrow=False,
            **{"x": left, "xref": "paper", "xanchor": "left"},
            **{"y": top, "yref": "paper", "yanchor": "bottom"},
        )
    return figure


def _add_baseline(figure: go.Figure, table: pd.DataFrame, number: int) -> None:
    figure.add_scatter(
        x=table["epoch"].to_numpy(),
        y=table["mean"].to_numpy(),
        mode="lines",
        line={"color": BETWEEN, "width": 1.2},
        showlegend=False,
        hoverinfo="skip",
        **axes_of(number),
    )


def _add(
    figure: go.Figure,
    look: Look,
    table: pd.DataFrame,
    split: str,
    number: int,
    quantity: str,
    has_band: bool,
) -> None:
    epochs = table["epoch"].to_numpy()
    words, dash = _SPLITS[split]
    if has_band:
        figure.add_scatter(
            x=np.concatenate([epochs, epochs[::-1]]),
            y=np.concatenate([table["low"], table["high"].to_numpy()[::-1]]),
            mode="lines",
            line={"width": 0, "color": look.color},
            fill="toself",
            opacity=0.25,
            showlegend=False,
            hoverinfo="skip",
            **axes_of(number),
        )
    figure.add_scatter(
        x=epochs,
        y=table["mean"].to_numpy(),
        mode="lines" if len(table) > 1 else "markers",
        line={"color": look.color, "width": 1.8, "dash": dash},
        name=look.name,
        showlegend=False,
        hoverinfo="text",
        hovertext=[
            hover(look.name, f"epoch {epoch:g}", f"{words} {quantity}: {value:.5g}")
            for epoch, value in zip(epochs, table["mean"], strict=True)
        ],
        **axes_of(number),
    )


def _add_key(figure: go.Figure, splits: Iterable[str]) -> None:
    """What the dashes mean, as two grey entries of the legend without data."""
    for split in splits:
        words, dash = _SPLITS[split]
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="lines",
            line={"color": BETWEEN, "width": 2, "dash": dash},
            name=words,
            hoverinfo="skip",
        )
