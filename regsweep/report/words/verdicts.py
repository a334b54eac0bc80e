"""The answer of a comparison in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from regsweep.report.tables.comparison import winning_values
from regsweep.report.tables.judge import UNSTABLE
from regsweep.report.tables.request import Request
from regsweep.report.tables.scores import score_of_row
from regsweep.report.tables.statistics import BETTER, UNDECIDED, WORSE
from regsweep.report.words.view import short_overrides

CORRECTED = "both corrected for {} tests"


def verdict_sentences(
    comparison: pd.DataFrame, asked: Mapping[str, Request] | None = None
) -> tuple[str, ...]:
    """What the tests of a comparison table say, baseline by baseline; nothing where none was made.

    ``asked`` tells how many tests a sweep planned. An improvement is in the unit of the metric; of
    the test error it is in points (percent), of a score that is a number in that number.
    """
    several = "sweep" in comparison
    sweeps = comparison["sweep"].fillna("") if several else pd.Series("", comparison.index)
    values = pd.Series(winning_values(comparison), comparison.index, dtype=object)
    tests = {sweep: given.tests for sweep, given in (asked or {}).items()}
    sentences: list[str] = []
    comparison = comparison.assign(values=values)
    for (sweep, baseline), arms in comparison.groupby([sweeps, "baseline"], sort=False):
        corrected_for = tests.get(str(sweep), 1) if several else max(tests.values(), default=1)
        prefix = f"{sweep}: " if several else ""
        found = _sentences(str(baseline), arms, corrected_for)
        sentences += [prefix + sentence for sentence in found]
    return tuple(sentences)


def _sentences(baseline: str, arms: pd.DataFrame, tests: int) -> list[str]:
    sentences: list[str] = []
    for verdict, word in ((BETTER, "Better"), (WORSE, "Worse")):
        found = [
            f"{arm['arm']}{_at(arm['arm'], arm['values'])} ({_size(arm, tests)})"
            for _, arm in arms[arms["verdict"] == verdict].iterrows()
        ]
        if found:
            sentences.append(f"{word} than {baseline}: {'; '.join(found)}.")
    same = arms.loc[arms["verdict"] == UNDECIDED, "arm"]
    if len(same):
        sentences.append(f"No detectable difference from {baseline}: {', '.join(same)}.")
    shaky = arms.loc[arms["verdict"] == UNSTABLE, "arm"]
    if len(shaky):
        sentences.append(
            f"Unstable, so not judged: {', '.join(shaky)} (a confirm run diverged or failed)."
        )
    return sentences


def _at(arm: str, values: list[str]) -> str:
    """The winner's searched values: `` at weight=5.3e-05``."""
    short = short_overrides(arm, values)
    return f" at {', '.join(short.splitlines())}" if short else ""


@dataclass(frozen=True)
class _Measure:
    """What an arm is judged on, the direction of the better, and how a difference is shown."""

    name: str
    better: str
    worse: str
    unit: str = ""
    scale: int = 1


def _measure(arm: "pd.Series") -> _Measure:
    """An error is named where it is shown in percent; of a number 1 - score is no usual word."""
    if arm["metric"] == "test_loss":
        return _Measure("test loss", "lower", "higher")
    score = score_of_row(arm)
    if score.in_percent:
        return _Measure(f"test {score.error}", "lower", "higher", " points", 100)
    return _Measure(f"test {score.words}", "higher", "lower")


def _size(arm: "pd.Series", tests: int) -> str:
    """``test loss lower by 0.01, interval 0.01 to 0.02, p < 0.001, both corrected for 4 tests``."""
    measure = _measure(arm)
    unit = measure.unit
    mean, low, high = (
        measure.scale * arm[f"improvement_{part}"] for part in ("mean", "ci_low", "ci_high")
    )
    if mean < 0:
        mean, low, high = -mean, -high, -low
        direction = measure.worse
    else:
        direction = measure.better
    p = arm["p_holm"]
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    interval, corrected = ("95 % interval", "") if tests == 1 else ("interval", f", {CORRECTED}")
    return (
        f"{measure.name} {direction} by {mean:.2g}{unit}, "
        f"{interval} {low:.2g} to {high:.2g}{unit}, {shown}{corrected.format(tests)}"
    )
