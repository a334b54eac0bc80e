"""What the choice of the test rows does: each arm against its baseline, over rows, in pairs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import stdtr

from regsweep.records.record import TEST_LOSSES
from regsweep.records.row_losses import read_row_losses
from regsweep.records.stored import Unreadable
from regsweep.records.task import loss_of
from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.gather import GatheredRun, Problem, shown
from regsweep.report.tables.judge import Judgement
from regsweep.report.tables.looks import UNSTABLE
from regsweep.report.tables.statistics import SIGNIFICANCE, Floats, half_width

_LOSS = loss_of("test")


@dataclass(frozen=True)
class OverRows:
    """How far the improvement of ``arm`` is known, over seeds and over the ``rows`` that test it.

    Intervals are ``improvement`` plus and minus a half: ``over_seeds`` is that of the comparison,
    and ``over_rows`` is at the same level. A smaller improvement than ``over_rows`` cannot be told
    from chance by these rows.
    """

    sweep: str
    arm: str
    verdict: str
    rows: int
    improvement: float
    over_seeds: float
    over_rows: float


def over_rows(
    results: Sequence[ArmResult], judgement: Judgement, runs: Sequence[GatheredRun]
) -> tuple[tuple[OverRows, ...], list[Problem]]:
    """Of each arm that was judged on its test loss, and the files that are damaged.

    ``runs`` are those of the results' table, in its order. An arm is left out where a run that it
    was judged on, or one of its baseline's, broke off or kept no losses of rows.
    """
    by_name = {(result.sweep, result.arm): result for result in results}
    found: list[OverRows] = []
    damaged: dict[str, Problem] = {}
    for (sweep, arm), judged in judgement.columns.items():
        baseline = by_name.get((sweep, str(judged["baseline"])))
        pairs = judgement.pairs.get((sweep, arm))
        if judged["verdict"] in (None, UNSTABLE) or judged["metric"] != _LOSS:
            continue
        if baseline is None or not pairs or (sweep, arm) not in by_name:
            continue
        own, others = _of_seeds(by_name[sweep, arm], runs), _of_seeds(baseline, runs)
        try:
            differences = _mean_differences([(own[seed], others[seed]) for seed in pairs])
        except Unreadable as error:
            damaged[str(error)] = Problem(shown(str(error.path)), error.reason)
            continue
        if differences is None:
            continue
        half = (judged["improvement_ci_high"] - judged["improvement_ci_low"]) / 2
        found.append(
            OverRows(
                sweep=sweep,
                arm=arm,
                verdict=judged["verdict"],
                rows=len(differences),
                improvement=judged["improvement_mean"],
                over_seeds=half,
                over_rows=half_over_rows(differences, level_of(half, np.array([*pairs.values()]))),
            )
        )
    return tuple(found), list(damaged.values())


def half_over_rows(differences: Floats, level: float) -> float:
    """Half of the interval of the mean over rows, which misses the true one with chance ``level``.

        t(n - 1, 1 - level / 2) * std / sqrt(n)

    of the ``differences`` of n rows. Student's: the bootstrap's percentiles of the same rows are
    narrower, and cover less. Where few rows decide, as few are hard, both cover too little: with a
    hard one in twenty, 83 % at 114 rows instead of 95, and 94 % at 1,000.
    """
    spread = np.asarray(differences.std(ddof=1) if len(differences) > 1 else np.nan)
    return float(half_width(spread, len(differences), np.asarray(level)))


def level_of(half: float, pairs: Floats) -> float:
    """The level of Student's interval of ``pairs`` of this ``half``; 0.05 where all are equal."""
    error = pairs.std(ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else 0.0
    if not (error > 0 and half > 0):
        return SIGNIFICANCE
    return float(2 * stdtr(len(pairs) - 1, -half / error))


def _of_seeds(result: ArmResult, runs: Sequence[GatheredRun]) -> Mapping[int, GatheredRun]:
    final = result.final
    places = zip(final["seed"].tolist(), final.index.tolist(), strict=True)
    return {seed: runs[place] for seed, place in places}


def _mean_differences(pairs: Sequence[tuple[GatheredRun, GatheredRun]]) -> Floats | None:
    """What the second of each pair loses more than the first on each row, the mean over the pairs.

    ``None`` where one of them kept no losses.

    Raises:
        Unreadable: a file is damaged, or its rows are not as many as the others'.
    """
    if not all(os.path.lexists(_path(run)) for pair in pairs for run in pair):
        return None
    total = np.zeros(len(_losses(pairs[0][0])))
    for own, other in pairs:
        for run, sign in ((own, -1), (other, 1)):
            losses = _losses(run)
            if losses.shape != total.shape:
                raise Unreadable(_path(run), f"has {len(losses)} rows, and others {len(total)}")
            total += sign * losses.astype(np.float64)
    return total / len(pairs)


def _losses(run: GatheredRun) -> Floats:
    return read_row_losses(_path(run), run.record.metrics[_LOSS]).astype(np.float64)


def _path(run: GatheredRun) -> Path:
    return Path(run.folder, TEST_LOSSES)
