"""The table with a row an arm, as ``comparison.csv`` holds it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from regsweep.records.arm import is_sparsest, taken_out
from regsweep.records.record import UNITS
from regsweep.records.task import SCORES, Score, loss_of
from regsweep.report.tables.arm import PLATEAU, ArmResult, arm_results
from regsweep.report.tables.judge import COMPARED, judge
from regsweep.report.tables.override import spelled
from regsweep.report.tables.request import Request

OVER_SEEDS = ("mean", "std", "ci_low", "ci_high")
_UNITS = f"{UNITS}_mean"
_IDENTITY = ("arm", "trials", "failed", "diverged", "trial", "best_overrides")


def _columns(scores: Sequence[Score], *, units: bool) -> tuple[str, ...]:
    """The columns of arms that have these scores, in their order, without the searched keys.

    ``units``: some have hidden units without an incoming weight counted.
    """
    return (
        *_IDENTITY,
        loss_of("val"),
        *(score.of("val") for score in scores),
        "seeds",
        *(f"{score.of('test')}_{part}" for score in scores for part in OVER_SEEDS),
        *(f"{loss_of('test')}_{part}" for part in OVER_SEEDS),
        *(f"{score.of('train')}_mean" for score in scores),
        "generalization_gap_mean",
        "zero_fraction_mean",
        *([_UNITS] if units else []),
        "near_zero_fraction_mean",
        "l1_norm_mean",
        "l2_norm_mean",
        "metric",
        "baseline",
        *COMPARED,
        *PLATEAU,
        "verdict",
    )


# All that a comparison of any tasks may have beside the searched keys.
COLUMNS = _columns(tuple(SCORES.values()), units=True)
_TEXT = {"sweep", "arm", "best_overrides", "metric", "baseline", "verdict"}
_COUNTS = {"trials", "failed", "diverged", "trial", "seeds", "seeds_needed"}


def comparison_table(
    runs: pd.DataFrame,
    objective: str | Mapping[str, str] = "val_loss",
    asked: Mapping[str, Request] | None = None,
) -> pd.DataFrame:
    """One row an arm of a runs table, best first; arms without a value last.

    Arms that were confirmed are ranked by the metric that they are judged on, others by the
    objective. ``objective`` is ``val_loss`` or ``val_error``, or maps each sweep's name to its
    own; ``asked`` is what the sweeps were asked for. Of several sweeps each has its own rows, and
    its name in a first column ``sweep``.
    """
    results = arm_results(runs, objective, asked or {})
    return table_of(results, judge(results, asked or {}).columns)


def table_of(
    results: Sequence[ArmResult], judged: Mapping[tuple[str, str], Mapping[str, Any]]
) -> pd.DataFrame:
    """The table of ``results`` with their ``judged`` columns, by sweep and arm.

    Behind ``best_overrides`` every searched key has a column, the winner's value of it. Arms of
    several tasks have the columns of each one's score. Below an arm stands its sparsest trial,
    where that is confirmed too, and its winner without each ingredient that was taken out.
    """
    several = len({result.sweep for result in results}) > 1
    named = {(result.sweep, result.arm): result for result in results}
    arms = sorted(results, key=lambda r: (r.sweep, *_rank(r, named, judged), r.arm))
    ordered = [one for arm in arms for one in (arm, arm.sparsest, *arm.ablations.values()) if one]
    rows = [
        {"sweep": r.sweep or None, **r.values, **r.row, **judged.get((r.sweep, r.arm), {})}
        for r in ordered
    ]
    keys = sorted({key for r in results for key, v in r.values.items() if v == v} - {*COLUMNS})
    held = {result.score for result in results}
    units = any(_UNITS in row for row in rows)
    columns_of = _columns([score for score in SCORES.values() if score in held], units=units)
    measured = columns_of[len(_IDENTITY) :]
    columns = [*["sweep"][: int(several)], *_IDENTITY, *keys, *measured]
    return pd.DataFrame(
        {c: pd.Series([row.get(c, _missing(c)) for row in rows], dtype=_dtype(c)) for c in columns}
    )


def of_winners(comparison: pd.DataFrame) -> pd.DataFrame:
    """The rows of a comparison that are of winners, and so of arms, one each."""
    shown = without_ablations(comparison)
    kept = [not is_sparsest(arm) for arm in shown["arm"]]
    return shown[kept].reset_index(drop=True)


def without_ablations(comparison: pd.DataFrame) -> pd.DataFrame:
    """A comparison without the rows of winners that lack an ingredient."""
    kept = [taken_out(arm) is None for arm in comparison["arm"]]
    return comparison[kept].reset_index(drop=True)


def ablations_of(comparison: pd.DataFrame) -> pd.DataFrame:
    """The rows of winners that lack an ingredient."""
    kept = [taken_out(arm) is not None for arm in comparison["arm"]]
    return comparison[kept].reset_index(drop=True)


def _rank(
    result: ArmResult,
    named: Mapping[tuple[str, str], ArmResult],
    judged: Mapping[tuple[str, str], Mapping[str, Any]],
) -> tuple[int, float]:
    """What an arm is sorted by: that of ``ArmResult``, so that it agrees with the verdict.

    An arm that was decided on fewer seeds than its baseline has stands as far from it as it was
    judged to be: its own mean says something of these seeds too.
    """
    place, cost = result.rank
    columns = judged.get((result.sweep, result.arm), {})
    baseline = named.get((result.sweep, str(columns.get("baseline"))))
    improvement = columns.get("improvement_mean", math.nan)
    if baseline is None or len(baseline.tested) <= len(result.tested) or math.isnan(improvement):
        return place, cost
    return place, baseline.rank[1] - improvement


def winning_values(comparison: pd.DataFrame) -> list[list[str]]:
    """Each arm's searched values as overrides: ``["regularizer.weight=0.0012"]``."""
    keys = [key for key in comparison.columns if key not in ("sweep", *COLUMNS)]
    # Only NaN differs from itself: the arm has no such key.
    return [
        [
            f"{key}={spelled(value)}"
            for key, value in zip(keys, values, strict=True)
            if value == value
        ]
        for values in comparison[keys].itertuples(index=False, name=None)
    ]


def _missing(column: str) -> float | None:
    # In a searched key ``None`` is Hydra's null.
    return None if column in COLUMNS or column == "sweep" else math.nan


def _dtype(column: str) -> str:
    if column in _TEXT:
        return "str"
    if column in _COUNTS:
        return "Int64"
    return "float" if column in COLUMNS else "object"
