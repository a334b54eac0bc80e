"""What each ingredient of a winner is worth, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from regsweep.records.arm import taken_out
from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.judge import Name
from regsweep.report.tables.request import Request
from regsweep.report.words.measure import measure_of
from regsweep.report.words.view import short_names


def ablation_sentences(
    results: Sequence[ArmResult],
    judged: Mapping[Name, Mapping[str, Any]],
    asked: Mapping[str, Request],
) -> tuple[str, ...]:
    """A text a winner whose ingredients are taken out: an indented line each, the dearest first.

    ``judged`` are the judging columns by sweep and arm, or winner without an ingredient.
    """
    said = []
    for sweep, own in asked.items():
        names = short_names(own.arms)
        prefix = f"{sweep}: " if len(asked) > 1 else ""
        for result in results:
            if result.sweep == sweep and result.arm in own.ablated and result.confirmed:
                said.append(prefix + _text(names[result.arm], result, judged, own))
    return tuple(said)


def _text(
    name: str, result: ArmResult, judged: Mapping[Name, Mapping[str, Any]], asked: Request
) -> str:
    if not result.ingredients:
        return f"The winner of {name} has no ingredient on, so there is none to take out."
    corrected = asked.corrected_for(len(result.ingredients))
    note = f"intervals corrected for {corrected}" if corrected else "95 % intervals"
    head = f"The winner of {name} without one of its ingredients, against it as it is ({note}):"
    rows = [
        {**one.row, **judged.get((result.sweep, one.arm), {})} for one in result.ablations.values()
    ]
    rows.sort(key=lambda row: row.get("improvement_mean", 0.0))
    return "\n".join([head, *(f"  {_line(row)}" for row in rows)])


def _line(row: Mapping[str, Any]) -> str:
    """``without dropout: worse; test loss higher by 0.012 (0.0081 to 0.016)``."""
    said = f"without {taken_out(row['arm'])}: {row.get('verdict') or 'not tested'}"
    if "improvement_mean" not in row or row["improvement_mean"] != row["improvement_mean"]:
        return said
    measure = measure_of(row)
    return f"{said}; {measure.difference(row)}"
