"""Whether the differences between arms are real: every arm against its baseline, in pairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.request import Request
from regsweep.report.tables.statistics import compare

UNSTABLE = "unstable"

COMPARED = (
    "improvement_mean",
    "improvement_ci_low",
    "improvement_ci_high",
    "p_value",
    "p_holm",
    "probability_better",
)

Name = tuple[str, str]  # sweep and arm


@dataclass(frozen=True)
class Judgement:
    """The judging columns of ``comparison.csv`` by sweep and arm, and what to say of them."""

    columns: Mapping[Name, Mapping[str, Any]]
    remarks: tuple[str, ...]


def judge(results: Sequence[ArmResult], asked: Mapping[str, Request]) -> Judgement:
    """Test the confirmed arms of each sweep against their baselines, on the seeds that all have.

    A sweep is judged by itself, so that its verdicts are the same whatever it is gathered with.
    """
    several = len({r.sweep for r in results}) > 1
    columns: dict[Name, Mapping[str, Any]] = {}
    remarks: list[str] = []
    for sweep, its_asked in asked.items():
        confirmed = [r for r in results if r.sweep == sweep and r.confirmed]
        columns |= {
            (sweep, arm): found for arm, found in _judge_sweep(confirmed, its_asked).items()
        }
        prefix = f"{sweep}: " if several else ""
        remarks += [prefix + text for text in _untested(confirmed, its_asked)]
    return Judgement(columns, tuple(remarks))


def _judge_sweep(confirmed: Sequence[ArmResult], asked: Request) -> dict[str, dict[str, Any]]:
    baselines = asked.baselines
    columns: dict[str, dict[str, Any]] = {
        r.arm: {
            "metric": r.metric,
            "baseline": baselines.get(r.arm),
            "verdict": UNSTABLE if r.unstable and baselines.get(r.arm) != r.arm else None,
        }
        for r in confirmed
    }
    sound = [r for r in confirmed if len(r.tested)]
    seeds = _common_seeds(sound)
    if not seeds:
        return columns
    values = np.array([r.judged.loc[seeds] for r in sound], dtype=np.float64).T
    places = {r.arm: place for place, r in enumerate(sound)}
    # An arm whose baseline has no result is compared with nothing, as a baseline is.
    against = [places.get(baselines.get(arm, arm), place) for arm, place in places.items()]
    found = compare(values, against, asked.tests)
    for place, result in enumerate(sound):
        if against[place] != place:
            own = columns[result.arm]
            own |= {name: float(getattr(found, name)[place]) for name in COMPARED}
            own["verdict"] = str(found.verdict[place]) or None
    return columns


def _common_seeds(sound: Sequence[ArmResult]) -> list[int]:
    return sorted(set.intersection(*(set(r.tested.index) for r in sound))) if sound else []


def _untested(confirmed: Sequence[ArmResult], asked: Request) -> Iterator[str]:
    """Why arms are not tested, a sentence a baseline.

    A baseline that was not confirmed is not replaced by another, which nobody asked for.
    """
    sound = [r for r in confirmed if len(r.tested)]
    for baseline in dict.fromkeys(
        asked.baselines[r.arm] for r in confirmed if r.arm in asked.baselines
    ):
        if not any(r.arm == baseline for r in sound):
            unstable = any(r.arm == baseline and r.unstable for r in confirmed)
            why = "a confirm run of it diverged or failed" if unstable else "it has no confirm run"
            yield f"Nothing is tested against {baseline}: {why}."
    if len(sound) > 1 and not _common_seeds(sound):
        yield "Nothing is tested: the arms have no confirm seed in common."
