"""The run folders under a directory, found by the names in it alone."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from regsweep.records.record import FILE_NAME
from regsweep.records.sweep_file import FILE_NAME as SWEEP_FILE

HYDRA_FOLDER = ".hydra"


@dataclass(frozen=True)
class RunFolder:
    """A folder that a run was started in, and the nearest folder above it with a sweep file.

    ``finished`` says whether it holds a record; ``error`` why a folder could not be listed.
    """

    path: str
    sweep: str | None
    finished: bool
    error: str | None = None


def run_folders(root: str) -> Iterator[RunFolder]:
    """Every run folder at or under ``root``, at any depth; symbolic links are not followed."""
    waiting: list[tuple[str, str | None]] = [(root, None)]
    while waiting:
        path, sweep = waiting.pop()
        try:
            files, folders = _listing(path)
        except OSError as error:
            yield RunFolder(path, sweep, False, error.strerror or str(error))
            continue
        names = files.union(folders)
        if SWEEP_FILE in names:
            sweep = path
        elif FILE_NAME in names or HYDRA_FOLDER in folders:
            yield RunFolder(path, sweep, FILE_NAME in names)
        # Hidden folders hold what Hydra and its launchers keep for themselves.
        waiting += [(f"{path}{os.sep}{f}", sweep) for f in folders if not f.startswith(".")]


def _listing(path: str) -> tuple[set[str], list[str]]:
    files, folders = set(), []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                files.add(entry.name)
    return files, folders
