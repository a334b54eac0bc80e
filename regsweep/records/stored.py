"""Files that lie in the folders of runs and sweeps, read with no trust in what they are."""

import errno
import json
import math
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from regsweep.errors import InputError

# A record has some kB, the sweep file of a thousand arms some MB.
MOST_BYTES = 64 * 2**20
# Integers beyond this overflow as a float, which tables and plots make of them.
MOST_DIGITS = 300
# Nothing that is written is nested deeper, and what reads it recurses.
MOST_NESTED = 32

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class Unreadable(InputError):
    """The file ``path`` cannot be read, or does not hold what it should, for ``reason``."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


def kind(mode: int) -> str | None:
    """What a thing of this ``st_mode`` is, in words; ``None`` for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def read_bytes(path: str | Path) -> bytes:
    """The content of a regular file of at most ``MOST_BYTES``; a pipe or a device never blocks.

    Raises:
        Unreadable: it is no such file, a symbolic link, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if other := kind(status.st_mode):
                raise Unreadable(path, f"unreadable ({other}, expected a regular file)")
            if status.st_size > MOST_BYTES:
                size = f"{status.st_size:,} bytes, expected at most {MOST_BYTES:,}"
                raise Unreadable(path, f"unreadable ({size})")
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                return file.readall()
        finally:
            os.close(descriptor)
    except OSError as error:
        linked = error.errno == errno.ELOOP
        reason = "a symbolic link, expected a regular file" if linked else error.strerror
        raise Unreadable(path, f"unreadable ({reason})") from error


def read_text(path: str | Path) -> str:
    """The content of such a file as UTF-8.

    Raises:
        Unreadable: as ``read_bytes``, or it is no UTF-8.
    """
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(path, f"unreadable (no UTF-8: {error.reason})") from error


def read_json(path: str | Path) -> Any:
    """The JSON value in such a file, checked for all that no JSON of regsweep's own holds.

    Raises:
        Unreadable: as ``read_text``; or it is no JSON, a key stands twice, a number is not finite
            or far out of range, text is no text, or it is nested too deeply.
    """
    text = read_text(path)
    try:
        value = _DECODER.decode(text)
        if text.count("[") + text.count("{") > MOST_NESTED:
            _refuse_deep([value])
        if "\\u" in text:  # half of a surrogate pair can be escaped
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unreadable(path, f"unreadable (no text: {error.reason})") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(path, f"unreadable ({error})") from error
    return value


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} stands twice")
    return content


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text:.20} is out of range")
    return value


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_float,
    parse_int=_integer,
    parse_constant=_refuse_constant,
)


def _refuse_deep(values: Sequence[Any], depth: int = 0) -> None:
    if depth > MOST_NESTED:
        raise ValueError(f"nested more than {MOST_NESTED} levels deep")
    for value in values:
        if isinstance(value, Mapping):
            _refuse_deep(list(value.values()), depth + 1)
        elif isinstance(value, list):
            _refuse_deep(value, depth + 1)
