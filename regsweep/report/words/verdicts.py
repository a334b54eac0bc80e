"""The answer of a comparison in sentences."""

from collections.abc import Mapping

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
    the test error it is in points (percent), but for a score without a lower bound.
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


def _metric(arm: "pd.Series") -> tuple[str, str, int]:
    """What the arm is judged on, in words; the unit of a difference, and its scale."""
    if arm["metric"] == "test_loss":
        return "test loss", "", 1
    score = score_of_row(arm)
    return f"test {score.error}", *((" points", 100) if score.in_percent else ("", 1))


def _size(arm: "pd.Series", tests: int) -> str:
    """``test loss lower by 0.01, interval 0.01 to 0.02, p < 0.001, both corrected for 4 tests``."""
    metric, unit, scale = _metric(arm)
    mean, low, high = (scale * arm[f"improvement_{part}"] for part in ("mean", "ci_low", "ci_high"))
    if mean < 0:
        mean, low, high = -mean, -high, -low
        direction = "higher"
    else:
        direction = "lower"
    p = arm["p_holm"]
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    interval, corrected = ("95 % interval", "") if tests == 1 else ("interval", f", {CORRECTED}")
    return (
        f"{metric} {direction} by {mean:.2g}{unit}, {interval} {low:.2g} to {high:.2g}{unit}, "
        f"{shown}{corrected.format(tests)}"
    )
