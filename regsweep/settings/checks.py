"""Range checks whose messages name the key, the value and what would be right."""

import math
from collections.abc import Collection, Sequence

from regsweep.errors import InputError, bad_value, nearest


def non_negative(key: str, value: float) -> None:
    """Refuse a number that is below 0 or not finite."""
    if not (math.isfinite(value) and value >= 0):
        raise bad_value(key, value, "a finite number, 0 or above")


def positive(key: str, value: float) -> None:
    """Refuse a number that is 0, below 0 or not finite."""
    if not (math.isfinite(value) and value > 0):
        raise bad_value(key, value, "a finite number above 0")


def fraction(key: str, value: float) -> None:
    """Refuse a number outside [0, 1]."""
    if not 0 <= value <= 1:
        raise bad_value(key, value, "a number from 0 to 1")


def below_1(key: str, value: float) -> None:
    """Refuse a number outside [0, 1)."""
    if not 0 <= value < 1:
        raise bad_value(key, value, "a number from 0 to below 1")


def whole(key: str, value: int, low: int, high: int | None = None) -> None:
    """Refuse an integer below ``low`` or above ``high``."""
    if value < low or (high is not None and value > high):
        bounds = f"{low} or above" if high is None else f"from {low} to {high}"
        raise bad_value(key, value, f"a whole number, {bounds}")


def widths(key: str, values: Sequence[int], shortest: int) -> None:
    """Refuse a list of layer widths that is too short or holds a width below 1."""
    if len(values) < shortest or any(value < 1 for value in values):
        shown = f"[{', '.join(map(str, values))}]"
        raise bad_value(key, shown, f"a list of {shortest} or more whole numbers, each 1 or above")


def one_of(key: str, value: str, choices: Collection[str]) -> None:
    """Refuse a word that is none of ``choices``."""
    if value not in choices:
        raise InputError(f"{key}={value}: {nearest(str(value), choices)}")
