"""What the runs of one arm come to: its winner, and how the winner tests."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from regsweep.data.source import SOURCES
from regsweep.records.arm import ablation_name, sparsest_name
from regsweep.records.objective import JUDGED, mean_cost, measured
from regsweep.records.record import UNITS, Record
from regsweep.records.task import Score, loss_of
from regsweep.report.tables.override import override
from regsweep.report.tables.plateau import plateau
from regsweep.report.tables.request import Request
from regsweep.report.tables.runs import fixed_overrides, param_columns
from regsweep.report.tables.scores import scores_of
from regsweep.report.tables.statistics import summarize
from regsweep.report.tables.winner import (
    best_setting,
    candidates,
    of_role,
    settings_of,
    sparsest_setting,
    superseded,
    testing_runs,
)

PLATEAU = ("plateau_low", "plateau_high")
# Of sweeps that planned none.
_MARGIN = 0.01
_LOSS = loss_of("test")
_WEIGHTS = ("zero_fraction", "near_zero_fraction", "l1_norm", "l2_norm")


@dataclass(frozen=True)
class ArmResult:
    """An arm of a sweep.

    ``row`` holds the columns of ``comparison.csv`` that need no other arm, ``values`` the
    winner's searched keys. ``candidates`` are the runs that could win, ``winner`` those of the
    best setting, ``final`` those that test it, and ``superseded`` the confirm runs of earlier
    winners. ``sparsest`` is the same of the sparsest trial that is as good, where it is confirmed
    too and is not the winner itself, and ``ablations`` of the winner without one of its
    ``ingredients``, by their keys. ``tested`` has a row a seed, none where one of them broke off:
    a mean over the runs that happened to survive would flatter the arm, so it is ``unstable``.
    ``done`` is the number of trials that have all their runs. ``score`` is that of its task.
    ``test_examples`` is ``None`` where it is not known. ``unplanned`` is the number of confirm runs
    of the winner on other seeds than are planned, which do not count. ``broken_finalists`` are the
    trials that were run again where all of them broke off, so that another won.
    """

    sweep: str
    arm: str
    objective: str
    row: Mapping[str, Any]
    done: int
    candidates: pd.DataFrame
    winner: pd.DataFrame | None
    values: Mapping[str, Any]
    final: pd.DataFrame
    tested: pd.DataFrame
    superseded: pd.DataFrame
    score: Score
    test_examples: int | None = None
    unplanned: int = 0
    broken_finalists: tuple[int, ...] = ()
    ingredients: tuple[str, ...] = ()
    sparsest: "ArmResult | None" = None
    ablations: Mapping[str, "ArmResult"] = field(default_factory=dict)

    @property
    def confirmed(self) -> bool:
        """Whether the winner was trained again."""
        return bool((self.final["stage"] == "confirm").any())

    @property
    def unstable(self) -> bool:
        """Whether a confirm run of the winner broke off."""
        return self.confirmed and not bool((self.final["status"] == "completed").all())

    @property
    def metric(self) -> str:
        """What the arm is judged on."""
        return JUDGED[self.objective]

    @property
    def judged(self) -> "pd.Series[float]":
        """The metric that the arm is judged on, of every seed."""
        return measured(self.tested, self.metric)

    @property
    def final_metrics(self) -> Mapping[int, float]:
        """What the arm is judged on, of its confirm runs by seed; infinite where one broke off."""
        made = self.final[self.final["stage"] == "confirm"]
        values = measured(made, self.metric).where(made["status"] == "completed", math.inf)
        return dict(zip(made["seed"].astype(int), values.fillna(math.inf), strict=True))

    @property
    def rank(self) -> tuple[int, float]:
        """What arms are sorted by: confirmed ones by their metric, then others by the objective.

        Unstable arms come behind these, and last those without a value.
        """
        if self.confirmed and len(self.tested):
            return 0, float(self.judged.mean())
        cost = measured(self.row, self.objective) if self.winner is not None else math.nan
        if math.isnan(cost):
            return 3, 0.0
        return 2 if self.unstable else 1, cost


def arm_results(
    runs: pd.DataFrame,
    objective: str | Mapping[str, str],
    asked: Mapping[str, Request],
    records: Sequence[Record] = (),
) -> list[ArmResult]:
    """The arms of a runs table, sweep by sweep, also those asked for that have no run yet.

    ``records`` are those of the table's rows; they tell what a run was given beside its arm and
    its searched keys.
    """
    results: list[ArmResult] = []
    for sweep, its_runs in runs.groupby(runs["sweep"].fillna(""), sort=True):
        name = str(sweep)
        judged_on = objective if isinstance(objective, str) else objective[name]
        by_arm = {str(arm): arm_runs for arm, arm_runs in its_runs.groupby("arm")}
        its_asked = asked.get(name)
        compared = its_asked.arms if its_asked and its_asked.compares else ()
        for arm in sorted({*by_arm, *compared}):
            arm_runs = by_arm.get(arm, its_runs[:0])
            results.append(_result(name, arm, arm_runs, judged_on, its_asked, records))
    return results


def _result(
    sweep: str,
    arm: str,
    runs: pd.DataFrame,
    objective: str,
    asked: Request | None,
    records: Sequence[Record],
) -> ArmResult:
    replicates, finalists = (
        asked.budget.get(key, 1) if asked else 1 for key in ("replicates", "finalists")
    )
    tried = runs[runs["stage"] != "confirm"]
    overrides = searched_overrides(runs)
    every, without = runs, of_role(runs, "ablation")
    runs = runs.drop(index=without.index)
    settings = settings_of(tried, overrides)
    row: dict[str, Any] = {"arm": arm, **_counts(tried)}
    winner = best_setting(tried, settings, objective, replicates, finalists) if len(tried) else None
    done = int((tried.groupby("trial")["seed"].nunique() >= replicates).sum())
    none = runs[:0]
    score = scores_of(runs if winner is None else winner)[0]
    if winner is None:
        tested = _by_seed(none, score)
        return ArmResult(
            sweep, arm, objective, row, done, none, None, {}, none, tested, none, score
        )
    could_win = candidates(tried, settings, replicates)
    won = settings.loc[winner.index[0]]
    sparse = None
    if asked and arm in asked.sparsest and asked.margin is not None and not could_win.empty:
        seeds = range(asked.seed, asked.seed + int(replicates))
        sparse = sparsest_setting(could_win, settings, won, objective, seeds, asked.margin)

    earlier = without[without["trial"] != winner["trial"].iloc[0]]
    without = without.drop(index=earlier.index)
    gone = superseded(runs, winner, *([] if sparse is None else [sparse])).index
    ingredients = _ingredients(winner, arm, asked)

    def of_setting(
        name: str, setting: pd.DataFrame, final: pd.DataFrame, plateau: Mapping[str, float]
    ) -> ArmResult:
        planned = (final["stage"] != "confirm") | final["seed"].isin(asked.confirm if asked else ())
        unplanned = final[~planned] if asked and asked.looks else none
        final = final.drop(unplanned.index)
        broken = not (final["status"] == "completed").all()
        tested = _by_seed(none if broken else final, score)
        first = setting.index[0]
        record = records[first] if records else None
        fixed = fixed_overrides(record, asked.search_path if asked else ()) if record else ""
        measured_on = setting if tested.empty else tested
        return ArmResult(
            sweep,
            name,
            objective,
            {
                **row,
                "arm": name,
                "trial": setting["trial"].iloc[0],
                "best_overrides": " ".join(filter(None, (arm, overrides.loc[first], fixed))),
                **{one: setting[one].mean() for one in (loss_of("val"), score.of("val"))},
                **_test_columns(tested, score),
                **{f"{m}_mean": measured_on[m].mean() for m in _means(score, runs)},
                **plateau,
            },
            done,
            could_win,
            setting,
            {key: setting[key].iloc[0] for key in _own_keys(runs, arm)},
            final,
            tested,
            every.loc[gone.union(earlier.index)],
            score,
            _test_examples(asked.data.get(arm) if asked else None, record),
            len(unplanned),
            _broken_finalists(tried, winner, replicates) if finalists > 1 else (),
            ingredients,
        )

    result = of_setting(
        arm,
        winner,
        testing_runs(runs, winner, overrides),
        _plateau_columns(
            could_win,
            settings,
            won,
            objective,
            asked.spaces.get(arm, {}) if asked else {},
            asked.margin if asked and asked.looks else _MARGIN,
        ),
    )
    beside = None
    if sparse is not None:
        tested = testing_runs(runs, sparse, overrides)
        beside = of_setting(sparsest_name(arm), sparse, tested, {})
    left_out = {key: without[without[key].isna()] for key in ingredients if key in without}
    found = {
        key: of_setting(ablation_name(arm, key.rpartition(".")[2]), made, made, {})
        for key, made in left_out.items()
        if not made.empty
    }
    return replace(result, sparsest=beside, ablations=found)


def _ingredients(winner: pd.DataFrame, arm: str, asked: Request | None) -> tuple[str, ...]:
    """The keys of what is on in the winner of an arm, of those that its sweep takes out."""
    fixed = asked.configs.get(arm, {}) if asked else {}
    keys = asked.ablated.get(arm, ()) if asked else ()
    values = {key: winner[key].iloc[0] if key in winner else fixed.get(key) for key in keys}
    return tuple(key for key, value in values.items() if pd.notna(value))


def _broken_finalists(
    tried: pd.DataFrame, winner: pd.DataFrame, replicates: int
) -> tuple[int, ...]:
    """The trials that were run again, where the winner was not: it would not be ahead of one."""
    seeds = tried.groupby("trial")["seed"].nunique()
    again = tuple(sorted(int(trial) for trial in seeds.index[seeds > replicates]))
    return () if winner["trial"].iloc[0] in again else again


def _plateau_columns(
    runs: pd.DataFrame,
    settings: "pd.Series[str]",
    best: str,
    objective: str,
    space: Mapping[str, str],
    margin: float | None,
) -> dict[str, float]:
    """The weights that are as good as the winner's, which is ``best`` among the settings."""
    trial = settings.loc[runs.index]
    values = measured(runs, objective).groupby(trial, sort=False).agg(mean_cost)
    trials = runs.groupby(trial, sort=False).first()
    found = plateau(trials, values, best, space, margin)
    return dict(zip(PLATEAU, found, strict=True)) if found else {}


def _test_examples(data: Mapping[str, Any] | None, record: Record | None) -> int | None:
    """How many examples tested: as the sweep says, else as published with the data."""
    if data and "test" in data:
        return int(data["test"])
    source = SOURCES.get(record.config.get("data.name", "")) if record else None
    return source.test_examples if source else None


def _counts(tried: pd.DataFrame) -> dict[str, int]:
    """Trials, and how many of them failed or diverged, each counted once; a lone run is one."""
    of_its_own = "run " + tried.index.astype(str)
    numbers = tried["trial"].astype(object).where(tried["trial"].notna(), of_its_own)
    failed = set(numbers[tried["status"] == "failed"])
    diverged = set(numbers[tried["status"] == "diverged"]) - failed
    return {"trials": numbers.nunique(), "failed": len(failed), "diverged": len(diverged)}


def searched_overrides(runs: pd.DataFrame) -> "pd.Series[str]":
    """Each run's searched values as overrides; equal text means equal settings."""
    keys = param_columns(runs)
    own = {arm: set(_own_keys(runs, arm)) for arm in runs["arm"].unique()}
    # Of the values only NaN differs from itself: the arm has no such key.
    texts = [
        " ".join(
            override(k, v) for k, v in zip(keys, values, strict=True) if v == v and k in own[arm]
        )
        for arm, *values in zip(runs["arm"], *(runs[k] for k in keys), strict=True)
    ]
    return pd.Series(texts, index=runs.index, dtype=object)


def _own_keys(runs: pd.DataFrame, arm: str) -> list[str]:
    """The columns of searched keys; the groups of the arm are no settings of it."""
    groups = {word.partition("=")[0] for word in arm.split()}
    return [key for key in param_columns(runs) if key not in groups]


def _means(score: Score, runs: pd.DataFrame) -> tuple[str, ...]:
    """The metrics of which an arm has the mean alone; units where some run counts them."""
    return (score.of("train"), *_WEIGHTS, *([UNITS] if UNITS in runs else []))


def _by_seed(final: pd.DataFrame, score: Score) -> pd.DataFrame:
    """The test results of a setting, a row a seed, in the order of the seeds."""
    final = final[final[score.of("test")].notna()]
    return final.groupby("seed")[[score.of("test"), _LOSS, *_means(score, final)]].mean()


def _test_columns(tested: pd.DataFrame, score: Score) -> dict[str, Any]:
    if tested.empty:
        return {}
    tested_score = score.of("test")
    gap = tested[score.of("train")] - tested[tested_score]
    row: dict[str, Any] = {"seeds": len(tested), "generalization_gap_mean": gap.mean()}
    ranges = {tested_score: (score.low, 1.0), _LOSS: (0.0, math.inf)}
    over_seeds = summarize(tested[list(ranges)].to_numpy())
    for i, metric in enumerate(ranges):
        row[f"{metric}_mean"] = over_seeds.mean[i]
        row[f"{metric}_std"] = over_seeds.std[i]
        # No score lies beyond these ends, and no loss below 0, whatever Student's interval says.
        low, high = np.clip((over_seeds.ci_low[i], over_seeds.ci_high[i]), *ranges[metric])
        row[f"{metric}_ci_low"], row[f"{metric}_ci_high"] = low, high
    return row
