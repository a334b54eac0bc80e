"""The runs of a search, or of a grid, as trials; and the runs that test the winners."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from regsweep.records.objective import measured
from regsweep.report.tables.arm import ArmResult, searched_overrides
from regsweep.report.tables.plateau import STRENGTHS
from regsweep.report.tables.winner import settings_of

RATIO = "regularizer.l1_ratio"
# Means over the runs of a trial.
_MEANS = ("value", "score", "zeros", "near_zeros")
_COLUMNS = ("arm", "stage", "trial", "settings", *_MEANS, "key", "weight", "ratio", "won")
# So much of the trials is shown at least, and so many times their range.
_SHOWN, _ROOM = 0.6, 1.5
# All are shown where that makes the axis no longer than this.
_WHOLE = 2


def trials_table(results: Sequence[ArmResult]) -> pd.DataFrame:
    """One row a trial that could win: it finished on every seed.

    Its columns are ``arm, stage, trial, settings, value, score, zeros, near_zeros, key, weight,
    ratio, won``: ``settings`` are its overrides, ``weight`` that of the penalty, or how strong
    else, as ``key`` names it, and ``won`` says whether it is its arm's winner. Means over its seeds
    are the objective as ``value``, the validation ``score``, both in percent where the score is
    shown so, and the shares of weights of 0 and near it. Runs of a grid with equal settings count
    as one trial.
    """
    tables = [_trials(result) for result in results if len(result.candidates)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(_COLUMNS))


def _trials(result: ArmResult) -> pd.DataFrame:
    runs = result.candidates
    overrides = searched_overrides(runs)
    key = next((key for key in STRENGTHS if _numbers(runs, key).notna().any()), STRENGTHS[0])
    percent = 100 if result.score.in_percent else 1
    scale = percent if result.objective == "val_error" else 1
    of_runs = pd.DataFrame(
        {
            "arm": runs["arm"],
            "stage": runs["stage"],
            "trial": runs["trial"],
            "settings": overrides,
            "value": scale * measured(runs, result.objective),
            "score": percent * runs[result.score.of("val")],
            "zeros": runs["zero_fraction"],
            "near_zeros": runs["near_zero_fraction"],
            "key": key,
            "weight": _numbers(runs, key),
            "ratio": _numbers(runs, RATIO),
            "won": runs.index.isin([] if result.winner is None else result.winner.index),
        }
    )
    grouped = of_runs.groupby(settings_of(runs, overrides), sort=False)
    how = {column: "mean" if column in _MEANS else "first" for column in _COLUMNS}
    return grouped.agg(how).reset_index(drop=True)


def shown_up_to(costs: "pd.Series[float]", arms: "pd.Series[str]") -> float:
    """The largest cost that is shown: near the best ones, and no arm's best is beyond it."""
    low, whole = float(costs.min()), float(costs.max())
    near = low + _ROOM * (float(np.quantile(costs.to_numpy(), _SHOWN)) - low)
    worst_best = float(costs.groupby(arms).min().max())
    top = max(near, worst_best + 0.1 * (worst_best - low))
    return whole if whole - low <= _WHOLE * (top - low) else top


def _numbers(runs: pd.DataFrame, key: str) -> "pd.Series[float]":
    """The values of a searched key, NaN where a run has none."""
    values = runs.get(key, pd.Series(index=runs.index, dtype=object))
    return pd.to_numeric(values, errors="coerce").astype(float)


def final_runs(results: Sequence[ArmResult]) -> pd.DataFrame:
    """The completed runs that test the winners: confirm runs, or single runs of their values."""
    final = pd.concat([result.final for result in results])
    return final[(final["status"] == "completed") & measured(final, "test_error").notna()]
