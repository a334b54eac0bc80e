"""What was varied between runs that were started one by one, outside any sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from regsweep.record import Record
from regsweep.report.gather import GatheredRun

_ABSENT = object()


def with_varied_settings(runs: Sequence[GatheredRun]) -> list[GatheredRun]:
    """The runs, where each lone one has the keys in which its arm's lone runs differ as params.

    Nothing was searched in a lone run, so its params are empty; without this, runs of two
    penalty weights that were started by hand would pass for two seeds of one setting.
    """
    by_arm: dict[tuple[tuple[str, str], ...], list[Record]] = {}
    for run in runs:
        if _is_lone(run):
            by_arm.setdefault(tuple(run.record.arm.items()), []).append(run.record)
    varied = {arm: _varied_keys(records) for arm, records in by_arm.items()}
    return [
        _with_params(run, varied[tuple(run.record.arm.items())]) if _is_lone(run) else run
        for run in runs
    ]


def _is_lone(run: GatheredRun) -> bool:
    return not run.sweep and run.record.trial is None


def _varied_keys(records: Sequence[Record]) -> set[str]:
    first = records[0].config
    varied: set[str] = set()
    for record in records[1:]:
        varied |= _differing(first, record.config)
    arm = records[0].arm
    # Two runs that differ only in these are two seeds of one setting.
    return {k for k in varied if k != "seed" and not k.startswith("run.") and k not in arm}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    keys = {k for k, v in other.items() if one.get(k, _ABSENT) != v}
    return keys | (one.keys() - other.keys())


def _with_params(run: GatheredRun, keys: set[str]) -> GatheredRun:
    config = run.record.config
    settings = {key: config[key] for key in sorted(keys) if key in config}
    return replace(run, record=replace(run.record, params={**run.record.params, **settings}))
