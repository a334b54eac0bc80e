"""Values of a config as what they should be, or one message that says what would be right."""

import types
from typing import Any, Literal, Union, get_args, get_origin

from regsweep.data.sizes import Size
from regsweep.errors import bad_value
from regsweep.settings.checks import one_of

Names = str | tuple[str, ...]


def typed(key: str, value: Any, hint: Any) -> Any:
    """``value`` as the type ``hint``; whole numbers pass as floats, lists as tuples."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(hint):
            return None
        if hint == Size:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise bad_value(key, value, "a whole number of rows, or a share such as 0.2")
            return value
        if hint == Names:
            if isinstance(value, str):
                return value
            if not isinstance(value, (list, tuple)):
                raise bad_value(key, value, "a word, or a list of words")
            return typed(key, value, tuple[str, ...])
        first, *words = (choice for choice in get_args(hint) if choice is not type(None))
        if not words:
            return typed(key, value, first)
        allowed = get_args(words[0])
        if not isinstance(value, first) and value not in allowed:
            raise bad_value(key, value, f"{', '.join(allowed)}, {EXPECTED[first]}")
        return value
    if origin is Literal:
        if not isinstance(value, str):
            raise bad_value(key, value, f"one of {', '.join(get_args(hint))}")
        one_of(key, value, get_args(hint))
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise bad_value(key, value, f"a list of {_LISTED.get(get_args(hint)[0], 'words')}")
        return tuple(typed(f"{key}[{i}]", item, get_args(hint)[0]) for i, item in enumerate(value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        quoted = isinstance(value, str) and _is_number(value) and hint in (int, float)
        shown, hint_of = (repr(value), ", without quotes") if quoted else (value, "")
        raise bad_value(key, shown, EXPECTED[hint] + hint_of)
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# Of anything else, which are words of a Literal.
_LISTED = {int: "whole numbers", float: "numbers", bool: "true or false"}
EXPECTED = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a word",
}
