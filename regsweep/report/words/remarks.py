"""What a reader of a comparison should know beside the verdict."""

import math
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from regsweep.errors import InputError
from regsweep.records.record import BEST_EPOCH
from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.request import Request
from regsweep.report.tables.winner import of_role
from regsweep.report.words.numbers import short_exponent
from regsweep.report.words.trials import differing_trials
from regsweep.report.words.undertrained import few_steps, still_falling
from regsweep.report.words.view import listed, short_names
from regsweep.settings.config import GROUPS, read_run
from regsweep.settings.flat import nested

# A winner so close to an end of its interval, as a share of its range, may have its best beyond.
EDGE = 0.05
# How far an interval is widened: so many times on a log scale, by its own range on a linear one.
WIDER = 100

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_INTERVAL = re.compile(
    rf"interval\(\s*(start\s*=\s*)?(?P<low>{_NUMBER})\s*,\s*(end\s*=\s*)?(?P<high>{_NUMBER})\s*\)"
)


def remarks_on(
    results: Sequence[ArmResult], asked: Mapping[str, Request], curves: pd.DataFrame
) -> tuple[str, ...]:
    """Sentences on arms without a result, superseded runs, winners at an edge, missing tests.

    And on networks that were hardly trained, of which ``curves`` are the winners'. Those that
    stopped early were trained enough, by their validation rows.
    """
    several = len({r.sweep for r in results}) > 1
    found: list[str] = []
    for result in results:
        sweep = asked.get(result.sweep)
        if sweep is None or not sweep.compares:
            continue
        name = f"{result.sweep}: {result.arm}" if several else result.arm
        found += _of_arm(name, result, sweep)
    for sweep_name, sweep in asked.items():
        prefix = f"{sweep_name}: " if several else ""
        stopped = [
            result.arm
            for result in results
            if result.sweep == sweep_name
            and BEST_EPOCH in result.final
            and result.final[BEST_EPOCH].notna().any()
        ]
        own = curves[(curves["sweep"] == sweep_name) & ~curves["arm"].isin(stopped)]
        said = (
            *_of_sweep(results, sweep_name, sweep),
            *few_steps(sweep.steps),
            *still_falling(own, short_names(sweep.arms)),
        )
        found += [prefix + text for text in said]
    return tuple(found)


def _of_arm(name: str, result: ArmResult, asked: Request) -> Iterator[str]:
    if result.winner is None:
        yield f"{name} has no finished trial."
        return
    of_sparsest = of_role(result.superseded, "sparsest")
    for runs, of in (
        (result.superseded.drop(index=of_sparsest.index), "winner"),
        (of_sparsest, "sparsest trial"),
    ):
        if len(runs):
            yield (
                f"{name}: {len(runs)} confirm runs of an earlier {of} are superseded and do not "
                "count."
            )
    if result.broken_finalists:
        trials = listed([str(trial) for trial in result.broken_finalists])
        of_them = "trial" if len(result.broken_finalists) == 1 else "trials"
        yield (
            f"{name}: its winner, trial {result.winner['trial'].iloc[0]}, was not run again before "
            f"it won, as the finalists ({of_them} {trials}) diverged or failed when they were."
        )
    if result.unplanned:
        yield (
            f"{name}: {result.unplanned} confirm runs on the seeds of earlier looks do not count: "
            "the verdicts are of fresh seeds alone."
        )
    config = asked.configs.get(result.arm, {})
    for key, sweep in asked.spaces.get(result.arm, {}).items():
        value = result.winner[key].iloc[0] if key in result.winner else None
        if not isinstance(value, int | float):
            continue
        found = short_exponent(f"{value:.4g}")
        if wider := _widened(key, float(value), sweep, partial(_allows, config, key)):
            yield (
                f"{name}: the best {key} found, {found}, lies at the edge of its interval, "
                f"{sweep}. A wider one: {wider}"
            )


def _of_sweep(results: Sequence[ArmResult], name: str, asked: Request) -> Iterator[str]:
    if not asked.compares:
        return
    own = [r for r in results if r.sweep == name]
    planned, done = sum(asked.trials.values()), sum(r.done for r in own if r.arm in asked.trials)
    searching = done < planned
    if searching:
        yield f"The search is not finished: {done} of {planned} trials are done."
    if differing := differing_trials(asked):
        yield f"Budgets differ: {differing}. A longer search alone finds lower values."
    seeds = asked.budget.get("confirm_seeds", 0)
    if seeds == 0:
        return
    counts = sorted({len(r.tested) for r in own if r.confirmed and len(r.tested)})
    if not searching and any(_misses_seeds(r, seeds) for r in own):
        yield f"Not all of the {seeds} confirm seeds are done."
    elif len(counts) > 1:
        yield (
            f"Means are over {counts[0]} to {counts[-1]} seeds, as arms that are decided stop; "
            "improvements are over the seeds that an arm shares with its baseline."
        )


def _misses_seeds(result: ArmResult, seeds: int) -> bool:
    return result.winner is not None and not result.unstable and len(result.tested) < seeds


def _allows(config: Mapping[str, Any], key: str, value: float) -> bool:
    """Whether a run of the arm may have this value of ``key``.

    Of a study's choices nothing is known but that a weight is 0 or above.
    """
    group = key.partition(".")[0]
    of_a_study = config.get(f"{group}.name") not in GROUPS.get(group, (None,))
    if of_a_study or not _is_run(config):
        return value >= 0
    return _is_run({**config, key: value})


def _is_run(config: Mapping[str, Any]) -> bool:
    try:
        read_run(nested(config))
    except InputError:
        return False
    return True


def _widened(key: str, value: float, sweep: str, allows: Callable[[float], bool]) -> str | None:
    """The override of a wider interval, where ``value`` lies within 5 % of an end of this one.

    It leads no further than the key ``allows``; there may be none.
    """
    match = _INTERVAL.search(sweep)
    if match is None:
        return None
    low, high = float(match["low"]), float(match["high"])
    before, after = sweep[: match.start()], sweep[match.end() :]
    log, whole = "log" in before, "int(" in before
    if log and min(low, value) <= 0:  # no sweep has such a one, but an edited file may
        return None
    scale = math.log if log else float
    share = EDGE * (scale(high) - scale(low))
    at_low, at_high = scale(value) - scale(low) <= share, scale(high) - scale(value) <= share
    if at_low == at_high:
        return None
    if at_low:
        # No integer on a log scale is below 1.
        beyond = max(low / WIDER, float(whole)) if log else 2 * low - high
    else:
        beyond = high * WIDER if log else 2 * high - low
    # Most ranges that end, end at one of these.
    ends = (beyond, 0.0, 1.0) if at_low else (beyond, 1.0)
    wider = [end for end in ends if (beyond <= end < low if at_low else high < end <= beyond)]
    kind = round if whole else float
    found = next((end for end in wider if (end or not log) and allows(kind(end))), None)
    if found is None:
        return None
    low, high = (found, high) if at_low else (low, found)
    interval = ",".join(short_exponent(f"{end:.6g}") for end in (low, high))
    return shlex.quote(f"{key}={before}interval({interval}){after}")
