"""Whether an arm's sparsest trial is worse than its winner by more than the margin."""

import math
from typing import Any

import numpy as np

from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.looks import NOT_WORSE, UNDECIDED, UNSTABLE, WORSE, shares
from regsweep.report.tables.request import Request
from regsweep.report.tables.statistics import Floats, half_width, one_sided_p, summarize


def judge_sparsest(result: ArmResult, asked: Request) -> dict[str, Any]:
    """The judging columns of the sparsest trial of an arm, which is tested against its winner.

    At the last look of which both have all runs, and at that look's share of 5 %, so that in 95 %
    of sweeps what is claimed of a trial is true, whenever the looks ended. It is a test of its own,
    outside of the family of the arms' tests. Empty where the trial has no confirm run.
    """
    sparsest = result.sparsest
    if sparsest is None or not sparsest.confirmed:
        return {}
    columns = {"metric": result.metric, "baseline": result.arm}
    own, won = sparsest.final_metrics, result.final_metrics
    if any(map(math.isinf, own.values())):
        return columns | {"verdict": UNSTABLE}
    reached = [
        (asked.confirm[:look], share)
        for look, share in zip(asked.looks, shares(asked.looks), strict=True)
        if own.keys() & won.keys() >= {*asked.confirm[:look]}
    ]
    if not reached or asked.margin is None or any(map(math.isinf, won.values())):
        return columns
    seeds, share = reached[-1]
    pairs = np.array([[won[seed], own[seed]] for seed in seeds])
    return columns | not_worse_than(pairs[:, 0], pairs[:, 1], asked.margin, share)


def not_worse_than(won: Floats, own: Floats, margin: float, level: float) -> dict[str, Any]:
    """What the one-sided paired t test at ``level`` says of ``own`` against ``won``, seed by seed.

    ``not worse``: the mean of (1 + margin) * won - own is above 0 (p below ``level``), and the
    interval of won - own, of which each end is missed with the chance ``level``, lies above
    -margin * mean of ``won``. ``worse``: both the other way round. Of a metric of which less is
    better.

    Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987).
    """
    ahead = ((1 + margin) * won - own)[:, None]
    difference = won - own
    summary = summarize(difference[:, None])
    mean = float(summary.mean[0])
    half = float(half_width(summary.std, len(won), np.asarray(2 * level))[0])
    size = abs(margin * float(won.mean()))
    p = float(one_sided_p(ahead)[0])
    verdict = UNDECIDED
    if p < level and mean - half > -size:
        verdict = NOT_WORSE
    elif float(one_sided_p(-ahead)[0]) < level and mean + half < -size:
        verdict = WORSE
    return {
        "improvement_mean": mean,
        "improvement_ci_low": mean - half,
        "improvement_ci_high": mean + half,
        "p_value": p,
        "probability_better": float((1 + np.sign(difference).mean()) / 2),
        "margin": size,
        "verdict": verdict,
    }
