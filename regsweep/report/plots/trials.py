"""The runs of a search, or of a grid, as trials; and the runs that test the winners."""

import pandas as pd

from regsweep.report.arm import searched_overrides
from regsweep.report.winner import best_setting, costs_of, settings_of, testing_runs

WEIGHT = "regularizer.weight"
_SUPERSEDED = "superseded"


def trials_table(runs: pd.DataFrame, objective: str) -> pd.DataFrame:
    """One row a trial that finished on every seed.

    Its columns are ``arm, trial, settings, value, weight, won``: ``settings`` are its overrides,
    ``value`` the mean objective over its seeds, and ``won`` says whether it is its arm's winner.
    Runs of a grid with equal settings count as one trial.
    """
    tried = runs[runs["stage"] != "confirm"]
    overrides = searched_overrides(tried)
    settings = settings_of(tried, overrides)
    weight = tried.get(WEIGHT, pd.Series(index=tried.index, dtype=object))
    of_runs = pd.DataFrame(
        {
            "arm": tried["arm"],
            "trial": tried["trial"],
            "setting": settings,
            "settings": overrides,
            "value": costs_of(tried, objective),
            "weight": pd.to_numeric(weight, errors="coerce").astype(float),
            "completed": tried["status"] == "completed",
            "won": tried.index.isin(_winning_runs(tried, settings, objective)),
        }
    )
    trials = of_runs.groupby(["arm", "setting"], sort=False, as_index=False).agg(
        {column: "first" for column in ("trial", "settings", "weight", "won")}
        | {"value": "mean", "completed": "all"}
    )
    finished = trials[trials["completed"] & trials["value"].notna()]
    return finished.drop(columns=["setting", "completed"]).reset_index(drop=True)


def _winning_runs(tried: pd.DataFrame, settings: "pd.Series[str]", objective: str) -> list[int]:
    """The index of each arm's winning runs."""
    found: list[int] = []
    for _, of_arm in tried.groupby("arm"):
        winner = best_setting(of_arm, settings.loc[of_arm.index], objective)
        found += [] if winner is None else winner.index.tolist()
    return found


def final_runs(runs: pd.DataFrame, objective: str) -> pd.DataFrame:
    """The completed runs that test the winners: confirm runs, or single runs of the winning values.

    Confirm runs of an earlier winner are left out.
    """
    tried = runs[runs["stage"] != "confirm"]
    settings = settings_of(tried, searched_overrides(tried))
    winning = tried.loc[_winning_runs(tried, settings, objective)]
    parts = [runs[:0]]
    for arm, winner in winning.groupby("arm"):
        of_arm = runs[runs["arm"] == arm]
        parts.append(testing_runs(of_arm, winner, searched_overrides(of_arm)))
    final = pd.concat(parts)
    return final[(final["status"] == "completed") & final["test_accuracy"].notna()]


def is_superseded(runs: pd.DataFrame) -> "pd.Series[bool]":
    """Whether each run confirmed a setting that is its arm's winner no more."""
    return runs["error"].fillna("").astype(str).str.startswith(_SUPERSEDED)
