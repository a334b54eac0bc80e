"""What to take: the simplest of the arms that are shown to be about as good as the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from regsweep.records.task import Score
from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.looks import shares
from regsweep.report.tables.request import Request
from regsweep.report.tables.statistics import Floats, holm, one_sided_p

Reason = Literal["only", "baseline", "fewest keys", "best mean"]
# Baselines first, then the fewest searched keys, then the least mean.
_Rank = tuple[bool, int, float]


@dataclass(frozen=True)
class Choice:
    """The simplest of the arms that are shown not to be worse than the best by over the margin.

    They are the arms of one ``baseline``. ``among`` are all that are shown so, the simplest first:
    the baseline, then by the number of searched keys, then by the mean. ``arm`` is the first of
    them and ``reason`` says what puts it there; both are ``None`` where nothing is shown.
    ``seeds`` are those that all these arms have, ``arms`` the number of arms that p is corrected
    for, and ``margin`` is a share of the best arm's mean of the ``metric``.
    """

    baseline: str
    arm: str | None
    reason: Reason | None
    among: tuple[str, ...]
    seeds: int
    arms: int
    margin: float
    metric: str
    score: Score


def choices(results: Sequence[ArmResult], asked: Request) -> list[Choice]:
    """The choices of a sweep, one a baseline, of which ``results`` are the arms.

    Arms without confirm runs and those that are unstable are out. The arms of a baseline are
    compared at the last look that all of them have reached, at that look's share of 5 %, with
    Holm's correction over the arms of the sweep. So in 95 % of sweeps no arm is claimed to be as
    good that is not, whenever the looks ended. There is no choice without a margin or looks, and
    none of fewer than two arms or seeds.
    """
    sound = [r for r in results if r.confirmed and len(r.tested) and r.arm in asked.baselines]
    chosen = (
        _choose(
            [r for r in sound if asked.baselines[r.arm] == baseline], baseline, len(sound), asked
        )
        for baseline in dict.fromkeys(asked.baselines.values())
    )
    return [choice for choice in chosen if choice]


def _choose(
    results: Sequence[ArmResult], baseline: str, arms: int, asked: Request
) -> Choice | None:
    metrics = [result.final_metrics for result in results]
    reached = [
        (seeds, share)
        for seeds, share in zip(asked.looks, shares(asked.looks), strict=True)
        if all(one.keys() >= {*asked.confirm[:seeds]} for one in metrics)
    ]
    if asked.margin is None or len(results) < 2 or not reached:
        return None
    seeds, share = reached[-1]
    if seeds < 2:
        return None
    values = np.array([[one[seed] for one in metrics] for seed in asked.confirm[:seeds]])
    shown = not_worse(values, asked.margin, arms) < share
    ranks: dict[str, _Rank] = {
        result.arm: (result.arm != baseline, _searched(result), float(mean))
        for result, mean in zip(results, values.mean(axis=0), strict=True)
    }
    held = [result.arm for result, is_shown in zip(results, shown, strict=True) if is_shown]
    among = sorted(held, key=ranks.__getitem__)
    return Choice(
        baseline,
        among[0] if among else None,
        _reason([ranks[arm] for arm in among]) if among else None,
        tuple(among),
        seeds,
        arms,
        asked.margin,
        results[0].metric,
        results[0].score,
    )


def _searched(result: ArmResult) -> int:
    # Of values only NaN differs from itself: the arm has no such key.
    return sum(value == value for value in result.values.values())


def _reason(ranks: Sequence[_Rank]) -> Reason:
    first, *others = ranks
    if not others:
        return "only"
    if not first[0]:
        return "baseline"
    return "fewest keys" if first[1] < others[0][1] else "best mean"


def not_worse(values: Floats, margin: float, arms: int | None = None) -> Floats:
    """Holm's p of each arm being worse than the best by more than ``margin``.

    Arm i is so where for any other arm j the mean of (1 + margin) * j - i is below 0. Each of
    these is tested by the one-sided t test in pairs, and the largest p counts, as all of them have
    to be refuted (intersection-union). Holm's correction is over ``arms``, by default those of
    ``values``, which is (..., seeds, arms) of a metric of which less is better and that is never
    negative. Shape (..., arms). Where a value is not finite, or there is one seed, p is NaN.

    Sources: Berger, Technometrics 24 (1982), for the intersection-union test; Holm, Scandinavian
    Journal of Statistics 6 (1979).
    """
    values = np.asarray(values, dtype=float)
    p = np.empty((*values.shape[:-2], values.shape[-1]))
    for arm in range(values.shape[-1]):
        others = np.delete(values, arm, axis=-1)
        p[..., arm] = one_sided_p((1 + margin) * others - values[..., [arm]]).max(axis=-1)
    return holm(p, arms)
