"""Which setting of an arm won, what is confirmed beside it, and which runs test them."""

import pandas as pd

from regsweep.records.objective import mean_cost, measured, sparsest, winner, winner_by_runs
from regsweep.records.record import Role
from regsweep.records.task import loss_of
from regsweep.report.tables.runs import ROLE


def candidates(
    tried: pd.DataFrame, settings: "pd.Series[str]", replicates: int = 1
) -> pd.DataFrame:
    """The runs of the settings that were tried out: validated, and completed on all their seeds.

    A setting with a diverged or failed run, or of fewer runs than ``replicates``, is none.
    """
    scored = tried[loss_of("val")].notna() & measured(tried, "val_error").notna()
    return tried[_sound(tried, settings, replicates) & scored]


def best_setting(
    tried: pd.DataFrame,
    settings: "pd.Series[str]",
    objective: str,
    replicates: int = 1,
    finalists: int = 1,
) -> pd.DataFrame | None:
    """The runs of the candidate with the lowest mean objective over its seeds, if there is one.

    Where several ``finalists`` are run again, of those that were run on the most seeds. Of equal
    settings the first in the table wins. Where nothing was validated, an arm of single
    runs still has a best setting if it has no other.
    """
    scored = candidates(tried, settings, replicates)
    if not scored.empty:
        grouped = measured(scored, objective).groupby(settings.loc[scored.index], sort=False)
        if finalists > 1:
            best = winner_by_runs({name: list(costs) for name, costs in grouped})
            return None if best is None else tried[settings == best[0]]
        once = bool((grouped.size() == 1).all())
        means = grouped.first() if once else grouped.agg(mean_cost)
        return tried[settings == winner(means.items())]
    only_single = bool((tried["stage"] == "single").all())
    if only_single and settings.nunique() == 1 and _sound(tried, settings, replicates).all():
        return tried
    return None


def sparsest_setting(
    could_win: pd.DataFrame,
    settings: "pd.Series[str]",
    won: str,
    objective: str,
    seeds: range,
    margin: float,
) -> "pd.DataFrame | None":
    """The runs of the sparsest candidate that is as good as the one that ``won``, if it is another.

    They are compared on the search ``seeds``, which all of them have.
    """
    alike = could_win[could_win["seed"].isin(seeds)]
    trial = settings.loc[alike.index]
    costs = measured(alike, objective).groupby(trial, sort=False).agg(mean_cost)
    zeros = alike["zero_fraction"].fillna(0).groupby(trial, sort=False).agg(mean_cost)
    if won not in costs.index:
        return None
    found = sparsest(dict(costs), dict(zeros), won, margin)
    return None if found == won else could_win[settings.loc[could_win.index] == found]


def _sound(tried: pd.DataFrame, settings: "pd.Series[str]", replicates: int) -> "pd.Series[bool]":
    by_setting = (tried["status"] == "completed").groupby(settings)
    return by_setting.transform("all") & (by_setting.transform("size") >= replicates)


def settings_of(tried: pd.DataFrame, overrides: "pd.Series[str]") -> "pd.Series[str]":
    """What makes runs repetitions of each other: the trial in a search, else their values."""
    in_search = (tried["stage"] == "search") & tried["trial"].notna()
    return overrides.loc[tried.index].mask(in_search, "trial " + tried["trial"].astype("string"))


def testing_runs(
    runs: pd.DataFrame, won: pd.DataFrame, overrides: "pd.Series[str]"
) -> pd.DataFrame:
    """The runs of an arm that test its winner: its confirm runs, or single runs of its values."""
    trial = won["trial"].iloc[0]
    confirmed: pd.DataFrame = runs[(runs["stage"] == "confirm") & (runs["trial"] == trial)]
    if not confirmed.empty or (runs["stage"] == "search").any():
        return confirmed
    same: pd.DataFrame = runs[overrides == overrides.loc[won.index[0]]]
    return same


def superseded(runs: pd.DataFrame, *kept: pd.DataFrame) -> pd.DataFrame:
    """The confirm runs of an arm that tested an earlier winner, or an earlier sparsest trial.

    ``kept`` are the runs of those that it has now.
    """
    confirmed: pd.DataFrame = runs[runs["stage"] == "confirm"]
    now = [setting["trial"].iloc[0] for setting in kept]
    earlier: pd.DataFrame = confirmed[~confirmed["trial"].isin(now)]
    return earlier


def of_role(runs: pd.DataFrame, role: Role) -> pd.DataFrame:
    """Those of the ``runs`` that were made in that role."""
    made: pd.DataFrame = runs[runs[ROLE] == role] if ROLE in runs else runs[:0]
    return made
