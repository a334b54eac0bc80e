"""What a reader of a comparison should know beside the verdict."""

import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from regsweep.report.arm import ArmResult
from regsweep.report.asked import Asked

# A winner so close to an end of its interval, as a share of its range, may have its best beyond.
EDGE = 0.05
# How far an interval is widened: so many times on a log scale, by its own range on a linear one.
WIDER = 100

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_INTERVAL = re.compile(
    rf"interval\(\s*(start\s*=\s*)?(?P<low>{_NUMBER})\s*,\s*(end\s*=\s*)?(?P<high>{_NUMBER})\s*\)"
)
# Beyond this there is nothing to search: ratios end at 1.
_RATIO_END = 1.0


def remarks_on(results: Sequence[ArmResult], asked: Mapping[str, Asked]) -> tuple[str, ...]:
    """Sentences on arms without a result, superseded runs, winners at an edge, missing tests."""
    several = len({r.sweep for r in results}) > 1
    found: list[str] = []
    for result in results:
        sweep = asked.get(result.sweep)
        if sweep is None or not sweep.budget:
            continue
        name = f"{result.sweep}: {result.arm}" if several else result.arm
        found += _of_arm(name, result, sweep)
    for sweep_name, sweep in asked.items():
        prefix = f"{sweep_name}: " if several else ""
        found += [prefix + text for text in _of_sweep(results, sweep_name, sweep)]
    return tuple(found)


def _of_arm(name: str, result: ArmResult, asked: Asked) -> Iterator[str]:
    if result.winner is None:
        yield f"{name} has no finished trial."
        return
    if len(result.superseded):
        yield (
            f"{name}: {len(result.superseded)} confirm runs of an earlier winner are superseded "
            "and do not count."
        )
    for key, sweep in asked.spaces.get(result.arm, {}).items():
        value = result.winner[key].iloc[0] if key in result.winner else None
        if isinstance(value, int | float) and (wider := _widened(key, float(value), sweep)):
            yield (
                f"{name}: the best {key} found, {value:.4g}, lies at the edge of its interval, "
                f"{sweep}. A wider one: {wider}"
            )


def _of_sweep(results: Sequence[ArmResult], name: str, asked: Asked) -> Iterator[str]:
    if not asked.budget:
        return
    own = [r for r in results if r.sweep == name]
    trials = asked.budget.get("n_trials", 0)
    # An arm with nothing to search, or a short grid, has fewer trials than were asked for.
    behind = any(asked.spaces.get(r.arm) and r.row["trials"] < trials for r in own)
    searching = behind and not any(r.confirmed for r in own)
    if searching:
        yield "The search is not finished."
    seeds = asked.budget.get("confirm_seeds", 0)
    if seeds == 0:
        yield (
            "Nothing was confirmed (confirm_seeds=0): the table ranks by validation alone and "
            "does not say whether a difference is real."
        )
    elif not searching and any(_misses_seeds(r, seeds) for r in own):
        yield f"Not all of the {seeds} confirm seeds are done."


def _misses_seeds(result: ArmResult, seeds: int) -> bool:
    return result.winner is not None and not result.unstable and len(result.tested) < seeds


def _widened(key: str, value: float, sweep: str) -> str | None:
    """The override of a wider interval, where ``value`` lies within 5 % of an end of this one."""
    match = _INTERVAL.search(sweep)
    if match is None:
        return None
    low, high = float(match["low"]), float(match["high"])
    before, after = sweep[: match.start()], sweep[match.end() :]
    log = "log" in before
    if log and min(low, value) <= 0:  # no sweep has such a one, but an edited file may
        return None
    # Nothing here is below 0, and no integer on a log scale below 1.
    smallest = 1.0 if log and "int(" in before else 0.0
    scale = math.log if log else float
    share = EDGE * (scale(high) - scale(low))
    at_low, at_high = scale(value) - scale(low) <= share, scale(high) - scale(value) <= share
    if at_low and not at_high and low > smallest:
        low = max(smallest, low / WIDER if log else low - (high - low))
    elif at_high and not at_low and not (key.endswith("ratio") and high >= _RATIO_END):
        high = high * WIDER if log else high + (high - low)
    else:
        return None
    return shlex.quote(f"{key}={before}interval({low:.6g},{high:.6g}){after}")
