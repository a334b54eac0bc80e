"""The answer of a comparison in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from regsweep.report.tables.comparison import winning_values
from regsweep.report.tables.judge import plain
from regsweep.report.tables.looks import (
    BETTER,
    EQUIVALENT,
    MOST_SEEDS,
    UNDECIDED,
    UNSTABLE,
    WORSE,
)
from regsweep.report.tables.request import Request
from regsweep.report.tables.scores import score_of_row
from regsweep.report.tables.statistics import SIGNIFICANCE
from regsweep.report.words.plateau import plateau_words
from regsweep.report.words.view import short_overrides


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
    asked = asked or {}
    sentences: list[str] = []
    verdicts = comparison["verdict"].map(plain, na_action="ignore")
    comparison = comparison.assign(values=values, verdict=verdicts)
    for (sweep, baseline), arms in comparison.groupby([sweeps, "baseline"], sort=False):
        own = asked.get(str(sweep)) if several else next(iter(asked.values()), None)
        corrected_for = own.corrections if own else ""
        prefix = f"{sweep}: " if several else ""
        found = _sentences(str(baseline), arms, corrected_for)
        sentences += [prefix + sentence for sentence in found]
    for sweep, given in asked.items():
        if given.exploratory and sentences:
            prefix = f"{sweep}: " if several else ""
            sentences.append(
                f"{prefix}Exploratory: the plan was changed after a look ({given.exploratory}), "
                "which claims what is false in more than 5 % of sweeps."
            )
        if given.against and sentences:
            prefix = f"{sweep}: " if several else ""
            sentences.append(f"{prefix}{_second_look(given.against)}")
    return tuple(sentences)


def _second_look(arm: str) -> str:
    return (
        f"Second look at the same data: the sweep did not plan to compare with {arm}. If it was "
        "named for its results, what is claimed is false in more than 5 % of sweeps."
    )


def _sentences(baseline: str, arms: pd.DataFrame, corrections: str) -> list[str]:
    sentences: list[str] = []
    for verdict, word in ((BETTER, "Better"), (WORSE, "Worse")):
        found = [
            f"{arm['arm']}{_at(arm)} ({_size(arm, corrections)})"
            for _, arm in arms[arms["verdict"] == verdict].iterrows()
        ]
        if found:
            sentences.append(f"{word} than {baseline}: {'; '.join(found)}.")
    same = arms[arms["verdict"] == EQUIVALENT]
    if len(same):
        measure = _measure(same.iloc[0])
        margins = dict.fromkeys(_margin(arm, measure) for _, arm in same.iterrows())
        listed = "; ".join(
            f"{arm['arm']} ({_small(arm, corrections)})" for _, arm in same.iterrows()
        )
        sentences.append(f"Equivalent to {baseline}, within {' or '.join(margins)}: {listed}.")
    open_ = arms[arms["verdict"] == UNDECIDED]
    if len(open_):
        alike: dict[str, list[str]] = {}
        for _, arm in open_.iterrows():
            alike.setdefault(_needed(arm), []).append(str(arm["arm"]))
        listed = "; ".join(f"{', '.join(arms)}{needed}" for needed, arms in alike.items())
        sentences.append(
            f"Undecided against {baseline}: {listed}. No difference was found, which does not show "
            "that there is none."
        )
    shaky = arms.loc[arms["verdict"] == UNSTABLE, "arm"]
    if len(shaky):
        sentences.append(
            f"Unstable, so not judged: {', '.join(shaky)} (a confirm run diverged or failed)."
        )
    return sentences


def _margin(arm: "pd.Series", measure: "_Measure") -> str:
    return f"{measure.scale * arm['margin']:.2g}{measure.unit} of {measure.name}"


def _small(arm: "pd.Series", corrections: str) -> str:
    """The difference of an arm that is equivalent: found and too small, or not found."""
    measure = _measure(arm)
    low, high = (measure.scale * arm[f"improvement_ci_{end}"] for end in ("low", "high"))
    if arm["p_holm"] < SIGNIFICANCE:
        return f"a difference that is real and too small to matter: {_size(arm, corrections)}"
    return f"improvement {low:+.2g} to {high:+.2g}{measure.unit}"


def _needed(arm: "pd.Series") -> str:
    if pd.isna(arm["margin"]):
        return ""
    if pd.isna(arm["seeds_needed"]):
        return f" (more than {MOST_SEEDS:,} seeds would be needed to decide about the margin)"
    return f" ({int(arm['seeds_needed'])} seeds would be likely to decide about the margin)"


def _at(arm: "pd.Series") -> str:
    """The winner's searched values: `` at weight=5.3e-05, as good from 1e-6 to 2e-4``."""
    short = short_overrides(arm["arm"], arm["values"]).splitlines()
    if short and pd.notna(arm["plateau_low"]):
        short.append(plateau_words(arm["plateau_low"], arm["plateau_high"]))
    return f" at {', '.join(short)}" if short else ""


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


def _size(arm: "pd.Series", corrections: str) -> str:
    """``test loss lower by 0.01, interval 0.01 to 0.02, p < 0.001, both corrected for 4 tests``.

    ``corrections`` are what it is corrected for.
    """
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
    interval, corrected = "95 % interval", ""
    if corrections:
        interval, corrected = "interval", f", both corrected for {corrections}"
    return (
        f"{measure.name} {direction} by {mean:.2g}{unit}, "
        f"{interval} {low:.2g} to {high:.2g}{unit}, {shown}{corrected}"
    )
