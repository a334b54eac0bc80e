"""The records under one or several directories, and what could not be read there."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from regsweep.errors import InputError
from regsweep.record import FILE_NAME, Record, RecordError, read
from regsweep.report.scan import RunFolder, run_folders
from regsweep.spec.run import Objective
from regsweep.sweep_file import FILE_NAME as SWEEP_FILE

OBJECTIVES: tuple[str, ...] = get_args(Objective)


@dataclass(frozen=True)
class GatheredRun:
    """A record and the name of its sweep, empty for a run outside any sweep."""

    sweep: str
    record: Record


@dataclass(frozen=True)
class Problem:
    """A path and why nothing was taken from it."""

    path: str
    reason: str


@dataclass(frozen=True)
class Gathered:
    """All that the directories hold: runs, each sweep's objective, and what is missing."""

    runs: tuple[GatheredRun, ...]
    objectives: Mapping[str, str]
    unreadable: tuple[Problem, ...]
    unfinished: tuple[Problem, ...]


def gather(directories: Sequence[str | Path]) -> Gathered:
    """The records at or under ``directories``, each taken once, at a cost linear in their number.

    A folder with a ``sweep.json`` is a sweep; so is one without, if a record says that it was a
    job of a sweep there. Sweeps are named relative to the deepest folder that holds them all.

    Raises:
        InputError: a directory does not exist or holds no run, or no record can be read.
    """
    folders = _unique_folders([os.fspath(d) for d in directories])
    unreadable = [Problem(f.path, f.error) for f in folders if f.error is not None]
    unfinished = [
        Problem(f.path, f"has no {FILE_NAME}") for f in folders if not (f.finished or f.error)
    ]
    placed, damaged_records = _read_all([f for f in folders if f.finished])
    unreadable += damaged_records
    names = _sweep_names({sweep for sweep, _ in placed})
    if not placed:
        raise InputError(_nothing_to_read(directories, unreadable, unfinished))
    objectives, damaged_sweeps = _objectives(placed, names)
    return Gathered(
        runs=tuple(GatheredRun(names[sweep], record) for sweep, record in placed),
        objectives=objectives,
        unreadable=tuple(sorted(unreadable + damaged_sweeps, key=lambda p: p.path)),
        unfinished=tuple(sorted(unfinished, key=lambda p: p.path)),
    )


def _unique_folders(directories: Sequence[str]) -> list[RunFolder]:
    found: dict[str, RunFolder] = {}
    # Outer directories first: only from there is a run seen as part of its sweep.
    for directory in sorted(map(os.path.normpath, directories), key=_real_length):
        if not os.path.isdir(directory):
            raise InputError(f"{directory}: no such directory")
        folders = list(run_folders(directory))
        if not folders:
            raise InputError(f"{directory}: holds no run (no {FILE_NAME} in it or under it)")
        real = os.path.realpath(directory)
        for folder in folders:
            below = folder.path[len(directory) :].lstrip(os.sep)
            found.setdefault(os.path.join(real, below) if below else real, folder)
    return list(found.values())


def _real_length(directory: str) -> int:
    return len(os.path.realpath(directory))


def _read_all(folders: Iterable[RunFolder]) -> tuple[list[tuple[str, Record]], list[Problem]]:
    """The folders' records, each with the folder of its sweep, and those that are damaged."""
    placed, damaged = [], []
    for folder in folders:
        path = os.path.join(folder.path, FILE_NAME)
        try:
            record = read(Path(path))
        except RecordError as error:
            damaged.append(Problem(path, error.reason))
        else:
            placed.append((_sweep_folder(folder, record), record))
    return placed, damaged


def _sweep_folder(folder: RunFolder, record: Record) -> str:
    """The folder of the run's sweep, or an empty string for a run outside any sweep."""
    if folder.sweep is not None:
        return folder.sweep
    if record.trial is None:
        return ""
    # Equal trial numbers of two sweeps must not be taken for replicates of one trial.
    path = os.path.abspath(folder.path)
    inside = path.removesuffix(os.sep + record.run)
    return inside if inside != path else os.path.dirname(path)


def _sweep_names(folders: Iterable[str]) -> dict[str, str]:
    paths = {folder: os.path.realpath(folder) for folder in folders if folder}
    if not paths:
        return {"": ""}
    common = os.path.commonpath([os.path.dirname(path) for path in paths.values()])
    return {"": ""} | {f: os.path.relpath(path, common) for f, path in paths.items()}


def _objectives(
    placed: Sequence[tuple[str, Record]], names: Mapping[str, str]
) -> tuple[dict[str, str], list[Problem]]:
    """Each sweep's objective, from its sweep file or else its first record, and bad files."""
    objectives: dict[str, str] = {}
    damaged = []
    for sweep, record in placed:
        if names[sweep] in objectives:
            continue
        configured = record.config.get("objective")
        objectives[names[sweep]] = str(configured) if configured in OBJECTIVES else OBJECTIVES[0]
        path = os.path.join(sweep, SWEEP_FILE)
        if sweep and os.path.exists(path):
            try:
                objectives[names[sweep]] = _asked_objective(path) or objectives[names[sweep]]
            except (OSError, ValueError) as error:
                damaged.append(Problem(path, f"unreadable ({error})"))
    return objectives, damaged


def _asked_objective(path: str) -> str | None:
    content = json.loads(Path(path).read_bytes())
    objective = content.get("objective") if isinstance(content, dict) else content
    if objective is not None and objective not in OBJECTIVES:
        raise ValueError(f"objective {objective!r}, expected one of {OBJECTIVES}")
    return objective


def _nothing_to_read(
    directories: Sequence[str | Path],
    unreadable: Sequence[Problem],
    unfinished: Sequence[Problem],
) -> str:
    named = ", ".join(os.fspath(d) for d in directories)
    problems = [*unreadable, *unfinished]
    listed = "; ".join(f"{p.path}: {p.reason}" for p in problems[:10])
    more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
    counts = f"{len(unreadable)} unreadable, {len(unfinished)} unfinished"
    return f"{named}: no record that can be read ({counts}): {listed}{more}"
