"""Keys that are younger than a config: what held before they were there."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

from regsweep.settings.config import GROUPS
from regsweep.settings.own import FUNCTIONS
from regsweep.settings.run import Run
from regsweep.settings.signature import ALWAYS, REQUIRED, keys_of
from regsweep.settings.trainer import Trainer


def unsaid(config: Mapping[str, Any]) -> dict[str, Any]:
    """What ``config``, under dotted keys, is too old to say of its choices."""
    found = {
        key: value
        for group in GROUPS
        for key, value in _of_choice(group, str(config.get(f"{group}.name"))).items()
        if key not in config
    }
    if config:
        found |= {k: v for k, v in _defaults("", Run).items() if k not in config}
    if any(key.startswith("trainer.") for key in config):
        found |= {k: v for k, v in _defaults("trainer", Trainer).items() if k not in config}
    return found


def _of_choice(group: str, choice: str) -> dict[str, Any]:
    """The defaults of a built-in choice, or of one of a study."""
    function = FUNCTIONS.get(group, {}).get(choice)
    if function is None:
        return _with_defaults(group, choice)
    return {
        f"{group}.{key.name}": key.default
        for key in (*keys_of(group, function), *ALWAYS[group])
        if key.default is not REQUIRED
    }


@cache
def _with_defaults(group: str, choice: str) -> dict[str, Any]:
    return _defaults(group, GROUPS[group][choice]) if choice in GROUPS[group] else {}


@cache
def _defaults(group: str, owner: type) -> dict[str, Any]:
    return {
        f"{group}.{field.name}".removeprefix("."): field.default
        for field in fields(owner)
        if field.default is not MISSING
    }
