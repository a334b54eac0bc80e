"""The runs of a search, or of a grid, as trials; and the runs that test the winners."""

from collections.abc import Sequence

import pandas as pd

from regsweep.records.objective import measured
from regsweep.report.tables.arm import ArmResult, searched_overrides
from regsweep.report.tables.plateau import STRENGTHS
from regsweep.report.tables.winner import settings_of

RATIO = "regularizer.l1_ratio"
_COLUMNS = ("arm", "stage", "trial", "settings", "value", "key", "weight", "ratio", "won")


def trials_table(results: Sequence[ArmResult]) -> pd.DataFrame:
    """One row a trial that could win: it finished on every seed.

    Its columns are ``arm, stage, trial, settings, value, key, weight, ratio, won``: ``settings``
    are its overrides, ``value`` the mean objective over its seeds, an error in percent where the
    score is shown so, ``weight`` that of the penalty, or how strong else, as ``key`` names it, and
    ``won`` says whether it is its arm's winner. Runs of a grid with equal settings count as one
    trial.
    """
    tables = [_trials(result) for result in results if len(result.candidates)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(_COLUMNS))


def _trials(result: ArmResult) -> pd.DataFrame:
    runs = result.candidates
    overrides = searched_overrides(runs)
    key = next((key for key in STRENGTHS if _numbers(runs, key).notna().any()), STRENGTHS[0])
    scale = 100 if result.objective == "val_error" and result.score.in_percent else 1
    of_runs = pd.DataFrame(
        {
            "arm": runs["arm"],
            "stage": runs["stage"],
            "trial": runs["trial"],
            "settings": overrides,
            "value": scale * measured(runs, result.objective),
            "key": key,
            "weight": _numbers(runs, key),
            "ratio": _numbers(runs, RATIO),
            "won": runs.index.isin([] if result.winner is None else result.winner.index),
        }
    )
    grouped = of_runs.groupby(settings_of(runs, overrides), sort=False)
    how = {column: "mean" if column == "value" else "first" for column in _COLUMNS}
    return grouped.agg(how).reset_index(drop=True)


def _numbers(runs: pd.DataFrame, key: str) -> "pd.Series[float]":
    """The values of a searched key, NaN where a run has none."""
    values = runs.get(key, pd.Series(index=runs.index, dtype=object))
    return pd.to_numeric(values, errors="coerce").astype(float)


def final_runs(results: Sequence[ArmResult]) -> pd.DataFrame:
    """The completed runs that test the winners: confirm runs, or single runs of their values."""
    final = pd.concat([result.final for result in results])
    return final[(final["status"] == "completed") & measured(final, "test_error").notna()]
