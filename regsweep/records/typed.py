"""Whether content that was read from JSON has the types that a dataclass declares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from reprlib import Repr
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

LARGEST_INTEGER = 2**63 - 1

# What is shown of a value that is wrong, which may be anything, of any size.
_shown = Repr()


@dataclass(frozen=True)
class _Form:
    """What a value has to be: the check of it, and in words."""

    fits: Callable[[Any], bool]
    words: str


def fault(content: Mapping[str, Any], declared: type) -> str | None:
    """The first of the fields that ``content`` has whose value is not of its declared type.

    ``declared`` is a dataclass of plain types; JSON's lists stand for its tuples.
    """
    for key, form in _forms(declared).items():
        if key in content and not form.fits(content[key]):
            value = content[key]
            return f"{key} {_shown.repr(value)}, expected {form.words}"
    return None


@cache
def _forms(declared: type) -> dict[str, _Form]:
    hints = get_type_hints(declared)
    return {field.name: _form(hints[field.name]) for field in fields(declared)}


_PLAIN: dict[Any, _Form] = {
    Any: _Form(lambda value: True, "anything"),
    NoneType: _Form(lambda value: value is None, "null"),
    str: _Form(lambda value: type(value) is str, "text"),
    bool: _Form(lambda value: type(value) is bool, "true or false"),
    int: _Form(
        lambda value: type(value) is int and abs(value) <= LARGEST_INTEGER,
        "an integer of 64 bits",
    ),
    float: _Form(lambda value: type(value) is float or type(value) is int, "a number"),
}


def _form(hint: Any) -> _Form:
    """The form of a type.

    Raises:
        TypeError: no form is known of it.
    """
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_dataclass(hint):
        declared: Any = hint
        names = ", ".join(field.name for field in fields(declared))
        return _Form(
            lambda value: isinstance(value, dict) and fault(value, declared) is None,
            f"an object of {names}",
        )
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _Form(lambda value: value in parts, f"one of {', '.join(map(str, parts))}")
    if origin in (Union, UnionType):
        either = [_form(part) for part in parts]
        words = " or ".join(form.words for form in either)
        return _Form(lambda value: any(form.fits(value) for form in either), words)
    if origin is tuple:
        fits = _form(parts[0]).fits
        return _Form(
            lambda value: isinstance(value, list) and all(map(fits, value)),
            f"a list, each {_form(parts[0]).words}",
        )
    if origin is Mapping:
        fits = _form(parts[1]).fits
        return _Form(
            lambda value: isinstance(value, dict) and all(map(fits, value.values())),
            f"an object, each value {_form(parts[1]).words}",
        )
    raise TypeError(f"{hint}: no type of JSON")
