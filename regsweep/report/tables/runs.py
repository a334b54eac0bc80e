"""The table with a row a run, as ``runs.csv`` holds it."""

import re
import shlex
from collections.abc import Sequence
from typing import get_args

import pandas as pd

from regsweep.records.arm import arm_name
from regsweep.records.record import METRICS, RARE, Record, Stage, metrics_of
from regsweep.records.task import scores_in
from regsweep.report.tables.gather import GatheredRun
from regsweep.report.tables.override import spelled
from regsweep.report.tables.raised import exception_line
from regsweep.report.tables.varied_settings import with_varied_settings

BEFORE_PARAMS = ("sweep", "run", "stage", "arm", "trial", "seed", "status")
AFTER_METRICS = ("epochs", "seconds", "error")
# Behind the stage, where some confirm runs are of another trial than a winner.
ROLE = "role"
_FIXED = frozenset((*BEFORE_PARAMS, ROLE, *METRICS, *AFTER_METRICS))
_STAGES = get_args(Stage)


def runs_table(runs: Sequence[GatheredRun]) -> pd.DataFrame:
    """One row a run, sorted by stage, arm, trial, seed.

    Every compared group and every searched key has a column. One that an arm lacks is NaN;
    ``None`` there is Hydra's null. One that has the name of a fixed column (``seed``) has no
    column of its own. Runs of several tasks have the columns of each one's score.
    """
    return table_of_runs(in_order(runs))


def table_of_runs(ordered: Sequence[GatheredRun]) -> pd.DataFrame:
    """``runs_table`` of runs that are ``in_order`` already."""
    records = [run.record for run in ordered]
    columns: dict[str, pd.Series] = {
        "sweep": _text([run.sweep or None for run in ordered]),
        "run": _text([r.run for r in records]),
        "stage": _text([r.stage for r in records]),
        **_roles(records),
        "arm": _text([arm_name(r.arm) for r in records]),
        "trial": pd.Series([r.trial for r in records], dtype="Int64"),
        "seed": _integers([r.seed for r in records]),
        "status": _text([r.status for r in records]),
    }
    for key in _varied_columns(records):
        values = [r.arm.get(key, r.params.get(key, float("nan"))) for r in records]
        columns[key] = pd.Series(values, dtype=object)
    held = dict.fromkeys(metric for r in records for metric in r.metrics)
    for name in (*metrics_of(scores_in(held)), *(name for name in RARE if name in held)):
        columns[name] = pd.Series([r.metrics.get(name) for r in records], dtype=float)
    columns["epochs"] = _integers([r.epochs for r in records])
    columns["seconds"] = pd.Series([r.seconds for r in records], dtype=float)
    columns["error"] = _text([exception_line(r.error) for r in records])
    return pd.DataFrame(columns)


def in_order(runs: Sequence[GatheredRun]) -> list[GatheredRun]:
    """The runs in the order of the table, with all that was varied in their params."""
    return sorted(with_varied_settings(runs), key=_sort_key)


def fixed_overrides(record: Record, search_path: Sequence[str] = ()) -> str:
    """What a run was given beside its arm, its searched keys and its seed, and what was settled.

    A run alone may settle ``auto`` otherwise than its sweep did, and then rounds otherwise.
    """
    settled = _settled(record)
    known = {*record.arm, *record.params, *settled, "seed"}
    lines = [
        line
        for line in record.overrides
        if (key := line.lstrip("+~").partition("=")[0]) not in known and not key.startswith("run.")
    ]
    lines += [f"{key}={value}" for key, value in settled.items()]
    if search_path:
        lines.append(f"hydra.searchpath=[{','.join(map(_place, search_path))}]")
    return shlex.join(lines)


def _settled(record: Record) -> dict[str, str]:
    """What a run took for each ``auto`` of its config."""
    mode = record.environment.get("mode")
    taken = {
        "trainer.device": record.environment.get("device"),
        "trainer.compile": None if mode is None else spelled(mode == "compiled"),
        "trainer.pack": record.environment.get("pack"),
    }
    return {k: str(v) for k, v in taken.items() if v is not None and record.config.get(k) == "auto"}


def _place(path: str) -> str:
    return path if re.fullmatch(r"[\w./:-]+", path) else spelled(path)


def param_columns(runs: pd.DataFrame) -> list[str]:
    """The compared groups and searched keys among the columns of a runs table."""
    return [column for column in runs.columns if column not in _FIXED]


def _sort_key(run: GatheredRun) -> tuple[int, str, bool, int, int, str, str]:
    r = run.record
    lone = r.trial is None
    return (_STAGES.index(r.stage), arm_name(r.arm), lone, r.trial or 0, r.seed, r.run, run.sweep)


def _roles(records: Sequence[Record]) -> dict[str, pd.Series]:
    """What confirm runs train again, where that is not the winner for all."""
    roles = [(r.role or "winner") if r.stage == "confirm" else None for r in records]
    return {} if {*roles} <= {None, "winner"} else {ROLE: _text(roles)}


def _varied_columns(records: Sequence[Record]) -> list[str]:
    """The compared groups in the order of the arms, then the searched keys."""
    groups = dict.fromkeys(group for r in records for group in r.arm if group not in _FIXED)
    keys = {key for r in records for key in r.params} - groups.keys() - _FIXED
    return [*groups, *sorted(keys)]


def _text(values: Sequence[str | None]) -> pd.Series:
    return pd.Series(values, dtype="str")


def _integers(values: Sequence[int]) -> pd.Series:
    return pd.Series(values, dtype="int64")
