"""Looks: the points of a confirm stage at which arms are judged, planned before its first run.

Each look spends its share of 5 %, so that what is found at any of them is false in no more than
5 % of sweeps. Every function that judges takes any leading axes, so that many sweeps are judged at
once.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from regsweep.records.baselines import planned_tests
from regsweep.report.tables.statistics import (
    SIGNIFICANCE,
    Counts,
    Floats,
    Texts,
    half_width,
    holm,
    p_value_of,
    summarize,
)

Flags = NDArray[np.bool_]

# More are not advised.
MOST_SEEDS = 1_000

BETTER, WORSE = "better", "worse"
EQUIVALENT, UNDECIDED, UNSTABLE = "equivalent", "undecided", "unstable"
# Of a sparsest trial: than its winner by more than the margin.
NOT_WORSE = "not worse"


NUMBERS = (
    "improvement_mean",
    "improvement_ci_low",
    "improvement_ci_high",
    "p_value",
    "p_holm",
    "probability_better",
    "margin",
)


@dataclass(frozen=True)
class Arm:
    """What ``Sequential`` says of one arm."""

    improvement_mean: float
    improvement_ci_low: float
    improvement_ci_high: float
    p_value: float
    p_holm: float
    probability_better: float
    margin: float
    seeds: int
    verdict: str
    open: bool


@dataclass(frozen=True)
class Sequential:
    """Each arm against its baseline when it was judged last: arrays of shape (..., arms).

    The improvement and ``margin`` are in the unit of the metric; positive is better than the
    baseline. ``seeds`` is 0 for an arm that no look has judged, and its numbers are NaN; so are
    those of a baseline, whose verdict is empty. ``open`` are the arms that wait for runs of a look
    to come. ``p_holm`` is overall: the least over the looks of Holm's p times 0.05 over the look's
    share.
    """

    improvement_mean: Floats
    improvement_ci_low: Floats
    improvement_ci_high: Floats
    p_value: Floats
    p_holm: Floats
    probability_better: Floats
    margin: Floats
    seeds: Counts
    verdict: Texts
    open: Flags


@dataclass(frozen=True)
class LookPlan:
    """What was planned of the confirm stage: its seeds in their order, and how it is judged.

    ``looks`` are numbers of seeds, ``baselines`` maps every arm to the one that it is tested
    against, and ``margin`` is a share of that one's mean. ``together``: a look waits for all of
    its arms; else each is judged by as many looks as it and its baseline have reached.
    """

    seeds: tuple[int, ...]
    looks: tuple[int, ...]
    baselines: Mapping[str, str]
    margin: float | None
    together: bool = True

    @property
    def tests(self) -> int:
        """The number of planned tests: of every arm but the baselines."""
        return planned_tests(self.baselines)


def seeds_to_decide(
    one: Arm, arm: str, results: Mapping[str, Mapping[int, float]], plan: LookPlan
) -> int | None:
    """The seeds that would be likely to decide about the margin an arm that is ``undecided``."""
    if one.verdict != UNDECIDED:
        return None
    seeds = plan.seeds[: one.seeds]
    pairs = [results[plan.baselines[arm]][seed] - results[arm][seed] for seed in seeds]
    spread = float(np.std(pairs, ddof=1)) if len(pairs) > 1 else math.nan
    return seeds_needed(spread, one.margin, plan.tests)


def judge_arms(results: Mapping[str, Mapping[int, float]], plan: LookPlan) -> dict[str, Arm]:
    """Each arm of ``results`` as the looks of ``plan`` judge it.

    ``results`` has the metric of each confirm run that was made, by arm and seed; it is infinite
    where the run broke off. An arm whose baseline is not among them is compared with nothing.
    """
    names = list(results)
    places = {name: place for place, name in enumerate(names)}
    baselines = [places.get(plan.baselines.get(name, name), places[name]) for name in names]
    values = np.full((len(plan.seeds), len(names)), np.nan)
    for name, place in places.items():
        for row, seed in enumerate(plan.seeds):
            values[row, place] = results[name].get(seed, np.nan)
    found = judge_in_looks(values, baselines, plan.looks, plan.tests, plan.margin, plan.together)
    return {
        name: Arm(
            **{key: float(getattr(found, key)[place]) for key in NUMBERS},
            seeds=int(found.seeds[place]),
            verdict=str(found.verdict[place]),
            open=bool(found.open[place]),
        )
        for name, place in places.items()
    }


def planned_looks(first: int, last: int) -> tuple[int, ...]:
    """The numbers of seeds at which arms are judged: ``first``, doubling, and ``last``.

    One look where ``first`` is not below ``last``, none where it is 0.
    """
    looks = [first] if first else []
    while looks and looks[-1] < last:
        looks.append(min(2 * looks[-1], last))
    return tuple(looks)


def shares(looks: Sequence[int]) -> tuple[float, ...]:
    """What each look spends of 5 %: as large a share as it has of all seeds, those new at it.

    Bonferroni's inequality over looks; that they share seeds makes it cautious. Of rules that spend
    more at earlier or at later looks none finds much more with fewer seeds (benchmarks/looks.py).
    """
    new = np.diff([0, *looks])
    return tuple((SIGNIFICANCE * (new / looks[-1])).tolist()) if looks else ()


def judge_in_looks(
    values: Floats,
    baselines: Sequence[int],
    looks: Sequence[int],
    tests: int,
    margin: float | None,
    together: bool = True,
) -> Sequential:
    """Judge each arm against its column of ``baselines``, look by look, until it is decided.

    ``values`` is (..., seeds, arms) of a metric of which less is better, seeds in the order of the
    plan: NaN where a run has not been made, infinite where it broke off. An arm that is its own
    baseline is not judged. The looks end at the first for which an arm that is to be judged there,
    or its baseline, lacks a run; not ``together``, they end so for that arm alone.

    At each look the arms that are not decided are tested by the paired t test on their first seeds,
    with Holm's method at the look's share over those of ``tests`` planned tests of which no
    difference was found before: also those that were stopped count. ``better`` and ``worse`` are
    found so. The interval is at the level of an arm's step of Holm's where a difference was found,
    else at the look's share over the tests of which none was, so that it excludes 0 exactly where
    one was. All intervals of a sweep hold at once in 95 % of sweeps where no arm differs, and in
    some 94 % where all four of four do.

    ``equivalent``: the interval lies within ``margin`` times the baseline's mean on both sides, and
    so do those of arm - (1 - margin) * baseline and (1 + margin) * baseline - arm, in pairs, as the
    baseline's mean is estimated too. ``unstable``: a run of the arm broke off. An arm whose
    baseline breaks off is judged no more. What is left at the end is ``undecided``.

    Sources: Holm, Scandinavian Journal of Statistics 6 (1979); Schuirmann, Journal of
    Pharmacokinetics and Biopharmaceutics 15 (1987), for the two one-sided tests; Lan and DeMets,
    Biometrika 70 (1983), for the spending of an error.

    Raises:
        ValueError: ``values`` has no axis of seeds and arms.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim < 2:
        raise ValueError(f"{values.shape=}: (..., seeds, arms) is needed")
    shape, arms = (*values.shape[:-2], values.shape[-1]), values.shape[-1]
    places = np.asarray(baselines, dtype=np.int64)
    tested = np.broadcast_to(places != np.arange(arms), shape)
    state = _State(shape)
    active, waiting = tested.copy(), np.zeros(shape, dtype=bool)
    for seeds, share in zip(looks, shares(looks), strict=True):
        given = values[..., :seeds, :]
        there: Flags = np.asarray(~np.isnan(given).any(axis=-2))
        if given.shape[-2] < seeds:
            there = np.zeros(shape, dtype=bool)
        complete = (there & there[..., places]) | ~active
        ready = complete.all(axis=-1, keepdims=True) if together else complete
        waiting |= active & ~ready
        active = active & ready
        broken: Flags = np.asarray(np.isinf(given).any(axis=-2))
        state.set(active & broken, verdict=UNSTABLE, seeds=seeds)
        active = active & ~broken & ~broken[..., places]
        with np.errstate(all="ignore"):  # an overflow gives an infinite interval
            active = _look(state, given, places, active, seeds, share, tests, margin)
    untested = (state.verdict == "") & np.isfinite(state.numbers["p_value"])
    state.set(untested, verdict=UNDECIDED)
    return Sequential(**state.numbers, seeds=state.seeds, verdict=state.verdict, open=waiting)


class _State:
    """What is known of each arm so far."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        def unknown() -> Floats:
            return np.full(shape, np.nan)

        self.numbers = {name: unknown() for name in NUMBERS}
        self.seeds = np.zeros(shape, dtype=np.int64)
        self.verdict = np.full(shape, "", dtype="<U12")
        self.found = np.zeros(shape, dtype=bool)

    def set(
        self,
        where: Flags,
        verdict: str | None = None,
        seeds: int | None = None,
        **numbers: Floats,
    ) -> None:
        if verdict is not None:
            self.verdict[where] = verdict
        if seeds is not None:
            self.seeds[where] = seeds
        for name, given in numbers.items():
            self.numbers[name][where] = given[where]


def _look(
    state: _State,
    given: Floats,
    places: Counts,
    active: Flags,
    seeds: int,
    share: float,
    tests: int,
    margin: float | None,
) -> Flags:
    """Judge the ``active`` arms on their first ``seeds``; those that stay undecided."""
    arms = np.where(active[..., None, :], given, np.nan)
    against = np.where(active[..., None, :], given[..., places], np.nan)
    difference = against - arms
    summary = summarize(difference)
    p = p_value_of(summary, seeds)
    left = tests - state.found.sum(axis=-1, keepdims=True)
    overall = holm(p, left) * (SIGNIFICANCE / share)
    overall = np.where(active, np.minimum(overall, 1.0), np.nan)
    found = active & (overall < SIGNIFICANCE)
    # Ties share a step; the smallest p is in the first.
    rank = (p[..., None, :] < p[..., :, None]).sum(axis=-1)
    others = np.maximum(left - found.sum(axis=-1, keepdims=True), 1)
    level = share / np.where(found, np.maximum(left - rank, 1), others)
    half = half_width(summary.std, seeds, level)
    better = (1 + np.sign(difference).mean(axis=-2)) / 2
    within = active & False
    size = np.full(active.shape, np.nan)
    if margin is not None:
        size = np.abs(margin * against.mean(axis=-2))
        within = active & (np.abs(summary.mean) + half < size)
        for sides in ((1 + margin) * against - arms, arms - (1 - margin) * against):
            one = summarize(sides)
            within &= one.mean - half_width(one.std, seeds, level) > 0
    p_holm = np.fmin(state.numbers["p_holm"], overall)
    state.set(
        active,
        seeds=seeds,
        improvement_mean=summary.mean,
        improvement_ci_low=summary.mean - half,
        improvement_ci_high=summary.mean + half,
        p_value=p,
        p_holm=p_holm,
        probability_better=better,
        margin=size,
    )
    state.set(found & (summary.mean > 0), verdict=BETTER)
    state.set(found & (summary.mean < 0), verdict=WORSE)
    state.set(within, verdict=EQUIVALENT)
    state.found |= found
    return active & ~found & ~within


def seeds_needed(std: float, margin: float, tests: int, most: int = MOST_SEEDS) -> int | None:
    """The seeds that would decide about a margin with a power of 80 %, by the spread of the pairs.

    So many that an interval at the level 0.05 / ``tests`` lies within the margin in 80 % of cases
    where the arms do not differ, and excludes 0 in as many where they differ by the margin:

        t(1 - level / 2) + t(0.9) <= margin / (std / sqrt(n))

    with Student's distribution of n - 1 degrees of freedom. ``None`` where more than ``most``, or
    where there is no margin.
    """
    if not margin > 0 or not np.isfinite(std):
        return None
    counts = np.arange(2, most + 1)
    needed = stdtrit(counts - 1, 1 - SIGNIFICANCE / tests / 2) + stdtrit(counts - 1, 0.9)
    enough = np.flatnonzero(needed * std <= margin * np.sqrt(counts))
    return int(counts[enough[0]]) if len(enough) else None
