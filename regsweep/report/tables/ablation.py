"""What each ingredient of a winner is worth: the winner without it, against the winner."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from regsweep.report.tables.looks import LookPlan

# What the winner as it is stands under, among the keys of its ingredients.
WHOLE = ""

Results = Mapping[str, Mapping[int, float]]


def ablations(
    won: Mapping[int, float], without: Results, keys: Iterable[str], plan: LookPlan
) -> tuple[Results, LookPlan]:
    """What ``judge_arms`` takes to judge a winner without each of its ingredients.

    ``won`` has the metric of the winner's confirm runs by seed, ``without`` those of the winner
    without the ingredient of a key. ``keys`` are the ingredients that are on. Their tests are a
    family of their own, beside that of the sweep's arms, with the looks and the margin of ``plan``:
    of the ingredients of a winner any is called worth something without reason in at most 5 %.
    """
    baselines = dict.fromkeys((WHOLE, *keys), WHOLE)
    return {WHOLE: won, **without}, replace(plan, baselines=baselines, together=True)
