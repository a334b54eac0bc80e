"""The answer of a comparison in sentences."""

import shlex
from collections.abc import Mapping

import pandas as pd

from regsweep.report.asked import Asked
from regsweep.report.judge import UNSTABLE
from regsweep.report.statistics import BETTER, UNDECIDED, WORSE
from regsweep.report.view import short_overrides

_WORDS = {"test_loss": ("test loss", "", 1), "test_error": ("test error", " points", 100)}


def verdict_sentences(
    comparison: pd.DataFrame, asked: Mapping[str, Asked] | None = None
) -> tuple[str, ...]:
    """What the tests of a comparison table say, baseline by baseline; nothing where none was made.

    ``asked`` tells which overrides all arms of a sweep were given. An improvement is in the unit
    of the metric; of the test error it is in points (percent).
    """
    judged = comparison[comparison["baseline"].notna()]
    sentences: list[str] = []
    for baseline, arms in judged.groupby("baseline", sort=False):
        named = _named(arms)
        for verdict, word in ((BETTER, "Better"), (WORSE, "Worse")):
            found = [
                f"{name}{_at(arm, asked or {})} ({_size(arm)})"
                for name, (_, arm) in zip(named, arms.iterrows(), strict=True)
                if arm["verdict"] == verdict
            ]
            if found:
                sentences.append(f"{word} than {baseline}: {'; '.join(found)}.")
        same = [n for n, v in zip(named, arms["verdict"], strict=True) if v == UNDECIDED]
        if same:
            sentences.append(f"No detectable difference from {baseline}: {', '.join(same)}.")
        shaky = [n for n, v in zip(named, arms["verdict"], strict=True) if v == UNSTABLE]
        if shaky:
            sentences.append(
                f"Unstable, so not judged: {', '.join(shaky)} (a confirm run diverged or failed)."
            )
    return tuple(sentences)


def _named(arms: pd.DataFrame) -> list[str]:
    if "sweep" not in arms:
        return list(arms["arm"])
    return [f"{sweep}: {arm}" for sweep, arm in zip(arms["sweep"], arms["arm"], strict=True)]


def _at(arm: "pd.Series", asked: Mapping[str, Asked]) -> str:
    """The winner's searched values: `` at weight=5.3e-05``."""
    sweeps = [asked[sweep] for sweep in asked if sweep == arm.get("sweep", sweep)]
    fixed = {line for sweep in sweeps for line in sweep.overrides}
    words = shlex.split(arm["best_overrides"].removeprefix(arm["arm"]))
    short = short_overrides(arm["arm"], [word for word in words if word not in fixed])
    return f" at {', '.join(short.splitlines())}" if short else ""


def _size(arm: "pd.Series") -> str:
    """``test loss lower by 0.011, 95 % interval 0.0095 to 0.013, p < 0.001``."""
    metric, unit, scale = _WORDS[arm["metric"]]
    mean, low, high = (scale * arm[f"improvement_{part}"] for part in ("mean", "ci_low", "ci_high"))
    if mean < 0:
        mean, low, high = -mean, -high, -low
        direction = "higher"
    else:
        direction = "lower"
    p = arm["p_holm"]
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return (
        f"{metric} {direction} by {mean:.2g}{unit}, 95 % interval {low:.2g} to {high:.2g}{unit}, "
        f"{shown}"
    )
