"""The one error that a user can cause, and how its message is worded."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something that the user gave cannot be used; the message alone says what to change."""


def bad_value(key: str, value: object, expected: str) -> InputError:
    """An error that names the key, its value and what would be right."""
    return InputError(f"{key}={value}: expected {expected}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: the nearest known one, then all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}known: {', '.join(names)}" if names else "there are none"
