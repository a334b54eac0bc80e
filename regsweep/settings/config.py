"""The edge: a composed config, as a plain mapping, checked and turned into a run's spec."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, get_type_hints

from regsweep.errors import InputError, bad_value, nearest
from regsweep.records.record import Role, Stage
from regsweep.settings.checks import one_of, whole
from regsweep.settings.data import DATA, OwnData
from regsweep.settings.flat import flatten
from regsweep.settings.model import MODELS
from regsweep.settings.optimizer import OPTIMIZERS
from regsweep.settings.own import FUNCTIONS, OwnModel, OwnRegularizer, current_study
from regsweep.settings.regularizer import REGULARIZERS
from regsweep.settings.run import Run
from regsweep.settings.signature import ALWAYS, REQUIRED, keys_of
from regsweep.settings.trainer import Trainer
from regsweep.settings.values import typed

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

T = TypeVar("T")


@dataclass(frozen=True)
class Channel:
    """What a sweeper says of a job; ``None`` where it says nothing, as of a winner's ``role``."""

    stage: Stage | None
    arm: Mapping[str, str] | None
    trial: int | None
    role: Role | None


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
    trial = typed("run.trial", _required(node, "trial", "run"), int | None)
    if trial is not None:
        whole("run.trial", trial, low=0)
    stage = typed("run.stage", _required(node, "stage", "run"), Stage | None)
    # A config may be older than this key.
    return Channel(stage, arm, trial, typed("run.role", node.get("role"), Role | None))


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
        if group in FUNCTIONS and TARGET in node:
            raise InputError(f"{group}.{TARGET}={node[TARGET]}: {write_instead(group)}")
        name = typed(f"{group}.name", _required(node, "name", group), str)
        own = FUNCTIONS.get(group, {})
        one_of(group, name, [*choices, *own])
        if name in own:
            parts[group] = _own(group, name, node)
        else:
            parts[group] = _build(choices[name], group, node, extra=GROUP_CHANNELS)
    return Run(**parts)


def _top_level(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of no group; of the younger ones, those that ``config`` has."""
    hints = get_type_hints(Run)
    return {
        field.name: typed(field.name, _required(config, field.name), hints[field.name])
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
        name: typed(f"{group}.{name}", _required(node, name, group), hints[name])
        for name, needed in known.items()
        if needed or name in node
    }
    return target(**values)


def _own(group: str, name: str, node: Mapping[str, Any]) -> OwnModel | OwnData | OwnRegularizer:
    """The choice ``name`` of a study; a key that ``node`` does not say has its default."""
    keys = keys_of(group, FUNCTIONS[group][name])
    known = {key.name: key for key in (*keys, *ALWAYS[group])}
    _refuse_unknown(f"{group}.", node, [*known, *GROUP_CHANNELS], choice=name)
    values = {
        key.name: typed(f"{group}.{key.name}", _required(node, key.name, group), key.hint)
        if key.default is REQUIRED or key.name in node
        else key.default
        for key in known.values()
    }
    always = {key.name: values.pop(key.name) for key in ALWAYS[group]}
    target: Any = {"model": OwnModel, "data": OwnData, "regularizer": OwnRegularizer}[group]
    own: OwnModel | OwnData | OwnRegularizer = target(
        name=name, values=tuple(values.items()), study=current_study(), **always
    )
    return own


def write_instead(group: str) -> str:
    """How a choice of one's own is added to ``group``."""
    return (
        f"one of your own is a function decorated by regsweep.{group} in a study file; "
        "regsweep --example prints one"
    )


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
