"""What sparsity costs: the score against the share of weights that are left."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from regsweep.records.task import ACCURACY, Score
from regsweep.report.plots.arms import Look, legend_keys
from regsweep.report.plots.figure import (
    BETWEEN,
    Plot,
    fitting_axis,
    hover,
    new_figure,
    sampled,
    with_legend,
)
from regsweep.report.plots.trials import shown_up_to
from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.override import words

_FRONT = "front of the trials"
# So large a share of weights of exactly 0 is no accident.
_ZEROS = 0.01
_CAPTION = (
    "A mark is a trial, by its validation score; the line is their front, which has the best score "
    "of the trials with so few weights left."
)
_TESTED = " A diamond is an arm's test runs, by their mean test score and its 95 % interval"
_SPARSEST = "; an open one is the arm's sparsest trial"
_WORSE = " A triangle at the foot is a trial that was worse than is shown."


def sparse_plot(
    trials: pd.DataFrame,
    results: Sequence[ArmResult],
    looks: Mapping[str, Look],
    score: Score = ACCURACY,
) -> Plot | None:
    """A mark a trial, the front over all of them, and what was tested with its interval.

    Left are weights that are not 0, and where hardly any is, those that are not near 0.
    ``trials`` is a ``trials_table``; nothing for one trial or none.
    """
    exact = bool((trials["zeros"] > _ZEROS).any())
    column, name = ("zeros", "left") if exact else ("near_zeros", "of 1e-3 or above")
    trials = trials.assign(left=100 * (1 - trials[column])).dropna(subset=["left"])
    if len(trials) < 2:
        return None
    tested = [
        (looks[arm.arm], one, one is not arm)
        for arm in results
        for one in (arm, arm.sparsest)
        if one and len(one.tested)
    ]
    lows = [value for _, one, _ in tested for value in _interval(one)[:2]]
    foot = float(np.nanmin([-shown_up_to(-trials["score"], trials["arm"]), *lows]))
    drawn, note = sampled(trials, "trials")
    near = trials[trials["score"] >= foot]
    x = fitting_axis(f"weights {name} (%)", near["left"])
    if "type" in x:  # where a trial far worse, of no weights at all, has no place
        drawn = drawn.assign(drawn_at=drawn["left"].clip(lower=near["left"].min()))
    else:
        drawn = drawn.assign(drawn_at=drawn["left"])
    figure = new_figure(x, {"title_text": score.words + " (%)" * score.in_percent})
    _add_front(figure, near)
    for arm, look in looks.items():
        if (drawn["arm"] == arm).any():
            _add_trials(figure, look, drawn[drawn["arm"] == arm], foot, name, score)
    for look, one, sparsest in tested:
        _add_tested(figure, look, one, exact, sparsest, name)
    with_legend(figure, [_FRONT, *legend_keys(looks.values())])
    open_too = _SPARSEST * any(sparsest for _, _, sparsest in tested)
    caption = _CAPTION + (f"{_TESTED}{open_too}." if tested else "")
    caption += _WORSE * bool((trials["score"] < foot).any())
    title = f"{score.words[0].upper()}{score.words[1:]} against weights left"
    return Plot(title + note, caption, figure)


def front(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials of which none has as few weights ``left`` and as good a ``score``, from few on."""
    ordered = trials.sort_values(["left", "score"], ascending=[True, False], kind="stable")
    best_before = ordered["score"].cummax().shift(fill_value=-np.inf)
    kept: pd.DataFrame = ordered[ordered["score"] > best_before]
    return kept


def _add_front(figure: go.Figure, trials: pd.DataFrame) -> None:
    best = front(trials)
    figure.add_scatter(
        x=best["left"].to_numpy(),
        y=best["score"].to_numpy(),
        mode="lines",
        line={"color": BETWEEN, "width": 1.5, "shape": "hv"},
        name=_FRONT,
        hoverinfo="skip",
    )


def _add_trials(
    figure: go.Figure, look: Look, trials: pd.DataFrame, foot: float, name: str, score: Score
) -> None:
    columns = zip(trials["trial"], trials["score"], trials["left"], trials["settings"], strict=True)
    first = all(trace.legendgroup != look.key for trace in figure.data)
    figure.add_scatter(
        x=trials["drawn_at"].to_numpy(),
        y=trials["score"].clip(lower=foot).to_numpy(),
        mode="markers",
        marker={
            "color": look.color,
            "symbol": [
                "triangle-down-open" if value < foot else look.symbol for value in trials["score"]
            ],
            "size": 7,
            "opacity": 0.6,
        },
        cliponaxis=False,
        name=look.key,
        legendgroup=look.key,
        showlegend=first,
        hoverinfo="text",
        hovertext=[
            hover(
                look.name,
                *([] if pd.isna(trial) else [f"trial {trial}"]),
                f"validation {score.words}: {_shown(value, score)}",
                f"weights {name}: {left:.3g} %",
                *words(settings),
            )
            for trial, value, left, settings in columns
        ],
    )


def _add_tested(
    figure: go.Figure, look: Look, result: ArmResult, exact: bool, sparsest: bool, name: str
) -> None:
    score, row = result.score, result.row
    mean, low, high = _interval(result)
    left = 100 * (1 - row["zero_fraction_mean" if exact else "near_zero_fraction_mean"])
    known = [] if np.isnan(low) else [f"95 % interval: {low:.4f} to {high:.4f}"]
    figure.add_scatter(
        x=[left],
        y=[mean],
        mode="markers",
        marker={
            "color": look.color,
            "symbol": "diamond-open" if sparsest else "diamond",
            "size": 13,
            "line": {"color": look.color, "width": 2.5} if sparsest else {},
        },
        error_y={
            "color": look.color,
            "thickness": 2.5,
            "width": 6,
            "array": [high - mean],
            "arrayminus": [mean - low],
        },
        name=f"{look.name}, tested",
        legendgroup=look.key,
        showlegend=False,
        hoverinfo="text",
        hovertext=[
            hover(
                f"{look.name}, sparsest" if sparsest else look.name,
                f"mean test {score.words}: {_shown(mean, score)}",
                *known,
                f"weights {name}: {left:.3g} %",
                f"seeds: {len(result.tested)}",
            )
        ],
    )


def _interval(result: ArmResult) -> tuple[float, float, float]:
    """The mean test score and its interval, in the unit of the axis; NaN for that of one seed."""
    scale = 100 if result.score.in_percent else 1
    test = result.score.of("test")
    mean, low, high = (
        scale * float(result.row[f"{test}_{part}"]) for part in ("mean", "ci_low", "ci_high")
    )
    return mean, low, high


def _shown(value: float, score: Score) -> str:
    """A score as the axis has it."""
    return score.shown(value / 100 if score.in_percent else value)
