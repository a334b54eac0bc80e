"""All plots of one sweep, in the order in which they answer."""

from collections.abc import Mapping, Sequence

import pandas as pd

from regsweep.records.objective import JUDGED
from regsweep.report.plots.arms import Look
from regsweep.report.plots.curves import curves_plot
from regsweep.report.plots.figure import Plot
from regsweep.report.plots.search import search_plot
from regsweep.report.plots.seeds import seeds_plot
from regsweep.report.plots.sparse import sparse_plot
from regsweep.report.plots.trials import final_runs, trials_table
from regsweep.report.plots.weight import weight_plot
from regsweep.report.tables.arm import PLATEAU, ArmResult
from regsweep.report.tables.scores import scores_of


def sweep_plots(
    runs: pd.DataFrame,
    comparison: pd.DataFrame,
    curves: pd.DataFrame,
    looks: Mapping[str, Look],
    objective: str,
    results: Sequence[ArmResult],
) -> list[Plot]:
    """The plots for which the tables of one sweep have data.

    ``looks`` may hold arms of other sweeps; ``objective`` is ``val_loss`` or ``val_error``;
    ``results`` are the sweep's arms.
    """
    looks = {arm: looks[arm] for arm in comparison["arm"]}
    score = scores_of(runs)[0]
    trials = trials_table(results)
    final = final_runs(results)
    ends = comparison.set_index("arm")[list(PLATEAU)].dropna()
    plateaus = {str(arm): (low, high) for arm, low, high in ends.itertuples(name=None)}
    compared = comparison.set_index("arm")["baseline"].dropna()
    baselines = {str(arm): str(baseline) for arm, baseline in compared.items()}
    plots = (
        *(
            seeds_plot(final, comparison, looks, m, score)
            for m in (JUDGED[objective], score.of("test"))
        ),
        weight_plot(trials, looks, objective, score, plateaus),
        curves_plot(curves, looks, objective, score, baselines),
        search_plot(trials, looks, objective, score),
        sparse_plot(trials, results, looks, score),
    )
    return [plot for plot in plots if plot is not None]
