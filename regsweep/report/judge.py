"""Whether the differences between arms are real: every arm against one baseline, in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regsweep.report.arm import ArmResult
from regsweep.report.asked import Asked
from regsweep.report.statistics import compare

UNSTABLE = "unstable"

_COMPARED = (
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


def judge(results: Sequence[ArmResult], asked: Mapping[str, Asked]) -> Judgement:
    """Test the confirmed arms of each sweep against its baseline, on the seeds that all have.

    Sweeps that agree in data, objective and confirm seeds are one family with one baseline.
    """
    confirmed = [r for r in results if r.confirmed and r.sweep in asked]
    sweeps = list(dict.fromkeys(r.sweep for r in confirmed))
    against = _disagreement(sweeps, confirmed, asked)
    families = [confirmed] if not against else _by_sweep(confirmed)
    several = len({r.sweep for r in results}) > 1
    columns: dict[Name, Mapping[str, Any]] = {}
    remarks = [against] if against else []
    for family in families:
        if family:
            baseline = _baseline(family, results, asked)
            columns |= _judge_family(family, baseline, several, remarks)
    return Judgement(columns, tuple(remarks))


def _by_sweep(results: Sequence[ArmResult]) -> list[list[ArmResult]]:
    sweeps = dict.fromkeys(r.sweep for r in results)
    return [[r for r in results if r.sweep == sweep] for sweep in sweeps]


def _disagreement(
    sweeps: Sequence[str], confirmed: Sequence[ArmResult], asked: Mapping[str, Asked]
) -> str:
    """Why arms of different sweeps are not tested against each other; empty if they may be."""
    facts: dict[str, list[Any]] = {"objective": [asked[sweep].objective for sweep in sweeps]}
    for key in {key for sweep in sweeps for key in asked[sweep].common if key.startswith("data.")}:
        if key != "data.root":
            facts[key] = [asked[sweep].common.get(key) for sweep in sweeps]
    facts["confirm seeds"] = [
        sorted({int(seed) for r in confirmed if r.sweep == sweep for seed in r.tested.index})
        for sweep in sweeps
    ]
    differing = [key for key, values in facts.items() if any(v != values[0] for v in values)]
    if not differing:
        return ""
    names = ", ".join(sorted(differing))
    return f"Arms of different sweeps are not tested against each other: they differ in {names}."


def _judge_family(
    family: Sequence[ArmResult], baseline: ArmResult, several: bool, remarks: list[str]
) -> dict[Name, Mapping[str, Any]]:
    shown = " ".join([f"{baseline.sweep}:", baseline.arm] if several else [baseline.arm])
    columns: dict[Name, dict[str, Any]] = {
        (r.sweep, r.arm): {
            "metric": r.metric,
            "baseline": shown,
            "verdict": UNSTABLE if r.unstable and r is not baseline else None,
        }
        for r in family
    }
    sound = [r for r in family if len(r.tested)]
    if not any(r is baseline for r in sound):
        remarks.append(
            f"Nothing is tested: a confirm run of the baseline, {shown}, diverged or failed."
            if baseline.unstable
            else f"Nothing is tested: the baseline, {shown}, has no confirm run."
        )
        return dict(columns)
    seeds = sorted(set.intersection(*(set(r.tested.index) for r in sound)))
    if not seeds:
        remarks.append("Nothing is tested: the arms have no confirm seed in common.")
        return dict(columns)
    values = np.array([r.judged.loc[seeds] for r in sound], dtype=np.float64).T
    place = next(i for i, r in enumerate(sound) if r is baseline)
    found = compare(values, place)
    for i, result in enumerate(sound):
        if i != place:
            own = columns[result.sweep, result.arm]
            own |= {name: float(getattr(found, name)[i]) for name in _COMPARED}
            own["verdict"] = str(found.verdict[i]) or None
    return dict(columns)


def _baseline(
    family: Sequence[ArmResult], results: Sequence[ArmResult], asked: Mapping[str, Asked]
) -> ArmResult:
    """The baseline of the first sweep that has one without regularization, else of the first.

    One that was not confirmed is not replaced by another, which nobody asked for.
    """
    sweeps = {r.sweep for r in family}
    own = [r for r in results if r.sweep in sweeps and r.arm == asked[r.sweep].baseline]
    own = own or list(family)
    plain = [r for r in own if "regularizer=none" in r.arm.split()]
    return (plain or own)[0]
