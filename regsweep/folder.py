"""The folder of a run or a sweep: named, held by one process, and free of links out of it."""

import os
import socket
from collections.abc import Iterator
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
def hold(key: str, directory: Path) -> Iterator[None]:
    """Make the folder that ``key`` names, and let no other process work in it.

    The kernel lets go of it when the process ends, however it ends.

    Raises:
        InputError: it cannot be made or written, holds a symbolic link, or another process
            holds it; the message says which, on which host.
    """
    from filelock import FileLock, Timeout  # slow to load

    try:
        directory.mkdir(parents=True, exist_ok=True)
        _refuse_links(directory)
        lock = FileLock(directory / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{key}={directory}: {_holder(directory)} is at work in this folder; "
            "wait for it, or take another"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise bad_value(key, directory, f"a folder that can be written ({reason})") from error
    try:
        write_text(directory / HOLDER, f"pid {os.getpid()} on {socket.gethostname()}\n")
        yield
    finally:
        lock.release()


def _holder(directory: Path) -> str:
    try:
        return (directory / HOLDER).read_text(encoding="utf-8").strip()
    except OSError:  # it has not said so yet
        return "another process"


def _refuse_links(directory: Path) -> None:
    """What is written under a name that is a link lands where the link leads."""
    for folder, folders, files in os.walk(directory):
        for path in (Path(folder, name) for name in (*folders, *files)):
            if path.is_symlink():
                raise InputError(
                    f"{path}: a symbolic link, which could lead what is written out of "
                    f"{directory}; remove it, or take another folder"
                )
