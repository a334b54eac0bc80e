"""A file of the user's: its bytes, and their SHA-256."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from regsweep.errors import MachineFault, bad_value


@dataclass(frozen=True)
class OwnFile:
    """The content of the file that the key names."""

    key: str
    path: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def read_file(key: str, path: str) -> OwnFile:
    """The file at ``path``.

    Raises:
        MachineFault: it cannot be read; no run is at fault.
    """
    try:
        return OwnFile(key, path, Path(path).read_bytes())
    except OSError as error:
        raise MachineFault(
            str(bad_value(key, path, f"a file that can be read ({error.strerror})"))
        ) from error


def stamp(path: str) -> tuple[int, int, int] | None:
    """What differs where a file was written anew; ``None`` where there is none."""
    try:
        stat = Path(path).stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
