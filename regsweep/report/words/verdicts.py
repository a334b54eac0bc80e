"""The answer of a comparison, arm by arm."""

from collections.abc import Iterable, Mapping

import pandas as pd

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
from regsweep.report.tables.statistics import SIGNIFICANCE
from regsweep.report.words.measure import Measure, measure_of
from regsweep.report.words.numbers import short
from regsweep.report.words.plateau import plateau_words
from regsweep.report.words.view import listed, short_names

_SEEDS = ". Seeds that would be likely to decide about the margin"


def verdict_sentences(
    comparison: pd.DataFrame, asked: Mapping[str, Request] | None = None
) -> tuple[str, ...]:
    """What the tests of a comparison table say, baseline by baseline; nothing where none was made.

    A text a verdict: a line of what its arms share, then an indented line an arm, which is called
    by its short name. ``asked`` tells how many tests a sweep planned. An improvement is in the unit
    of the metric; of the test error it is in points (percent), of a score that is a number in that
    number.
    """
    several = "sweep" in comparison
    sweeps = comparison["sweep"].fillna("") if several else pd.Series("", comparison.index)
    asked = asked or {}
    names = short_names(comparison["arm"])
    sentences: list[str] = []
    comparison = comparison.assign(verdict=comparison["verdict"].map(plain, na_action="ignore"))
    for (sweep, baseline), arms in comparison.groupby([sweeps, "baseline"], sort=False):
        own = asked.get(str(sweep)) if several else next(iter(asked.values()), None)
        prefix = f"{sweep}: " if several else ""
        against = names.get(str(baseline), str(baseline))
        found = _sentences(against, arms.assign(name=arms["arm"].map(names)), own)
        sentences += [prefix + sentence for sentence in found]
    judged = set(sweeps[comparison["verdict"].notna()])
    for sweep, given in asked.items():
        prefix = f"{sweep}: " if several else ""
        if not judged & {sweep if several else ""}:
            continue
        if given.exploratory:
            sentences.append(f"{prefix}{_exploratory(given.exploratory)}")
        if given.against:
            sentences.append(f"{prefix}{_second_look(given.against)}")
    return tuple(sentences)


def _exploratory(why: str) -> str:
    return (
        f"Exploratory: not all of the plan is known to be older than the first look ({why}), so "
        "what is claimed may be false in more than 5 % of sweeps."
    )


def _second_look(arm: str) -> str:
    return (
        f"Second look at the same data: the sweep did not plan to compare with {arm}. If it was "
        "named for its results, what is claimed may be false in more than 5 % of sweeps."
    )


def _sentences(baseline: str, arms: pd.DataFrame, asked: Request | None) -> list[str]:
    """What is said against one baseline; the first text with intervals says what they are."""
    corrections = asked.corrections if asked else ""
    note = f" (intervals corrected for {corrections})" if corrections else " (95 % intervals)"
    sentences: list[str] = []
    for verdict, words in ((BETTER, "Better than"), (WORSE, "Worse than")):
        found = [row for _, row in arms[arms["verdict"] == verdict].iterrows()]
        if found:
            measure = measure_of(found[0])
            head = f"{words} {baseline} in {measure.name}{note}:"
            sentences.append(_text(head, (_sized(arm, measure) for arm in found)))
            note = ""
    if same := [row for _, row in arms[arms["verdict"] == EQUIVALENT].iterrows()]:
        measure = measure_of(same[0])
        margins = dict.fromkeys(
            f"{short(measure.scale * arm['margin'])}{measure.unit}" for arm in same
        )
        head = f"Equivalent to {baseline}, within {' or '.join(margins)} of {measure.name}{note}:"
        sentences.append(_text(head, (_small(arm, measure) for arm in same)))
    open_ = arms[arms["verdict"] == UNDECIDED]
    if len(open_):
        alike: dict[str, list[str]] = {}
        for _, arm in open_.iterrows():
            alike.setdefault(_needed(arm), []).append(arm["name"])
        head = (
            f"Undecided against {baseline}: no difference was found, which does not show that "
            f"there is none{_SEEDS * bool(open_['margin'].notna().any())}:"
        )
        sentences.append(_text(head, (f"{listed(n)}{needed}" for needed, n in alike.items())))
    shaky = list(arms.loc[arms["verdict"] == UNSTABLE, "name"])
    if shaky:
        sentences.append(
            f"Unstable, so not judged: {listed(shaky)} (a confirm run diverged or failed)."
        )
    return sentences


def _text(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *(f"  {line}" for line in lines)])


def _sized(arm: "pd.Series", measure: Measure) -> str:
    """``l1: lower by 0.0016 (0.00043 to 0.0028); as good from 1e-6 to 2.2e-5``."""
    direction = measure.better if arm["improvement_mean"] >= 0 else measure.worse
    plateau = ""
    if pd.notna(arm["plateau_low"]):
        plateau = f"; {plateau_words(arm['plateau_low'], arm['plateau_high'])}"
    return f"{arm['name']}: {direction} by {measure.size(arm)}{plateau}"


def _small(arm: "pd.Series", measure: Measure) -> str:
    """The difference of an arm that is equivalent: found and too small, or not found."""
    if arm["p_holm"] < SIGNIFICANCE:
        return f"{_sized(arm, measure)}; real, and too small to matter"
    ends = (measure.scale * arm[f"improvement_ci_{end}"] for end in ("low", "high"))
    low, high = (short(end, sign="+") for end in ends)
    return f"{arm['name']}: improvement {low} to {high}{measure.unit}"


def _needed(arm: "pd.Series") -> str:
    if pd.isna(arm["margin"]):
        return ""
    if arm["margin"] == 0:
        return ": none, as the margin is a share of the baseline's mean, which is 0"
    if pd.isna(arm["seeds_needed"]):
        return f": more than {MOST_SEEDS:,}"
    return f": {int(arm['seeds_needed'])}"
