"""What each ingredient of a winner is worth: the winner without it, against the winner."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from regsweep.records.arm import taken_out
from regsweep.report.plots.arms import Look
from regsweep.report.plots.differences import differences_plot
from regsweep.report.plots.figure import Plot
from regsweep.report.tables.comparison import ablations_of


def ablation_plots(
    comparison: pd.DataFrame,
    pairs: Mapping[str, Mapping[int, float]],
    looks: Mapping[str, Look],
) -> list[Plot]:
    """A plot a winner whose ingredients were taken out: a row an ingredient, the dearest first.

    ``comparison`` is of one sweep; ``looks`` are those of its arms.
    """
    lacking = ablations_of(comparison).sort_values("improvement_mean", kind="stable")
    plots = []
    for arm, rows in lacking.groupby("baseline", sort=False):
        look = looks[str(arm)]
        own = {
            name: replace(look, name=f"without {taken_out(name)}", key=f"without {taken_out(name)}")
            for name in rows["arm"]
        }
        title = f"{look.name} without one of its ingredients"
        if plot := differences_plot(rows, pairs, own, title=title, baseline="its winner as it is"):
            plots.append(plot)
    return plots
