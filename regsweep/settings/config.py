"""The edge: a composed config, as a plain mapping, checked and turned into a run's spec."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from regsweep.data.sizes import Size
from regsweep.errors import InputError, bad_value, nearest
from regsweep.records.record import Stage
from regsweep.settings.checks import one_of, whole
from regsweep.settings.data import DATA
from regsweep.settings.flat import flatten
from regsweep.settings.model import MODELS, NONE_OF_YOURS
from regsweep.settings.optimizer import OPTIMIZERS
from regsweep.settings.regularizer import REGULARIZERS
from regsweep.settings.run import Run
from regsweep.settings.trainer import Trainer

GROUPS: dict[str, Mapping[str, type]] = {
    "data": DATA,
    "model": MODELS,
    "regularizer": REGULARIZERS,
    "optimizer": OPTIMIZERS,
}

# Keys of a job's config that say nothing about what the run computes.
CHANNELS = ("run", "experiment")
_NOT_GLOBAL = (
    "an experiment sets the keys of the run itself; "
    "its file needs the first line '# @package _global_'"
)
# By which Hydra's configs name code.
TARGET = "_target_"
# In a group: `name` is the choice itself, `search` is read by sweepers.
GROUP_CHANNELS = ("name", "search")

Names = str | tuple[str, ...]

T = TypeVar("T")


@dataclass(frozen=True)
class Channel:
    """What a sweeper says of a job; ``None`` where it says nothing."""

    stage: Stage | None
    arm: Mapping[str, str] | None
    trial: int | None


def read_channel(config: Mapping[str, Any]) -> Channel:
    """The ``run`` node of ``config``, through which a sweeper tells a job what it is.

    Raises:
        InputError: a key is unknown or missing, or its value of the wrong type.
    """
    node = _group(config, "run")
    _refuse_unknown("run.", node, [field.name for field in fields(Channel)])
    arm = _required(node, "arm", "run")
    named = isinstance(arm, Mapping) and all(isinstance(choice, str) for choice in arm.values())
    if arm is not None and not named:
        raise bad_value("run.arm", arm, "null, or the choice of each compared group")
    trial = _typed("run.trial", _required(node, "trial", "run"), int | None)
    if trial is not None:
        whole("run.trial", trial, low=0)
    return Channel(_typed("run.stage", _required(node, "stage", "run"), Stage | None), arm, trial)


def read_run(config: Mapping[str, Any]) -> Run:
    """The run that ``config`` describes, each of its values checked.

    Raises:
        InputError: a key is unknown or missing, or its value of the wrong type or out of range.
    """
    if config.get("experiment"):
        key = next(iter(flatten({"experiment": config["experiment"]})))
        raise InputError(f"{key}: {_NOT_GLOBAL}")
    known = [field.name for field in fields(Run)]
    _refuse_unknown("", config, [*known, *CHANNELS])
    read_channel(config)
    parts: dict[str, Any] = {
        **_top_level(config),
        "trainer": _build(Trainer, "trainer", _group(config, "trainer"), extra=("search",)),
    }
    for group, choices in GROUPS.items():
        node = _group(config, group)
        if group == "model" and TARGET in node:
            raise InputError(f"{group}.{TARGET}={node[TARGET]}: {NONE_OF_YOURS}")
        name = _typed(f"{group}.name", _required(node, "name", group), str)
        one_of(group, name, choices)
        parts[group] = _build(choices[name], group, node, extra=GROUP_CHANNELS)
    return Run(**parts)


def _top_level(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of no group; of the younger ones, those that ``config`` has."""
    hints = get_type_hints(Run)
    return {
        field.name: _typed(field.name, _required(config, field.name), hints[field.name])
        for field in fields(Run)
        if field.name not in (*GROUPS, "trainer")
        and (field.default is MISSING or field.name in config)
    }


def _build(target: type[T], group: str, node: Mapping[str, Any], extra: tuple[str, ...] = ()) -> T:
    """What ``node`` says; younger keys have a default, which holds where it is silent of them."""
    hints = get_type_hints(target)
    known = {field.name: field.default is MISSING for field in fields(target)}  # type: ignore[arg-type]
    _refuse_unknown(f"{group}.", node, [*known, *extra], choice=node.get("name"))
    values = {
        name: _typed(f"{group}.{name}", _required(node, name, group), hints[name])
        for name, needed in known.items()
        if needed or name in node
    }
    return target(**values)


def _refuse_unknown(
    prefix: str, node: Mapping[str, Any], known: list[str], choice: object = None
) -> None:
    for key in node:
        if key not in known:
            owner = f" of {prefix.rstrip('.')}={choice}" if choice else ""
            hint = nearest(str(key), [name for name in known if name not in GROUP_CHANNELS])
            raise InputError(f"{prefix}{key}: no such key{owner}; {hint}")


def _required(node: Mapping[str, Any], key: str, group: str = "") -> Any:
    if key not in node:
        dotted = f"{group}.{key}" if group else key
        raise InputError(f"{dotted}: missing; it needs a value")
    return node[key]


def _group(config: Mapping[str, Any], group: str) -> Mapping[str, Any]:
    node = _required(config, group)
    if not isinstance(node, Mapping):
        raise bad_value(group, node, f"a choice of the config group {group}")
    return node


def _typed(key: str, value: Any, hint: Any) -> Any:
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
            return _typed(key, value, tuple[str, ...])
        first, *words = (choice for choice in get_args(hint) if choice is not type(None))
        if not words:
            return _typed(key, value, first)
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
            raise bad_value(key, value, f"a list of {_LISTED[get_args(hint)[0]]}")
        return tuple(_typed(f"{key}[{i}]", item, get_args(hint)[0]) for i, item in enumerate(value))
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


_LISTED = {int: "whole numbers", str: "words"}
EXPECTED = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a word",
}
