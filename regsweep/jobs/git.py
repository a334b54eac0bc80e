"""The commit of a working directory, read from the repository's files: git need not be there."""

import os
import re
from functools import cache
from pathlib import Path

from regsweep.records.stored import Unreadable, read_text

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
# References may point to one another; git follows as many.
_MOST_STEPS = 5


@cache
def commit_of(directory: Path) -> str | None:
    """The commit that is checked out where ``directory`` lies, if that is in a repository.

    Whether files were changed since is not asked. It is read once a process.
    """
    for folder in (directory, *directory.parents):
        git = _git_folder(folder)
        if git is not None:
            shared = _line(git / "commondir")  # of a worktree: where its repository is
            return _commit("HEAD", git, git / shared if shared else git)
    return None


def _git_folder(folder: Path) -> Path | None:
    """What git calls the git directory of a repository whose top is ``folder``."""
    dot = folder / ".git"
    if dot.is_dir():
        return dot
    line = _line(dot)  # of a worktree or a submodule
    if line is not None and line.startswith("gitdir: "):
        return folder / line.removeprefix("gitdir: ")
    is_bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    return folder if is_bare and (folder / "refs").is_dir() else None


def _commit(name: str, git: Path, shared: Path) -> str | None:
    """The commit that the reference ``name`` points to, on whatever way."""
    for _ in range(_MOST_STEPS):
        line = _line(git / name) or _line(shared / name) or _packed(name, shared)
        if line is None or _COMMIT.fullmatch(line):
            return line
        if not line.startswith("ref: "):
            return None
        name = line.removeprefix("ref: ")
    return None


def _packed(name: str, shared: Path) -> str | None:
    for line in _lines(shared / "packed-refs"):
        commit, _, packed = line.partition(" ")
        if packed == name:
            return commit
    return None


def _line(path: Path) -> str | None:
    return next(iter(_lines(path)), None)


def _lines(path: Path) -> list[str]:
    """The lines of a file, none where it cannot be read: then there is no commit to tell."""
    if not os.path.lexists(path):
        return []
    try:
        return read_text(path).splitlines()
    except Unreadable:
        return []
