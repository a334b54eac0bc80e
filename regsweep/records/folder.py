"""The folder of a run or a sweep: named, held by one process, and free of links out of it."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from regsweep.errors import InputError, bad_value
from regsweep.records.atomic import write_text

LOCK = ".lock"
HOLDER = ".lock-holder"
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
        InputError: it cannot be made or written, holds a symbolic link, or another process
            holds it; the message says which, on which host.
    """
    from filelock import FileLock, Timeout  # slow to load

    _refuse_held(key, directory, names)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _refuse_links(directory, names)
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


def _refuse_links(directory: Path, names: Sequence[str] | None) -> None:
    """What is written under a name that is a link lands where the link leads."""
    tops = [directory] if names is None else [directory / n for n in (*names, LOCK, HOLDER)]
    links = [top for top in tops if top.is_symlink() and top != directory]
    links += [Path(entry) for top in tops for entry in _below(top) if entry.is_symlink()]
    for link in links:
        raise InputError(
            f"{link}: a symbolic link, which could lead what is written out of {directory}; "
            "remove it, or take another folder"
        )


def _below(top: str | Path) -> Iterator[os.DirEntry[str]]:
    """All that is in a folder and the folders below, links not followed; of a file, nothing."""
    if os.path.isdir(top):
        for entry in os.scandir(top):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path)
