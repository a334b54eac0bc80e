"""One sweep a folder: the lock that a running sweep holds on it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from regsweep.atomic import write_text
from regsweep.errors import InputError

LOCK = ".lock"
HOLDER = ".lock-holder"


@contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Hold the folder of a sweep; the kernel lets go of it when the process ends, however it ends.

    Raises:
        InputError: another process holds it; the message says which, on which host.
    """
    lock = FileLock(directory / LOCK, timeout=0)
    holder = directory / HOLDER
    try:
        lock.acquire()
    except Timeout:
        who = holder.read_text(encoding="utf-8").strip() if holder.exists() else "another process"
        raise InputError(
            f"{directory}: a sweep is running in this folder ({who}); "
            "wait for it, or take another hydra.sweep.dir"
        ) from None
    try:
        write_text(holder, f"pid {os.getpid()} on {socket.gethostname()}\n")
        yield
    finally:
        lock.release()
