"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> Path:
    """Write ``text`` to ``path``, as UTF-8 and with its own line ends; returns ``path``.

    Raises:
        OSError: it cannot be written; the error names ``path``.
    """
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path``; returns ``path``.

    Temporary file in the same folder, fsync, rename, fsync of the folder; where that fails, the
    temporary file is gone and a file that was at ``path`` before is as it was.

    Raises:
        OSError: it cannot be written; the error names ``path``.
    """
    try:
        return _write(path, content)
    except OSError as error:
        error.filename = str(path)  # not the temporary file
        raise


def _write(path: Path, content: bytes) -> Path:
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_folder(path.parent)
    return path


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
