"""The keys of a study's choice: the keyword parameters of the user's function, or class."""

import inspect
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import Parameter
from typing import Any, Literal, Union, get_args, get_origin

from regsweep.data.sizes import Size
from regsweep.errors import InputError
from regsweep.settings.regularizer import Scope
from regsweep.settings.values import typed

REQUIRED = inspect.Parameter.empty

_PLAIN = (int, float, bool, str)
_ANNOTATIONS = (
    "int, float, bool, str, Literal of words, a list or tuple[..., ...] of these, or one of them "
    "| None"
)
# What a choice of each group is given beside its keys.
GIVEN: Mapping[str, tuple[str, ...]] = {"model": ("shape", "outputs"), "data": ()}
# What Hydra or a config group has these names for.
_RESERVED = ("name", "search", "defaults")


@dataclass(frozen=True)
class Key:
    """A key of a choice: what its value is to be, as ``typed`` reads it, and its default.

    ``listed`` says whether the function is given a list, where the value is a tuple.
    """

    name: str
    hint: Any
    default: Any = REQUIRED
    listed: bool = False


# What every choice of a group has, of the names that the built-in choices have for it.
ALWAYS: Mapping[str, tuple[Key, ...]] = {
    "model": (),
    "data": (
        Key("train_size", int | None, None),
        Key("validation_size", Size, 0.2),
        Key("test_size", Size, 0.2),
        Key("split_seed", int, 0),
        Key("rows_seed", int | None, None),
    ),
    "regularizer": (Key("scope", Scope, "weights"),),
}


@cache
def keys_of(group: str, function: Callable[..., Any]) -> tuple[Key, ...]:
    """The keys of ``function`` as a choice of ``group``: those of its parameters.

    Raises:
        InputError: a parameter cannot be a key; the message names it and what would be right.
    """
    parameters = _parameters(group, function)
    if group == "regularizer":
        first = parameters[0] if parameters else None
        if first is None or first.kind is not Parameter.POSITIONAL_OR_KEYWORD:
            raise _wrong(group, function, "expected the parameters of the network first")
        parameters = parameters[1:]
    keys = [p for p in parameters if p.name not in GIVEN.get(group, ())]
    return tuple(_key(group, function, parameter) for parameter in keys)


def named(group: str, function: Callable[..., Any]) -> str:
    """What messages call it: ``regsweep.model residual``. An @ would look like a password."""
    return f"regsweep.{group} {getattr(function, '__name__', repr(function))}"


def _parameters(group: str, function: Callable[..., Any]) -> list[Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise _wrong(group, function, f"expected a function or a class ({error})") from error


def _key(group: str, function: Callable[..., Any], parameter: Parameter) -> Key:
    name, default = parameter.name, parameter.default
    where = f"parameter {name}"
    if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
        stars = "*" if parameter.kind is Parameter.VAR_POSITIONAL else "**"
        raise _wrong(group, function, f"{stars}{name} names no keys; expected each by its name")
    if parameter.kind is Parameter.POSITIONAL_ONLY:
        raise _wrong(group, function, f"{where} has no keyword; expected it behind the /")
    own = [key.name for key in ALWAYS[group]]
    if name in _RESERVED or name in own or name.startswith("_") or not name.isascii():
        taken = ", ".join([*_RESERVED, *own])
        raise _wrong(
            group,
            function,
            f"{where} cannot be a key; expected another name than {taken}, in ASCII, "
            "without an underscore in front",
        )
    if parameter.annotation is Parameter.empty:
        raise _wrong(group, function, f"{where} has no annotation; expected {_ANNOTATIONS}")
    hint, listed = _hint(group, function, parameter)
    if default is REQUIRED:
        return Key(name, hint, REQUIRED, listed)
    try:
        return Key(name, hint, typed(name, default, hint), listed)
    except InputError as error:
        raise _wrong(group, function, f"the default {error}, as its annotation says") from error


def _hint(group: str, function: Callable[..., Any], parameter: Parameter) -> tuple[Any, bool]:
    """The annotation as ``typed`` reads it, a list as ``tuple[item, ...]``; whether it is a list.

    A name that ``from __future__ import annotations`` has left as text is looked up in the file.
    """
    annotation = parameter.annotation
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, dict(vars(sys.modules[function.__module__])))
        except Exception as error:
            raise _other(group, function, parameter, annotation) from error
    optional, kind = _without_none(annotation)
    listed = get_origin(kind) is list
    if listed:
        kind = tuple[get_args(kind)[0], ...]  # type: ignore[misc]
    items = get_args(kind) if get_origin(kind) is tuple else (kind, ...)
    if len(items) != 2 or items[1] is not ... or not _is_plain(items[0]):
        raise _other(group, function, parameter, annotation)
    return (kind | None if optional else kind), listed


def _without_none(annotation: Any) -> tuple[bool, Any]:
    """Whether ``annotation`` is ``... | None``, and what else it is."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return False, annotation
    others = [one for one in get_args(annotation) if one is not type(None)]
    optional = len(others) < len(get_args(annotation))
    return optional, others[0] if optional and len(others) == 1 else annotation


def _is_plain(kind: Any) -> bool:
    words = get_args(kind) if get_origin(kind) is Literal else ()
    return kind in _PLAIN or bool(words and all(isinstance(word, str) for word in words))


def _other(
    group: str, function: Callable[..., Any], parameter: Parameter, annotation: Any
) -> InputError:
    shown = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return _wrong(
        group,
        function,
        f"parameter {parameter.name} is annotated as {shown}; expected {_ANNOTATIONS}",
    )


def _wrong(group: str, function: Callable[..., Any], what: str) -> InputError:
    return InputError(f"{named(group, function)}: {what}")
