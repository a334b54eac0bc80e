"""The table with a row an arm, as ``comparison.csv`` holds it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from regsweep.report.override import override
from regsweep.report.runs import param_columns

COLUMNS = (
    "arm",
    "trials",
    "failed",
    "diverged",
    "best_overrides",
    "val_loss",
    "val_accuracy",
    "seeds",
    "test_accuracy_mean",
    "test_accuracy_std",
    "test_accuracy_ci_low",
    "test_accuracy_ci_high",
    "test_loss_mean",
    "test_loss_std",
    "train_accuracy_mean",
    "generalization_gap_mean",
    "zero_fraction_mean",
    "near_zero_fraction_mean",
    "l1_norm_mean",
    "l2_norm_mean",
    "metric",
    "baseline",
    "improvement_mean",
    "improvement_ci_low",
    "improvement_ci_high",
    "p_value",
    "p_holm",
    "probability_better",
    "verdict",
)
_TEXT = {"sweep", "arm", "best_overrides", "metric", "baseline", "verdict"}
_COUNTS = {"trials", "failed", "diverged", "seeds"}
_MEANS = ("train_accuracy", "zero_fraction", "near_zero_fraction", "l1_norm", "l2_norm")
_TESTS = ("test_accuracy", "test_loss")


def comparison_table(
    runs: pd.DataFrame, objective: str | Mapping[str, str] = "val_loss"
) -> pd.DataFrame:
    """One row an arm of a runs table, best first by the objective, arms without a value last.

    ``objective`` is ``val_loss`` or ``val_error``, or maps each sweep's name to its own. Of
    several sweeps each has its own rows, and its name in a first column ``sweep``.
    """
    rows: list[dict[str, Any]] = []
    sweeps = runs.groupby(runs["sweep"].fillna(""), sort=True)
    for sweep, its_runs in sweeps:
        name = str(sweep)
        judged_on = objective if isinstance(objective, str) else objective[name]
        of_sweep = [
            _row(str(arm), arm_runs, judged_on) for arm, arm_runs in its_runs.groupby("arm")
        ]
        of_sweep.sort(key=lambda row: (_cost(row, judged_on), row["arm"]))
        rows += [{"sweep": name or None, **row} for row in of_sweep]
    columns = ("sweep", *COLUMNS) if len(sweeps) > 1 else COLUMNS
    return pd.DataFrame(
        {c: pd.Series([row.get(c) for row in rows], dtype=_dtype(c)) for c in columns}
    )


def _dtype(column: str) -> str:
    return "str" if column in _TEXT else "Int64" if column in _COUNTS else "float"


def _cost(row: Mapping[str, Any], objective: str) -> float:
    """What the objective minimises, infinite where the arm has no value."""
    value = row.get("val_loss") if objective == "val_loss" else row.get("val_accuracy")
    if value is None or pd.isna(value):
        return float("inf")
    return float(value) if objective == "val_loss" else -float(value)


def _row(arm: str, runs: pd.DataFrame, objective: str) -> dict[str, Any]:
    tried = runs[runs["stage"] != "confirm"]
    trials = tried["trial"].nunique() + tried["trial"].isna().sum()
    row: dict[str, Any] = {
        "arm": arm,
        "trials": trials,
        "failed": (runs["status"] == "failed").sum(),
        "diverged": (runs["status"] == "diverged").sum(),
    }
    overrides = _searched_overrides(runs)
    winner = _best_setting(tried, _settings(tried, overrides), objective)
    if winner is None:
        return row
    best = overrides.loc[winner.index[0]]
    tested = _tested(runs[overrides == best])
    return row | {
        "best_overrides": " ".join(filter(None, (arm, best))),
        "val_loss": winner["val_loss"].mean(),
        "val_accuracy": winner["val_accuracy"].mean(),
        **_test_columns(tested),
        **{f"{m}_mean": (winner if tested.empty else tested)[m].mean() for m in _MEANS},
    }


def _searched_overrides(runs: pd.DataFrame) -> "pd.Series[str]":
    """Each run's searched values as overrides; equal text means equal settings."""
    keys = param_columns(runs)
    # Of the values only NaN differs from itself: the arm has no such key.
    texts = [
        " ".join(override(k, v) for k, v in zip(keys, values, strict=True) if v == v)
        for values in zip(*(runs[k] for k in keys), strict=True)
    ]
    return pd.Series(texts if keys else "", index=runs.index, dtype=object)


def _settings(tried: pd.DataFrame, overrides: "pd.Series[str]") -> "pd.Series[str]":
    """What makes runs repetitions of each other: the trial in a search, else their values."""
    in_search = (tried["stage"] == "search") & tried["trial"].notna()
    return overrides.loc[tried.index].mask(in_search, "trial " + tried["trial"].astype("string"))


def _best_setting(
    tried: pd.DataFrame, settings: "pd.Series[str]", objective: str
) -> pd.DataFrame | None:
    """The runs of the setting with the lowest mean objective over its seeds, if any has one.

    A setting with a diverged or failed run cannot win. Where nothing was validated, an arm of
    single runs still has a best setting if it has no other.
    """
    sound = (tried["status"] == "completed").groupby(settings).transform("all")
    scored = tried[sound & tried["val_loss"].notna() & tried["val_accuracy"].notna()]
    if not scored.empty:
        means = scored.groupby(settings, sort=False)[["val_loss", "val_accuracy"]].mean()
        cost = means["val_loss"] if objective == "val_loss" else -means["val_accuracy"]
        return tried[settings == cost.idxmin()]
    only_single = bool((tried["stage"] == "single").all())
    if only_single and settings.nunique() == 1 and sound.all():
        return tried
    return None


def _tested(runs: pd.DataFrame) -> pd.DataFrame:
    """The test results of a setting's runs, a row a seed; none if one of the runs broke off.

    A mean over the runs that happened to survive would flatter the setting.
    """
    final = runs[runs["stage"] != "search"]
    if not (final["status"] == "completed").all():
        final = final[:0]
    final = final[final["test_accuracy"].notna()]
    return final.groupby("seed")[[*_TESTS, *_MEANS]].mean()


def _test_columns(tested: pd.DataFrame) -> dict[str, Any]:
    if tested.empty:
        return {}
    gap = tested["train_accuracy"] - tested["test_accuracy"]
    row: dict[str, Any] = {"seeds": len(tested), "generalization_gap_mean": gap.mean()}
    for metric in _TESTS:
        row[f"{metric}_mean"] = tested[metric].mean()
        row[f"{metric}_std"] = tested[metric].std(ddof=1)
    return row
