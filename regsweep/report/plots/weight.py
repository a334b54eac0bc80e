"""The objective against the penalty weight: where each arm's best weight lies, and how sharply."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from regsweep.records.task import ACCURACY, Score
from regsweep.report.plots.arms import Look, legend_keys
from regsweep.report.plots.figure import (
    Plot,
    axes_of,
    fitting_axis,
    hover,
    new_figure,
    sampled,
    set_axes,
    with_legend,
)
from regsweep.report.plots.trials import RATIO, shown_up_to
from regsweep.report.tables.override import words
from regsweep.report.tables.plateau import WEIGHT
from regsweep.report.words.plateau import plateau_words

_CAPTION = "A mark is a trial; a star is the arm's winner."
_LINES = " An arm without a {noun} is a dashed line at its best value."
_BANDS = (
    " A bar at the foot spans the {noun}s that are as good as the arm's best, by all its trials."
)
_BEYOND = " A triangle at the top is a trial that was worse than is shown."
_PANEL, _GAP, _BAND_HEIGHT = 210, 64, 14
# Weights of these are factors of one and the same loss; those of any other have a scale of its own.
_OF_THE_LOSS = ("l1", "l2", "elastic")
# Of a probability it is the differences that mean something.
_LINEAR = ("regularizer.p",)


@dataclass(frozen=True)
class _Panel:
    """Trials against ``column``; ``arms`` are those that are drawn, ``bands`` their plateaus.

    Else than ``linear`` the axis is logarithmic where it can be.
    """

    column: str
    title: str
    linear: bool
    arms: tuple[str, ...]
    bands: Mapping[str, tuple[float, float]]


def weight_plot(
    trials: pd.DataFrame,
    looks: Mapping[str, Look],
    objective: str,
    score: Score = ACCURACY,
    plateaus: Mapping[str, tuple[float, float]] | None = None,
) -> Plot | None:
    """A mark a trial, the winners as stars; arms without a weight as level lines.

    A panel below another for weights of another scale, such as the p of dropout, and for
    ``l1_ratio``; all show the values near the best. ``trials`` is a ``trials_table``; ``plateaus``
    are the arms' weights that are as good as their best, each a bar below the marks.
    """
    weighted = trials.dropna(subset=["weight"])
    if weighted.empty:
        return None
    name = objective_name(objective, score)
    top = shown_up_to(trials["value"], trials["arm"])
    shown = trials.assign(drawn=trials["value"].clip(upper=top), beyond=trials["value"] > top)
    panels = _panels(shown, looks, plateaus or {})
    figure = _empty(panels, shown, name)
    drawn, note = sampled(shown.dropna(subset=["weight"]), "trials")
    # The legend has the mark of the first.
    drawn = drawn.sort_values("beyond", kind="stable")
    levels = {
        arm: shown[shown["arm"] == arm]
        for arm in looks
        if (shown["arm"] == arm).any() and shown.loc[shown["arm"] == arm, "weight"].isna().all()
    }
    in_legend: set[str] = set()
    for number, panel in enumerate(panels, start=1):
        at = drawn[drawn["arm"].isin(panel.arms)].dropna(subset=[panel.column])
        ends = (float(at[panel.column].min()), float(at[panel.column].max()))
        for arm, of_arm in levels.items() if panel.column == "weight" else ():
            key = _legend(looks[arm], in_legend)
            _add_level(figure, looks[arm], float(of_arm["drawn"].min()), ends, name, number, key)
        for arm in panel.arms:
            key = _legend(looks[arm], in_legend)
            _add_marks(figure, looks[arm], at[at["arm"] == arm], name, panel, number, key)
        # Added last, so that no other mark covers them.
        for arm in panel.arms:
            winner = shown[(shown["arm"] == arm) & shown["won"] & shown[panel.column].notna()]
            _add_winner(figure, looks[arm], winner, name, panel, number)
        _add_bands(figure, looks, panel, len(panels) + number, number)
    with_legend(figure, legend_keys(looks.values()))
    has_bands = any(panel.bands for panel in panels)
    caption = _CAPTION + _LINES * bool(levels) + _BANDS * has_bands + _BEYOND * _any(shown)
    only = set(weighted["key"]) == {WEIGHT}
    title = f"{name[0].upper()}{name[1:]} against {'penalty weight' if only else 'strength'}"
    caption = caption.format(noun="weight" if only else "strength")
    return Plot(title + note, caption, figure)


def objective_name(objective: str, score: Score) -> str:
    """What a search minimises, with its unit."""
    if objective == "val_loss":
        return "validation loss"
    return f"validation {score.error}{' (%)' * score.in_percent}"


def _any(shown: pd.DataFrame) -> bool:
    return bool((shown["beyond"] & shown["weight"].notna()).any())


def _panels(
    trials: pd.DataFrame, looks: Mapping[str, Look], plateaus: Mapping[str, tuple[float, float]]
) -> list[_Panel]:
    scales: dict[str, list[str]] = {}
    for arm in looks:
        if trials.loc[trials["arm"] == arm, "weight"].notna().any():
            scales.setdefault(_scale(arm), []).append(arm)
    panels = []
    for scale, arms in scales.items():
        known = {_regularizer(arm) for arm in arms}
        named = [name for name in (*_OF_THE_LOSS, scale) if name in known]
        of = f" of {', '.join(named)}" if scale and len(scales) > 1 else ""
        bands = {arm: plateaus[arm] for arm in arms if arm in plateaus}
        key = trials.loc[trials["arm"] == arms[0], "key"].iloc[0]
        panels.append(_Panel("weight", key + of, key in _LINEAR, tuple(arms), bands))
    mixed = tuple(a for a in looks if trials.loc[trials["arm"] == a, "ratio"].notna().any())
    if mixed:
        panels.append(_Panel("ratio", RATIO, True, mixed, {}))
    return panels


def _scale(arm: str) -> str:
    """Arms of one scale share an axis of weights; empty where no regularizer is compared."""
    choice = _regularizer(arm)
    return "loss" if choice in _OF_THE_LOSS else choice


def _regularizer(arm: str) -> str:
    choices = dict(word.partition("=")[::2] for word in arm.split())
    return choices.get("regularizer", "")


def _empty(panels: Sequence[_Panel], trials: pd.DataFrame, name: str) -> go.Figure:
    """The panels without marks, one below the other, each with room for its bars at the foot."""
    bars = [_BAND_HEIGHT * len(panel.bands) for panel in panels]
    inside = len(panels) * _PANEL + sum(bars) + _GAP * (len(panels) - 1)
    y = fitting_axis(name, trials["drawn"])
    figure = new_figure({}, y, inside + 110)
    top = inside
    for number, (panel, room) in enumerate(zip(panels, bars, strict=True), start=1):
        own = trials[trials["arm"].isin(panel.arms)][panel.column].dropna()
        values = [*own, *(end for band in panel.bands.values() for end in band)]
        # Weights mean factors, so their axis is linear only where it has to be.
        x = fitting_axis(panel.title, values, spread=math.inf if panel.linear else 1)
        foot = top - _PANEL
        set_axes(figure, number, x, y | {"domain": [foot / inside, top / inside]})
        if room:
            bar = len(panels) + number
            figure.update_layout(
                {
                    f"xaxis{number if number > 1 else ''}": {"anchor": f"y{bar}"},
                    f"yaxis{bar}": {
                        "domain": [(foot - room) / inside, foot / inside],
                        "range": [len(panel.bands) - 0.25, -0.75],
                        "visible": False,
                        "fixedrange": True,
                        "anchor": axes_of(number)["xaxis"],
                    },
                }
            )
        top = foot - room - _GAP
    return figure


def _legend(look: Look, in_legend: set[str]) -> dict[str, Any]:
    """A legend has each key once."""
    first = look.key not in in_legend
    in_legend.add(look.key)
    return {"legendgroup": look.key, "showlegend": first}


def _add_level(
    figure: go.Figure,
    look: Look,
    value: float,
    ends: tuple[float, float],
    name: str,
    number: int,
    legend: dict[str, Any],
) -> None:
    figure.add_scatter(
        x=ends if ends[0] < ends[1] else [ends[0] * 0.9, ends[0] * 1.1],
        y=[value, value],
        mode="lines",
        line={"color": look.color, "width": 2, "dash": "dash"},
        name=look.key,
        hoverinfo="text",
        hovertext=[hover(look.name, f"{name}: {value:.5g}", "no weight")] * 2,
        **axes_of(number),
        **legend,
    )


def _add_marks(
    figure: go.Figure,
    look: Look,
    trials: pd.DataFrame,
    name: str,
    panel: _Panel,
    number: int,
    legend: dict[str, Any],
) -> None:
    figure.add_scatter(
        x=trials[panel.column].to_numpy(),
        y=trials["drawn"].to_numpy(),
        mode="markers",
        marker={
            "color": look.color,
            "symbol": [
                "triangle-up-open" if beyond else look.symbol for beyond in trials["beyond"]
            ],
            "size": 8,
            "opacity": 0.7,
        },
        cliponaxis=False,
        name=look.key,
        hoverinfo="text",
        hovertext=_texts(look, trials, name),
        **axes_of(number),
        **legend,
    )


def _add_winner(
    figure: go.Figure, look: Look, winner: pd.DataFrame, name: str, panel: _Panel, number: int
) -> None:
    if winner.empty:
        return
    figure.add_scatter(
        x=winner[panel.column].to_numpy(),
        y=winner["drawn"].to_numpy(),
        mode="markers",
        marker={
            "color": look.color,
            "symbol": "star",
            "size": 17,
            "line": {"color": "white", "width": 1.5},
        },
        name=f"{look.name}, winner",
        legendgroup=look.key,
        showlegend=False,
        hoverinfo="text",
        hovertext=_texts(look, winner, name, "winner"),
        **axes_of(number),
    )


def _add_bands(
    figure: go.Figure, looks: Mapping[str, Look], panel: _Panel, bar: int, number: int
) -> None:
    """A bar an arm, one below the other, under the marks and over the same axis."""
    for place, (arm, (low, high)) in enumerate(panel.bands.items()):
        look = looks[arm]
        figure.add_scatter(
            x=[low, high, high, low, low],
            y=[place + side for side in (-0.3, -0.3, 0.3, 0.3, -0.3)],
            xaxis=axes_of(number)["xaxis"],
            yaxis=f"y{bar}",
            mode="lines",
            line={"color": look.color, "width": 1.5},
            fill="toself",
            hoveron="fills",
            name=look.key,
            legendgroup=look.key,
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
