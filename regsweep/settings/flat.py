"""A plain config under dotted keys, and back."""

from collections.abc import Mapping
from typing import Any


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``config`` with dotted keys: ``{"optimizer": {"lr": 1}}`` gives ``{"optimizer.lr": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{dotted}.")
        else:
            flat[dotted] = value
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """``flat`` without its dots: what ``flatten`` was given."""
    config: dict[str, Any] = {}
    for dotted, value in flat.items():
        *groups, name = dotted.split(".")
        node = config
        for group in groups:
            node = node.setdefault(group, {})
        node[name] = value
    return config


def with_value(config: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """``config`` with ``value`` under the dotted ``key``; the rest is shared, not copied."""
    name, _, rest = key.partition(".")
    return {**config, name: with_value(config[name], rest, value) if rest else value}
