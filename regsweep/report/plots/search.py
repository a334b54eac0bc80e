"""How the search went: the best objective so far, by trial."""

from collections.abc import Mapping

import pandas as pd

from regsweep.records.task import ACCURACY, Score
from regsweep.report.plots.arms import Look, legend_keys
from regsweep.report.plots.figure import (
    Plot,
    counting_axis,
    fitting_axis,
    hover,
    new_figure,
    with_legend,
)
from regsweep.report.plots.weight import objective_name

_CAPTION = (
    "A line that still falls at its end says that more trials may help that arm. "
    "Trials with a failed, diverged or missing run do not count."
)


def search_plot(
    trials: pd.DataFrame, looks: Mapping[str, Look], objective: str, score: Score = ACCURACY
) -> Plot | None:
    """A step line an arm over its trial numbers; nothing where no arm was tried twice.

    ``trials`` is a ``trials_table``.
    """
    trials = trials[trials["stage"] == "search"].dropna(subset=["trial"])
    if trials.empty or trials["arm"].value_counts().max() < 2:
        return None
    name = objective_name(objective, score)
    trials = trials.sort_values(["arm", "trial"], kind="stable")
    trials["best"] = trials.groupby("arm")["value"].cummin()
    figure = new_figure(
        counting_axis("trial number", trials["trial"]), fitting_axis(name, trials["best"])
    )
    in_legend: set[str] = set()
    for arm, look in looks.items():
        steps = _steps(trials[trials["arm"] == arm])
        dash = "solid"
        if len(steps) == 1:
            # An arm with nothing to search: the level that the others have to pass.
            steps, dash = pd.concat([steps, steps.assign(trial=trials["trial"].max())]), "dash"
        if not steps.empty:
            figure.add_scatter(
                x=steps["trial"].to_numpy(dtype=int),
                y=steps["best"].to_numpy(),
                mode="lines+markers",
                line={"color": look.color, "width": 2, "shape": "hv", "dash": dash},
                marker={"symbol": look.symbol, "size": 7},
                name=look.key,
                cliponaxis=False,
                legendgroup=look.key,
                showlegend=look.key not in in_legend,
                hoverinfo="text",
                hovertext=[
                    hover(look.name, f"after trial {trial}", f"best {name}: {best:.5g}")
                    for trial, best in zip(steps["trial"], steps["best"], strict=True)
                ],
            )
            in_legend.add(look.key)
    with_legend(figure, legend_keys(looks.values()))
    return Plot(f"Best {name} found so far", _CAPTION, figure)


def _steps(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that improved on all before them, and the last one, where the line ends."""
    improved = trials["best"] != trials["best"].shift()
    last = pd.Series(range(len(trials)), index=trials.index) == len(trials) - 1
    return trials[improved | last]
