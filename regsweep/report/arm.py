"""What the runs of one arm come to: its winner, and how the winner tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from regsweep.objective import JUDGED
from regsweep.report.asked import Asked
from regsweep.report.override import override
from regsweep.report.runs import param_columns
from regsweep.report.statistics import summarize
from regsweep.report.winner import best_setting, settings_of, superseded, testing_runs

_MEANS = ("train_accuracy", "zero_fraction", "near_zero_fraction", "l1_norm", "l2_norm")
_TESTS = ("test_accuracy", "test_loss")


@dataclass(frozen=True)
class ArmResult:
    """An arm of a sweep.

    ``row`` holds the columns of ``comparison.csv`` that need no other arm. ``winner`` are the
    runs of the best setting. ``tested`` has a row a seed, none where one of them broke off: a
    mean over the runs that happened to survive would flatter the arm, so it is ``unstable``.
    ``superseded`` are the confirm runs of earlier winners.
    """

    sweep: str
    arm: str
    objective: str
    row: Mapping[str, Any]
    winner: pd.DataFrame | None
    tested: pd.DataFrame
    confirmed: bool
    unstable: bool
    superseded: pd.DataFrame

    @property
    def metric(self) -> str:
        """What the arm is judged on."""
        return JUDGED[self.objective]

    @property
    def judged(self) -> "pd.Series[float]":
        """The metric that the arm is judged on, of every seed."""
        if self.metric == "test_error":
            return 1 - self.tested["test_accuracy"]
        return self.tested["test_loss"]

    @property
    def rank(self) -> tuple[int, float]:
        """What arms are sorted by: confirmed ones by their metric, then others by the objective.

        Unstable arms come behind these, and last those without a value.
        """
        if self.confirmed and len(self.tested):
            return 0, float(self.judged.mean())
        value = self.row.get("val_loss" if self.objective == "val_loss" else "val_accuracy")
        if value is None or pd.isna(value):
            return 3, 0.0
        cost = float(value) if self.objective == "val_loss" else -float(value)
        return 2 if self.unstable else 1, cost


def arm_results(
    runs: pd.DataFrame,
    objective: str | Mapping[str, str],
    asked: Mapping[str, Asked],
    fixed: Callable[[int], str],
) -> list[ArmResult]:
    """The arms of a runs table, sweep by sweep, also those asked for that have no run yet.

    ``fixed`` gives what the run in a row was given beside its arm and its searched keys.
    """
    results: list[ArmResult] = []
    for sweep, its_runs in runs.groupby(runs["sweep"].fillna(""), sort=True):
        name = str(sweep)
        judged_on = objective if isinstance(objective, str) else objective[name]
        by_arm = {str(arm): arm_runs for arm, arm_runs in its_runs.groupby("arm")}
        budget = asked[name].budget if name in asked else {}
        compared = asked[name].arms if budget else ()
        for arm in sorted({*by_arm, *compared}):
            arm_runs = by_arm.get(arm, its_runs[:0])
            replicates = budget.get("replicates", 1)
            results.append(_result(name, arm, arm_runs, judged_on, fixed, replicates))
    return results


def _result(
    sweep: str,
    arm: str,
    runs: pd.DataFrame,
    objective: str,
    fixed: Callable[[int], str],
    replicates: int,
) -> ArmResult:
    tried = runs[runs["stage"] != "confirm"]
    trials = tried["trial"].nunique() + tried["trial"].isna().sum()
    row: dict[str, Any] = {
        "arm": arm,
        "trials": trials,
        "failed": (runs["status"] == "failed").sum(),
        "diverged": (runs["status"] == "diverged").sum(),
    }
    none = runs[:0]
    overrides = searched_overrides(runs)
    settings = settings_of(tried, overrides)
    winner = best_setting(tried, settings, objective, replicates) if len(tried) else None
    if winner is None:
        return ArmResult(sweep, arm, objective, row, None, _by_seed(none), False, False, none)
    final = testing_runs(runs, winner, overrides)
    confirmed = bool((final["stage"] == "confirm").any())
    broken = not (final["status"] == "completed").all()
    tested = _by_seed(none if broken else final)
    first = winner.index[0]
    parts = (arm, overrides.loc[first], fixed(first))
    row |= {
        "best_overrides": " ".join(filter(None, parts)),
        "val_loss": winner["val_loss"].mean(),
        "val_accuracy": winner["val_accuracy"].mean(),
        **_test_columns(tested),
        **{f"{m}_mean": (winner if tested.empty else tested)[m].mean() for m in _MEANS},
    }
    return ArmResult(
        sweep,
        arm,
        objective,
        row,
        winner,
        tested,
        confirmed=confirmed,
        unstable=confirmed and broken,
        superseded=superseded(runs, winner),
    )


def searched_overrides(runs: pd.DataFrame) -> "pd.Series[str]":
    """Each run's searched values as overrides; equal text means equal settings."""
    keys = param_columns(runs)
    # Of the values only NaN differs from itself: the arm has no such key.
    texts = [
        " ".join(override(k, v) for k, v in zip(keys, values, strict=True) if v == v)
        for values in zip(*(runs[k] for k in keys), strict=True)
    ]
    return pd.Series(texts if keys else "", index=runs.index, dtype=object)


def _by_seed(final: pd.DataFrame) -> pd.DataFrame:
    """The test results of a setting, a row a seed, in the order of the seeds."""
    final = final[final["test_accuracy"].notna()]
    return final.groupby("seed")[[*_TESTS, *_MEANS]].mean()


def _test_columns(tested: pd.DataFrame) -> dict[str, Any]:
    if tested.empty:
        return {}
    gap = tested["train_accuracy"] - tested["test_accuracy"]
    row: dict[str, Any] = {"seeds": len(tested), "generalization_gap_mean": gap.mean()}
    over_seeds = summarize(tested[[*_TESTS]].to_numpy())
    for i, metric in enumerate(_TESTS):
        row[f"{metric}_mean"] = over_seeds.mean[i]
        row[f"{metric}_std"] = over_seeds.std[i]
    row["test_accuracy_ci_low"] = over_seeds.ci_low[0]
    row["test_accuracy_ci_high"] = over_seeds.ci_high[0]
    return row
