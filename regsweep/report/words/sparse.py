"""What sparsest trials come to, and what networks shrink to, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.judge import Name
from regsweep.report.tables.request import Request
from regsweep.report.tables.shrunk import Shrunk
from regsweep.report.words.measure import measure_of
from regsweep.report.words.view import short_names


def sparsest_sentences(
    results: Sequence[ArmResult],
    judged: Mapping[Name, Mapping[str, Any]],
    asked: Mapping[str, Request],
) -> tuple[str, ...]:
    """A text a sweep that confirms sparsest trials: what was asked, then an indented line an arm.

    ``judged`` are the judging columns by sweep and arm, or sparsest trial.
    """
    said = []
    for sweep, own in asked.items():
        arms = [r for r in results if r.sweep == sweep and r.arm in own.sparsest]
        names = short_names(own.arms)
        lines = [
            f"  {names[arm.arm]}: {_line(arm, judged)}" for arm in arms if arm.winner is not None
        ]
        if lines and own.margin is not None:
            prefix = f"{sweep}: " if len(asked) > 1 else ""
            share = f"{100 * own.margin:g} %"
            looks = f" over {len(own.looks)} looks" if len(own.looks) > 1 else ""
            of = measure_of({**arms[0].row, "metric": arms[0].metric}).name
            head = (
                f"{prefix}Each arm's sparsest trial within {share} of its winner by "
                f"{own.objective}, tested for being at most {share} worse in {of} (one-sided, 5 % "
                f"each{looks}):"
            )
            said.append("\n".join([head, *lines]))
    return tuple(said)


def _line(result: ArmResult, judged: Mapping[Name, Mapping[str, Any]]) -> str:
    """``not worse: 93.10 % zeros, the winner 61.20 %; test loss higher by 0.1 (-0.1 to 0.3)``."""
    sparsest = result.sparsest
    if sparsest is None:
        return f"its winner is the sparsest, {_zeros(result)} zeros"
    zeros = f"{_zeros(sparsest)} zeros, the winner {_zeros(result)}"
    columns = judged.get((result.sweep, sparsest.arm), {})
    verdict = columns.get("verdict") or "not tested"
    if "improvement_mean" not in columns:
        return f"{verdict}: {zeros}"
    row = {**sparsest.row, **columns}
    return f"{verdict}: {zeros}; {measure_of(row).difference(row)}"


def _zeros(result: ArmResult) -> str:
    return f"{100 * result.row['zero_fraction_mean']:.2f} %"


def shrunk_sentences(found: Sequence[Shrunk]) -> tuple[str, ...]:
    """``group_lasso: 784-64-32-10 to 784-41-30-10 (seed 10003 of 10)``, a line an arm."""
    said = []
    several = len({one.sweep for one in found}) > 1
    for sweep in dict.fromkeys(one.sweep for one in found):
        own = [one for one in found if one.sweep == sweep]
        names = short_names(one.arm for one in own)
        prefix = f"{sweep}: " if several else ""
        head = f"{prefix}Networks left, of each the confirm run of the median number of units:"
        lines = [
            f"  {names[one.arm]}: {_widths(one.widths)} to {_widths(one.left)} "
            f"(seed {one.seed}, of {one.seeds})"
            for one in own
        ]
        said.append("\n".join([head, *lines]))
    return tuple(said)


def _widths(widths: Sequence[int]) -> str:
    return "-".join(map(str, widths))
