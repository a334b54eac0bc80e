"""The one error that a user can cause, how it is worded, and the interrupt that one may hide."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something that the user gave cannot be used; the message alone says what to change."""


class MachineFault(RuntimeError):
    """The machine failed, not a run: a disk, a database; the same command can go on later."""


def bad_value(key: str, value: object, expected: str) -> InputError:
    """An error that names the key, its value and what would be right."""
    return InputError(f"{key}={value}: expected {expected}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: the nearest known one, then all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}known: {', '.join(names)}" if names else "there are none"


def raise_interrupt(error: Exception) -> None:
    """Raise the interrupt that ``error`` stands in for, if any.

    Where an interrupt comes while a library puts something back, what fails then replaces it.
    """
    context = error.__context__
    while context is not None:
        if not isinstance(context, Exception):
            raise context
        context = context.__context__
