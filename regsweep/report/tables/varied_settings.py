"""What was varied between the runs of an arm, also where their sweeper did not say so."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from regsweep.records.record import Record
from regsweep.report.tables.gather import GatheredRun
from regsweep.settings.younger import unsaid

# Two runs that differ only in these, or in what they are part of, are repetitions of each other.
_NO_SETTING = frozenset(
    {"seed", "data.rows_seed", "data.root", "trainer.device", "trainer.log_every"}
)
_ROLE = "run."
_SEARCH = ".search"
# The key by which a node of the config names the choice that it was made from.
_CHOICE = ".name"
_GROUPS = ("data", "model", "optimizer")


def with_varied_settings(runs: Sequence[GatheredRun]) -> list[GatheredRun]:
    """The runs, with every config key that differs between runs of their sweep's arm in params.

    A sweeper's params hold neither the choice of a model nor what differs between runs that
    were started by hand; without these, runs of two models would pass for two repetitions.
    """
    runs = _with_younger_keys(_with_whole_arms(runs))
    by_arm: dict[tuple[str, str], list[Record]] = {}
    for run in runs:
        by_arm.setdefault(_arm(run), []).append(run.record)
    varied = {arm: _varied_keys(records) for arm, records in by_arm.items()}
    return [_with_params(run, varied[_arm(run)]) for run in runs]


def _with_whole_arms(runs: Sequence[GatheredRun]) -> list[GatheredRun]:
    """The runs, where those outside any sweep have in their arm every group that they vary.

    Nobody said what such runs are to be compared by; two data sets are not settings of one arm.
    """
    lone = [run.record.config for run in runs if not run.sweep]
    varied = [
        group
        for group in _GROUPS
        if len({repr(config.get(f"{group}{_CHOICE}")) for config in lone}) > 1
    ]
    return [run if run.sweep else _with_choices(run, varied) for run in runs]


def _with_younger_keys(runs: Sequence[GatheredRun]) -> list[GatheredRun]:
    """The runs, with the keys that others state and an older release left unsaid: no difference."""
    stated = {key for run in runs for key in run.record.config}
    return [_with_config(run, unsaid(run.record.config), stated) for run in runs]


def _with_config(run: GatheredRun, more: Mapping[str, Any], stated: set[str]) -> GatheredRun:
    wanted = {key: value for key, value in more.items() if key in stated}
    if not wanted:
        return run
    return replace(run, record=replace(run.record, config={**run.record.config, **wanted}))


def _with_choices(run: GatheredRun, groups: Sequence[str]) -> GatheredRun:
    config = run.record.config
    chosen = {g: str(config[f"{g}{_CHOICE}"]) for g in groups if f"{g}{_CHOICE}" in config}
    return replace(run, record=replace(run.record, arm={**run.record.arm, **chosen}))


def _arm(run: GatheredRun) -> tuple[str, str]:
    return run.sweep, repr(run.record.arm)


def _varied_keys(records: Sequence[Record]) -> list[str]:
    first = records[0].config
    varied: set[str] = set()
    for record in records[1:]:
        varied |= _differing(first, record.config)
    return sorted(k for k in varied - _NO_SETTING if not k.startswith(_ROLE) and _SEARCH not in k)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    keys = {k for k, v in other.items() if k not in one or one[k] != v}
    return keys | (one.keys() - other.keys())


def _with_params(run: GatheredRun, varied: Sequence[str]) -> GatheredRun:
    record = run.record
    # ``model.name`` cannot be overridden alone: ``model=cnn`` brings the choice's other keys.
    settings = {k.removesuffix(_CHOICE): record.config[k] for k in varied if k in record.config}
    missing = {k: v for k, v in settings.items() if k not in record.params}
    if not missing:
        return run
    return replace(run, record=replace(record, params={**record.params, **missing}))
