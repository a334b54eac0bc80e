"""Whether the differences between arms are real: every arm against its baseline, in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regsweep.report.tables.ablation import WHOLE, ablations
from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.looks import (
    NUMBERS,
    UNSTABLE,
    Arm,
    LookPlan,
    judge_arms,
    seeds_to_decide,
)
from regsweep.report.tables.request import Request
from regsweep.report.tables.sparsest import judge_sparsest

COMPARED = (*NUMBERS, "seeds_needed")

Name = tuple[str, str]  # sweep and arm

# What a verdict says of the plan that it was not made by: ``better (exploratory)``.
EXPLORATORY, SECOND_LOOK = "exploratory", "second look"


def plain(verdict: str) -> str:
    """The verdict without what is marked in it: ``better`` of ``better (exploratory)``."""
    return verdict.partition(" (")[0]


@dataclass(frozen=True)
class Judgement:
    """The judging columns of ``comparison.csv`` by sweep and arm.

    A sparsest trial has an entry by its own name, and so has a winner without an ingredient.

    ``pairs`` has of each arm that was compared its improvement by seed, on the seeds that its
    verdict was made of. ``waiting`` are the arms that were judged, and that the plan judges again.
    """

    columns: Mapping[Name, Mapping[str, Any]]
    pairs: Mapping[Name, Mapping[int, float]]
    waiting: frozenset[Name]


def judge(results: Sequence[ArmResult], asked: Mapping[str, Request]) -> Judgement:
    """Test the confirmed arms of each sweep against their baselines, on the seeds that all have.

    A sweep is judged by itself, so that its verdicts are the same whatever it is gathered with.
    """
    columns: dict[Name, Mapping[str, Any]] = {}
    pairs: dict[Name, Mapping[int, float]] = {}
    waiting: set[Name] = set()
    for sweep, its_asked in asked.items():
        confirmed = [r for r in results if r.sweep == sweep and r.confirmed]
        its_columns, its_pairs, its_waiting = _judge_sweep(confirmed, its_asked)
        columns |= {(sweep, arm): found for arm, found in its_columns.items()}
        for result in confirmed:
            if result.sparsest and (found := judge_sparsest(result, its_asked)):
                marked = _marked(found.get("verdict") or "", its_asked)
                columns[sweep, result.sparsest.arm] = found | {"verdict": marked}
            for arm, (found, by_seed) in _judge_ablations(result, its_asked).items():
                columns[sweep, arm] = found
                pairs |= {(sweep, arm): by_seed} if by_seed else {}
        pairs |= {(sweep, arm): by_seed for arm, by_seed in its_pairs.items()}
        waiting |= {(sweep, arm) for arm in its_waiting}
    return Judgement(columns, pairs, frozenset(waiting))


def _judge_sweep(
    confirmed: Sequence[ArmResult], asked: Request
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[int, float]], list[str]]:
    baselines = asked.baselines
    columns: dict[str, dict[str, Any]] = {
        r.arm: {
            "metric": r.metric,
            "baseline": baselines.get(r.arm),
            "verdict": UNSTABLE if r.unstable and baselines.get(r.arm) != r.arm else None,
        }
        for r in confirmed
    }
    results = {r.arm: dict(r.final_metrics) for r in confirmed}
    plan = _look_plan(results, asked)
    pairs, waiting = {}, []
    for arm, one in judge_arms(results, plan).items():
        # A second look ends where the arms were stopped.
        if one.open and one.seeds and plan.together:
            waiting.append(arm)
        found, by_seed = _columns_of(arm, one, results, plan, asked)
        columns[arm] |= found
        if by_seed:
            pairs[arm] = by_seed
    return columns, pairs, waiting


def _judge_ablations(
    result: ArmResult, asked: Request
) -> dict[str, tuple[dict[str, Any], dict[int, float]]]:
    """The judging columns of the arm's winner without each ingredient, and its pairs, by its name.

    It is tested against the winner.
    """
    without = {key: one.final_metrics for key, one in result.ablations.items()}
    results, plan = ablations(
        result.final_metrics,
        without,
        result.ingredients,
        LookPlan(asked.confirm, asked.looks, {}, asked.margin),
    )
    found = {}
    for key, one in judge_arms(results, plan).items():
        if key != WHOLE:
            columns, by_seed = _columns_of(key, one, results, plan, asked)
            of = {"metric": result.metric, "baseline": result.arm, "verdict": None}
            found[result.ablations[key].arm] = of | columns, by_seed
    return found


def _columns_of(
    arm: str, one: Arm, results: Mapping[str, Mapping[int, float]], plan: LookPlan, asked: Request
) -> tuple[dict[str, Any], dict[int, float]]:
    """What an arm is judged as, and the improvement by seed that this is of."""
    if not one.seeds:
        return {}, {}
    columns = {
        **{name: getattr(one, name) for name in NUMBERS},
        "verdict": _marked(one.verdict, asked),
        "seeds_needed": seeds_to_decide(one, arm, results, plan),
    }
    if one.verdict in ("", UNSTABLE):
        return columns, {}
    against, own = results[plan.baselines[arm]], results[arm]
    return columns, {seed: against[seed] - own[seed] for seed in plan.seeds[: one.seeds]}


def marks_of(asked: Request) -> tuple[str, ...]:
    """What is to be known of how a sweep's verdicts were come by; nothing where as planned."""
    return (
        *((EXPLORATORY,) if asked.exploratory else ()),
        *((SECOND_LOOK,) if asked.against else ()),
    )


def _marked(verdict: str, asked: Request) -> str | None:
    """The verdict and its marks; what broke off is not judged, so not marked."""
    marks = marks_of(asked)
    if verdict in ("", UNSTABLE) or not marks:
        return verdict or None
    return f"{verdict} ({', '.join(marks)})"


def _look_plan(results: Mapping[str, Mapping[int, float]], asked: Request) -> LookPlan:
    """What was planned; a sweep of before there were looks is judged once, by all common seeds."""
    if asked.looks:
        together = asked.against is None
        return LookPlan(asked.confirm, asked.looks, asked.baselines, asked.margin, together)
    common = sorted(set.intersection(*map(set, results.values()))) if results else []
    return LookPlan(tuple(common), (len(common),) if common else (), asked.baselines, None)
