"""Values as Hydra's override grammar spells them, so that a printed override can be pasted."""

import re
import shlex
from collections.abc import Mapping

# What needs no quotes: a plain word that is none of the grammar's own constants.
_PLAIN = re.compile(r"(?!(?:null|true|false|nan|inf)$)[A-Za-z_][A-Za-z0-9_./-]*", re.IGNORECASE)


def override(key: str, value: object) -> str:
    """``key=value``, quoted first for Hydra and then for a shell, where either needs it."""
    return shlex.quote(f"{key}={spelled(value)}")


def words(overrides: str) -> list[str]:
    """Overrides of one line, as a shell takes it apart."""
    # shlex takes 50 microseconds a line.
    quoted = any(character in overrides for character in "'\"\\")
    return shlex.split(overrides) if quoted else overrides.split()


def spelled(value: object) -> str:
    """``value`` as an override spells it; numbers in the shortest form that reads back equal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else _quoted(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{k}:{spelled(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(spelled, value)) + "]"
    return repr(value)


def _quoted(text: str) -> str:
    # Backslashes count as escapes only in front of a quote, the closing one included.
    escaped = re.sub(r"(\\*)(')", r"\1\1\\\2", text)
    return "'" + re.sub(r"(\\+)$", r"\1\1", escaped) + "'"
