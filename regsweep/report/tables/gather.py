"""The records under one or several directories, and what could not be read there."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from regsweep.errors import InputError
from regsweep.records.objective import JUDGED
from regsweep.records.record import FILE_NAME, Record, RecordError, read
from regsweep.records.stored import Unreadable
from regsweep.records.sweep_file import FILE_NAME as SWEEP_FILE
from regsweep.report.tables.copies import Placed, without_copies
from regsweep.report.tables.request import Request, read_request
from regsweep.report.tables.scan import RunFolder, run_folders


@dataclass(frozen=True)
class GatheredRun:
    """A record, the name of its sweep, empty for a run outside any sweep, and its folder."""

    sweep: str
    record: Record
    folder: str = ""


@dataclass(frozen=True)
class Problem:
    """A path and why nothing was taken from it."""

    path: str
    reason: str


@dataclass(frozen=True)
class Gathered:
    """All that the directories hold: runs, what each sweep was asked for, and what is missing.

    ``objectives`` has an entry for every sweep, ``asked`` for those with a sweep file; ``copies``
    are the folders whose record another one holds too.
    """

    runs: tuple[GatheredRun, ...]
    objectives: Mapping[str, str]
    asked: Mapping[str, Request]
    unreadable: tuple[Problem, ...]
    unfinished: tuple[Problem, ...]
    copies: tuple[Problem, ...] = ()


def gather(directories: Sequence[str | Path]) -> Gathered:
    """The records at or under ``directories``, each taken once, at a cost linear in their number.

    A folder with a ``sweep.json`` is a sweep; so is one without, if a record says that it was a
    job of a sweep there. Sweeps are named relative to the deepest folder that holds them all.

    Raises:
        InputError: a directory does not exist or holds no run, or no record can be read.
    """
    folders = _unique_folders([os.fspath(d) for d in directories])
    unreadable = [_problem(f.path, f.error) for f in folders if f.error is not None]
    unfinished = [
        _problem(f.path, f"has no {FILE_NAME}") for f in folders if not (f.finished or f.error)
    ]
    all_placed, damaged_records = _read_all([f for f in folders if f.finished])
    unreadable += damaged_records
    placed, copies = without_copies(all_placed)
    if not placed:
        raise InputError(_nothing_to_read(directories, unreadable, unfinished))
    names = _sweep_names(sorted({run.sweep for run in placed}))
    asked, damaged_sweeps = _read_sweeps(names)
    objectives = _objectives(placed, names, asked)
    return Gathered(
        runs=tuple(GatheredRun(names[run.sweep], run.record, run.folder) for run in placed),
        objectives=objectives,
        asked={name: replace(one, objective=objectives[name]) for name, one in asked.items()},
        unreadable=_sorted(unreadable + damaged_sweeps),
        unfinished=_sorted(unfinished),
        copies=_sorted(_problem(one, f"a copy of {other}") for one, other in copies.items()),
    )


def shown(path: str) -> str:
    """``path`` as text that every file can hold: bytes that are no UTF-8 as ``\\xff``."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _problem(path: str, reason: str) -> Problem:
    return Problem(shown(path), shown(reason))


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.path))


def _unique_folders(directories: Sequence[str]) -> list[RunFolder]:
    found: dict[str, RunFolder] = {}
    # Outer directories first: only from there is a run seen as part of its sweep.
    for directory in sorted(map(os.path.normpath, directories), key=_real_length):
        if not os.path.isdir(directory):
            there = os.path.lexists(directory)
            wrong = "expected a directory, but it is none" if there else "no such directory"
            raise InputError(f"{directory}: {wrong}")
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


def _read_all(folders: Iterable[RunFolder]) -> tuple[list[Placed], list[Problem]]:
    """The folders' records, each with the folder of its sweep, and those that are damaged."""
    placed, damaged = [], []
    for folder in folders:
        path = os.path.join(folder.path, FILE_NAME)
        try:
            record = read(Path(path))
        except RecordError as error:
            damaged.append(_problem(path, error.reason))
        else:
            placed.append(Placed(_sweep_folder(folder, record), record, folder.path))
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
    return {"": ""} | {f: shown(os.path.relpath(path, common)) for f, path in paths.items()}


def _read_sweeps(names: Mapping[str, str]) -> tuple[dict[str, Request], list[Problem]]:
    """What the sweeps were asked for, by their names, and the sweep files that are damaged."""
    asked, damaged = {}, []
    for folder, name in names.items():
        path = os.path.join(folder, SWEEP_FILE)
        if not name or not os.path.lexists(path):
            continue
        try:
            asked[name] = read_request(Path(folder))
        except Unreadable as error:
            damaged.append(_problem(path, error.reason))
    return asked, damaged


def _objectives(
    placed: Sequence[Placed],
    names: Mapping[str, str],
    asked: Mapping[str, Request],
) -> dict[str, str]:
    """Each sweep's objective: its sweep file's, else its first record's."""
    objectives = {name: sweep.objective for name, sweep in asked.items() if sweep.objective}
    known = tuple(JUDGED)
    for run in placed:
        if names[run.sweep] not in objectives:
            configured = run.record.config.get("objective")
            objectives[names[run.sweep]] = configured if configured in known else known[0]
    return objectives


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
