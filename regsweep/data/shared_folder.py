"""The folder in which the processes of a sweep share examples: made, and removed at any end."""

import fcntl
import logging
import os
import re
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

# The environment variable by which a process is told of the folder; unset or empty, it shares none.
VARIABLE = "REGSWEEP_SHARED"

# Files there are memory. Where it is small, as in most containers, other programs need it.
MEMORY = Path("/dev/shm")
ROOM = 2**30

_PREFIX = "regsweep-shared-"
_NAME = re.compile(rf"{_PREFIX}\w{{8}}(\.\d+\.gone)?")


class SharedFolder:
    """A folder for this process and those that it starts, gone at its end or by ``remove``.

    It is in memory where that has room, else among the temporary files, which the system keeps in
    memory as it can. ``path`` is empty where neither can be, which is logged. Those that killed
    processes have left there are removed.
    """

    def __init__(self) -> None:
        self.path = ""
        self._end: weakref.finalize[..., SharedFolder] | None = None
        try:
            parent = MEMORY if _has_room(MEMORY) else Path(tempfile.gettempdir())
            _remove_abandoned(parent)
            path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
            lock = os.open(path, os.O_RDONLY)
            self._end = weakref.finalize(self, _remove_unlocked, path, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)  # held while this process lives
            self.path = path
        except OSError as error:
            log.warning(
                "each process holds examples of its own: no folder to share them: %s", error
            )

    def remove(self) -> None:
        """Remove the folder; what is mapped of it stays so."""
        if self._end is not None:
            self._end()


def remove(folder: str | Path) -> None:
    """Remove ``folder``, in which others may write: they find it gone at once."""
    gone = f"{folder}.{os.getpid()}.gone"
    with suppress(FileNotFoundError):  # another process removes it
        os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def _remove_unlocked(folder: str, lock: int) -> None:
    remove(folder)
    os.close(lock)


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= ROOM


def _remove_abandoned(parent: Path) -> None:
    """Remove such folders of this user's whose process does not live: nobody holds their lock."""
    for entry in os.scandir(parent):
        if not _NAME.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
            continue
        # Another process has removed it, it is another user's, or it is in use.
        with suppress(FileNotFoundError, PermissionError, BlockingIOError):
            lock = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.getuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(entry.path, ignore_errors=True)
            finally:
                os.close(lock)
