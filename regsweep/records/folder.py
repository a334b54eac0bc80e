"""The folder of a run or a sweep: named, held by one process, and free of links and pipes."""

import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from regsweep.errors import InputError, bad_value
from regsweep.records.atomic import write_text
from regsweep.records.stored import kind

LOCK = ".lock"
HOLDER = ".lock-holder"
STUDIES = "optuna.db"
# What lies here is read with care, and set aside under a longer name where it is no file.
READ_WITH_CARE = ("record.json", "sweep.json")
WITH_ALL_BELOW = "with all that is below"


def read_folder(key: str, value: object) -> Path:
    """The folder that ``value`` names, ``~`` expanded.

    Raises:
        InputError: it names none.
    """
    if value is None or not str(value).strip():
        raise bad_value(key, "" if value is None else value, "the name of a folder")
    try:
        return Path(str(value)).expanduser()
    except RuntimeError as error:
        raise bad_value(key, value, f"a folder ({error})") from error


@contextmanager
def hold(key: str, directory: Path, names: Sequence[str] | None = None) -> Iterator[None]:
    """Make the folder that ``key`` names, and let no other process work in it.

    The kernel lets go of it when the process ends, however it ends. ``names`` are what is written
    in it, ``None`` for all that is below.

    Raises:
        InputError: it cannot be made or written, holds a symbolic link, a pipe, a socket or a
            device, or another process holds it; the message says which, on which host.
    """
    from filelock import FileLock, Timeout  # slow to load

    _refuse_held(key, directory, names)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _refuse_strange(directory, names)
        lock = FileLock(directory / LOCK, timeout=0)
        lock.acquire()
        said = f"pid {os.getpid()} on {socket.gethostname()}\n"
        said += f"{WITH_ALL_BELOW}\n" if names is None else ""
        write_text(directory / HOLDER, said)
    except Timeout:
        raise _at_work(key, directory, directory) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise bad_value(key, directory, f"a folder that can be written ({reason})") from error
    try:
        _refuse_held(key, directory, names)  # a folder made meanwhile
        yield
    finally:
        lock.release()


def _at_work(key: str, directory: Path, held: Path) -> InputError:
    holder = (_holder(held) or ["another process"])[0]
    where = "this folder" if held == directory else str(held)
    return InputError(
        f"{key}={directory}: {holder} is at work in {where}; wait for it, or take another"
    )


def _holder(directory: Path) -> list[str]:
    """What the process that holds or held the folder said, if it has yet."""
    path = directory / HOLDER
    return path.read_text("utf-8", "replace").splitlines() if path.is_file() else []


def _refuse_held(key: str, directory: Path, names: Sequence[str] | None) -> None:
    """Refuse a folder that lies in one that is held, or all that is below around one."""
    others = [up for up in directory.resolve().parents if WITH_ALL_BELOW in _holder(up)]
    if names is None:
        found = (Path(entry).parent for entry in _below(directory) if entry.name == HOLDER)
        others += [below for below in found if below != directory]
    for other in others:
        if _is_held(other):
            raise _at_work(key, directory, other)


def _is_held(directory: Path) -> bool:
    """Whether a process is at work in the folder; it is not kept from it by asking."""
    import fcntl  # not on Windows, where reports are read

    try:
        descriptor = os.open(directory / LOCK, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _refuse_strange(directory: Path, names: Sequence[str] | None) -> None:
    """What is written under a name that is a link lands where the link leads; a pipe waits."""
    tops = [directory] if names is None else [directory / n for n in (*names, LOCK, HOLDER)]
    files = [directory / n for n in (LOCK, HOLDER, *([STUDIES] if names is None else []))]
    for path in (*tops, *files, *_no_files(tops)):
        if path == directory or not os.path.lexists(path):
            continue
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise InputError(
                f"{path}: a symbolic link, which could lead what is written out of {directory}; "
                "remove it, or take another folder"
            )
        if path not in files and (stat.S_ISDIR(mode) or path.name.startswith(READ_WITH_CARE)):
            continue
        if other := kind(mode):
            raise InputError(
                f"{path}: {other}, expected a regular file; remove it, or take another folder"
            )


def _no_files(tops: Sequence[Path]) -> Iterator[Path]:
    """What is neither a file nor a folder in ``tops``."""
    for entry in (entry for top in tops for entry in _below(top)):
        if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
            yield Path(entry)


def _below(top: str | Path) -> Iterator[os.DirEntry[str]]:
    """All that is in a folder and the folders below, links not followed; of a file, nothing."""
    if os.path.isdir(top):
        for entry in os.scandir(top):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path)
