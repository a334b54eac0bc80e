"""The folder of a run or a sweep: named, held by one process, and free of links out of it."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from regsweep.atomic import write_text
from regsweep.errors import InputError, bad_value

LOCK = ".lock"
HOLDER = ".lock-holder"


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
        write_text(directory / HOLDER, f"pid {os.getpid()} on {socket.gethostname()}\n")
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
    try:
        holder = (held / HOLDER).read_text(encoding="utf-8").strip()
    except OSError:  # it has not said so yet
        holder = "another process"
    where = "this folder" if held == directory else str(held)
    return InputError(
        f"{key}={directory}: {holder} is at work in {where}; wait for it, or take another"
    )


def _refuse_held(key: str, directory: Path, names: Sequence[str] | None) -> None:
    """Refuse a folder that lies in one that is held, or all that is below around one."""
    others = list(directory.resolve().parents)
    if names is None:
        others += [path.parent for path in directory.rglob(HOLDER) if path.parent != directory]
    for other in others:
        if _is_held(other):
            raise _at_work(key, directory, other)


def _is_held(directory: Path) -> bool:
    """Whether a process is at work in the folder; it is not kept from it by asking."""
    import fcntl  # not on Windows, where reports are read

    if not (directory / HOLDER).is_file():
        return False
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
    tops = [] if names is None else [directory / name for name in (*names, LOCK, HOLDER)]
    for path in (*tops, *(path for top in tops or [directory] for path in _below(top))):
        if path.is_symlink():
            raise InputError(
                f"{path}: a symbolic link, which could lead what is written out of {directory}; "
                "remove it, or take another folder"
            )


def _below(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        yield from (Path(folder, name) for name in (*folders, *files))
