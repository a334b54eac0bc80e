"""SHA-256 of the files on disk: checked before every use, remembered between starts."""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from regsweep.data.source import Source
from regsweep.errors import MachineFault
from regsweep.records.atomic import write_text
from regsweep.records.stored import Unreadable, read_json

MEMO = ".verified.json"

Fingerprint = dict[str, int | str]
"""What the memo says of one file: size in bytes, mtime_ns, ctime_ns, inode, sha256."""


def missing_files(source: Source, folder: Path) -> list[str]:
    """Names of the source's files that are not in the folder."""
    return [name for name in source.files if not os.path.lexists(folder / name)]


def verify_files(source: Source, folder: Path) -> None:
    """Check those of the source's files that are in the folder against their pinned SHA-256.

    A file whose size, times of modification and of change, and inode are as the memo in the folder
    has them is not read again. MachineFault names the first file that differs; files are neither
    changed nor deleted.
    """
    memo = _read_memo(folder)
    seen: dict[str, Fingerprint] = {}
    absent = missing_files(source, folder)
    for name, expected in source.files.items():
        if name in absent:
            continue
        seen[name] = _fingerprint(folder / name, expected, memo.get(name))
        if seen[name]["sha256"] != expected:
            raise MachineFault(
                f"{folder / name}: damaged, or not the file of {source.name}.\n"
                f"  SHA-256 expected: {expected}\n"
                f"  SHA-256 found:    {seen[name]['sha256']}\n"
                "Delete it to have it downloaded again, or put the right file in its place."
            )
    if seen != memo:
        _write_memo(folder, seen)


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fingerprint(path: Path, expected: str, known: object) -> Fingerprint:
    """The file's fingerprint; the content is not read where `known` vouches for this state."""
    try:
        # Taken before the content is read: a file that changes meanwhile is hashed next time.
        stat = path.stat()
        state: Fingerprint = {
            "size": stat.st_size,
            "mtime_ns": stat.st_mtime_ns,
            "ctime_ns": stat.st_ctime_ns,  # which no program can set
            "inode": stat.st_ino,
        }
        right = {**state, "sha256": expected}
        return right if known == right else {**state, "sha256": sha256(path)}
    except OSError as error:
        raise MachineFault(f"{path}: cannot be read ({error.strerror})") from error


def _read_memo(folder: Path) -> dict[str, object]:
    # A memo that is absent or damaged only costs a hash: it is never a reason to fail.
    try:
        memo = read_json(folder / MEMO)
    except Unreadable:
        return {}
    return memo if isinstance(memo, dict) else {}


def _write_memo(folder: Path, seen: dict[str, Fingerprint]) -> None:
    # A read-only folder has no memo, and is hashed at every start.
    with contextlib.suppress(OSError):
        write_text(folder / MEMO, json.dumps(seen, indent=1))
