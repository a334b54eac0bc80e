"""Which setting of an arm won, and which runs test it."""

import pandas as pd

from regsweep.objective import mean_cost


def costs_of(runs: pd.DataFrame, objective: str) -> "pd.Series[float]":
    """The objective of every run of a table; NaN where it has none."""
    return runs["val_loss"] if objective == "val_loss" else 1 - runs["val_accuracy"]


def best_setting(
    tried: pd.DataFrame, settings: "pd.Series[str]", objective: str, replicates: int = 1
) -> pd.DataFrame | None:
    """The runs of the setting with the lowest mean objective over its seeds, if any has one.

    Of equal settings the first in the table wins. A setting with a diverged or failed run, or of
    fewer runs than ``replicates``, cannot win. Where nothing was validated, an arm of single runs
    still has a best setting if it has no other.
    """
    by_setting = (tried["status"] == "completed").groupby(settings)
    sound = by_setting.transform("all") & (by_setting.transform("size") >= replicates)
    scored = tried[sound & tried["val_loss"].notna() & tried["val_accuracy"].notna()]
    if not scored.empty:
        grouped = costs_of(scored, objective).groupby(settings.loc[scored.index], sort=False)
        once = bool((grouped.size() == 1).all())
        means = grouped.first() if once else grouped.agg(mean_cost)
        return tried[settings == means.idxmin()]
    only_single = bool((tried["stage"] == "single").all())
    if only_single and settings.nunique() == 1 and sound.all():
        return tried
    return None


def settings_of(tried: pd.DataFrame, overrides: "pd.Series[str]") -> "pd.Series[str]":
    """What makes runs repetitions of each other: the trial in a search, else their values."""
    in_search = (tried["stage"] == "search") & tried["trial"].notna()
    return overrides.loc[tried.index].mask(in_search, "trial " + tried["trial"].astype("string"))


def testing_runs(
    runs: pd.DataFrame, winner: pd.DataFrame, overrides: "pd.Series[str]"
) -> pd.DataFrame:
    """The runs of an arm that test its winner: its confirm runs, or single runs of its values."""
    trial = winner["trial"].iloc[0]
    confirmed: pd.DataFrame = runs[(runs["stage"] == "confirm") & (runs["trial"] == trial)]
    if not confirmed.empty or (runs["stage"] == "search").any():
        return confirmed
    same: pd.DataFrame = runs[overrides == overrides.loc[winner.index[0]]]
    return same


def superseded(runs: pd.DataFrame, winner: pd.DataFrame) -> pd.DataFrame:
    """The confirm runs of an arm that tested an earlier winner."""
    confirmed: pd.DataFrame = runs[runs["stage"] == "confirm"]
    earlier: pd.DataFrame = confirmed[confirmed["trial"] != winner["trial"].iloc[0]]
    return earlier
