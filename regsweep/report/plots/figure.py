"""What the figures share: their frame, their axes, safe text, and how many points they draw."""

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from regsweep.report.words.numbers import short_exponent

MOST_POINTS = 30_000
BETWEEN = "rgba(128, 128, 128, 0.9)"
LIES_BEYOND = " A triangle at the edge lies beyond it."
_GRID = "rgba(128, 128, 128, 0.25)"
_CLEAR = "rgba(0, 0, 0, 0)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
# A legend as it is laid out at the width of a telephone.
_NARROW = 330
_KEY_PIXELS, _LETTER_PIXELS, _KEY_ROW_PIXELS, _ROWS_IN_FRAME = 46, 7.5, 19, 2
_DECADES_OF_WHOLE_TICKS = 3
_MOST_WHOLE_TICKS = 5
# With fewer, plotly would put ticks at halves.
_WHOLE_TICKS = 8
# What begins so many times farther from the center than the middle one ends is far.
_FAR = 8
# Free on both sides, as a share of the range of what is near.
_EDGE = 0.05
_AXIS: dict[str, Any] = {
    "automargin": True,
    "color": BETWEEN,
    "gridcolor": _GRID,
    "linecolor": _GRID,
    "showline": True,
    "zeroline": False,
    "title": {"font": {"size": 13}, "standoff": 10},
}


@dataclass(frozen=True)
class Plot:
    """A figure, its title, and a sentence on how to read it (both plain text)."""

    title: str
    caption: str
    figure: go.Figure


def new_figure(x: dict[str, Any], y: dict[str, Any], height: int = 440) -> go.Figure:
    """An empty figure of ``height`` pixels that reads on a light and on a dark page."""
    return go.Figure(
        layout={
            "template": go.layout.Template(),
            "height": height,
            "margin": {"l": 10, "r": 16, "t": 24, "b": 10},
            "paper_bgcolor": _CLEAR,
            "plot_bgcolor": _CLEAR,
            "font": {"family": _FONT, "size": 13, "color": BETWEEN},
            "hoverlabel": {"align": "left", "namelength": -1},
            "hovermode": "closest",
            "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
            "xaxis": _AXIS | x,
            "yaxis": _AXIS | y,
        }
    )


def set_axes(figure: go.Figure, number: int, x: dict[str, Any], y: dict[str, Any]) -> None:
    """The axes of a panel, counted from 1, each anchored to the other; panels share their y."""
    suffix = "" if number == 1 else str(number)
    shared = {} if number == 1 else {"matches": "y"}
    figure.update_layout(
        {
            f"xaxis{suffix}": _AXIS | {"anchor": f"y{suffix}"} | x,
            f"yaxis{suffix}": _AXIS | {"anchor": f"x{suffix}"} | shared | y,
        }
    )


def axes_of(number: int) -> dict[str, str]:
    """Where a trace of a panel, counted from 1, is drawn."""
    suffix = "" if number == 1 else str(number)
    return {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}


def with_legend(figure: go.Figure, names: Iterable[str]) -> None:
    """Make room below for the legend of these names, so that a telephone shows all of it."""
    room = sum(_KEY_PIXELS + _LETTER_PIXELS * len(html.unescape(name)) for name in names)
    rows = math.ceil(room / _NARROW)
    more = max(0, rows - _ROWS_IN_FRAME) * _KEY_ROW_PIXELS
    figure.update_layout(height=figure.layout.height + more, legend_maxheight=1)


def fitting_axis(title: str, values: Iterable[float], spread: float = 3) -> dict[str, Any]:
    """A log axis where all values are positive and span more than ``spread``, else a linear one.

    Losses near the best one are what a plot is read for; a linear axis squashes them as soon as
    the worst is several times as large. It does not go on below 0 where no value does, and not
    from -1 to 1, as plotly has it, where all are equal.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known or min(known) <= 0 or max(known) <= spread * min(known):
        floor = {"minallowed": 0} if known and min(known) >= 0 else {}
        around = {}
        if len(set(known)) == 1 and known[0]:
            room = _EDGE * abs(known[0])
            around = {"range": [known[0] - room, known[0] + room]}
        return {"title_text": title} | floor | around
    return {"title_text": f"{title} (log scale)", "type": "log"} | _ticks(min(known), max(known))


def counting_axis(title: str, values: Iterable[int]) -> dict[str, Any]:
    """A linear axis without ticks between whole numbers."""
    known = list(values)
    few = len(known) > 0 and max(known) - min(known) < _WHOLE_TICKS
    return {"title_text": title} | ({"dtick": 1} if few else {})


def _ticks(low: float, high: float) -> dict[str, Any]:
    """Powers of ten; of few decades some between them too, each written out in full."""
    if high / low > 10**_DECADES_OF_WHOLE_TICKS:
        # Every second power of many, so that their labels fit side by side on a telephone.
        step = 2 if high / low > 10**_MOST_WHOLE_TICKS else 1
        return {"dtick": step, "exponentformat": "power", "tickangle": 0}
    steps = ("1", "2", "5") if high / low > 10 else ("1", "1.5", "2", "3", "4", "5", "7")
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return {"tickvals": values, "ticktext": [short_exponent(f"{value:g}") for value in values]}


def near_range(
    ends: np.ndarray,
    singles: Iterable[float],
    center: float = 0.0,
    around: float = 0.0,
    room: float = 1.0,
) -> tuple[float, float]:
    """The part of an axis that tells intervals apart, of which one far off would squash the others.

    ``ends`` are (intervals, 2), lows and highs. Shown are ``center``, what lies ``around`` it, the
    intervals that are not far, and ``singles`` as far as they widen that by no more than ``room``
    times its own range on a side.
    """
    from_center = np.asarray(ends, dtype=float).reshape(-1, 2) - center
    widest = np.abs(from_center).max(axis=1)
    crosses = np.sign(from_center).prod(axis=1) <= 0
    nearest = np.where(crosses, 0, np.abs(from_center).min(axis=1))
    middle = float(np.quantile(widest, 0.5, method="lower")) if len(widest) else 0.0
    near = from_center[nearest <= _FAR * max(middle, around)]
    low, high = min([-around, *near[:, 0]]), max([around, *near[:, 1]])
    span = (high - low) or abs(center) or 1.0
    values = [low, high, *(value - center for value in singles)]
    low = max(low - room * span, min(values)) - _EDGE * span
    high = min(high + room * span, max(values)) + _EDGE * span
    return center + low, center + high


def beyond(value: float, ends: tuple[float, float]) -> str:
    """The mark of a value that lies beyond an end of the axis; none of any other."""
    low, high = ends
    return "triangle-left" if value < low else "triangle-right" if value > high else ""


def seed_dots(
    values: np.ndarray,
    place: float,
    ends: tuple[float, float],
    texts: Sequence[str],
    *,
    color: str,
    size: int,
    width: float,
) -> go.Scatter:
    """A dot a seed, in a row at the height ``place``; at an end of the axis what lies beyond it.

    ``texts`` are shown where a dot is pointed at, ``width`` is half of the height of the row.
    """
    return go.Scatter(
        x=np.clip(values, *ends),
        y=place + jitter(len(values), width),
        mode="markers",
        marker={
            "color": color,
            "size": size,
            "opacity": 0.5,
            "symbol": [beyond(value, ends) or "circle" for value in values],
        },
        cliponaxis=False,
        hoverinfo="text",
        hovertext=texts,
    )


def escaped(text: object, longest: int = 100) -> str:
    """``text`` with nothing that plotly would take for markup, cut to ``longest`` characters."""
    whole = " ".join(str(text).split())
    return html.escape(whole if len(whole) <= longest else f"{whole[: longest - 1]}…", quote=False)


def hover(name: str, *lines: str) -> str:
    """A hover text of an escaped name and lines, in which each line is escaped here."""
    return "<br>".join([f"<b>{name}</b>", *map(escaped, lines)])


def sampled(table: pd.DataFrame, what: str) -> tuple[pd.DataFrame, str]:
    """At most ``MOST_POINTS`` rows, evenly spaced, and what to add to a title if any is missing."""
    if len(table) <= MOST_POINTS:
        return table, ""
    kept = np.linspace(0, len(table) - 1, MOST_POINTS).round().astype(int)
    return table.iloc[kept], f" ({MOST_POINTS:,} of {len(table):,} {what})"


def jitter(count: int, width: float) -> np.ndarray:
    """Offsets in ``[-width, width]`` that keep neighbours apart, the same ones every time.

    Multiples of the golden ratio modulo 1, which fill an interval evenly at every length.
    """
    return ((np.arange(count) * 0.6180339887498949 + 0.5) % 1 * 2 - 1) * width
