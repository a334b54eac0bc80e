"""Where packs are sent to beyond this machine's cores: what the keys of a launcher say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from regsweep.errors import bad_value

# What ``hydra/launcher=pack`` says: no cluster.
LOCAL = "local"


@dataclass(frozen=True)
class DaskCluster:
    """The scheduler at ``address``; ``None`` is one of this process, with this machine's cores."""

    address: str | None


@dataclass(frozen=True)
class RayCluster:
    """The cluster at ``address``; ``None`` starts one on this machine."""

    address: str | None


Cluster = DaskCluster | RayCluster
_KINDS: Mapping[str, type[Cluster]] = {"dask": DaskCluster, "ray": RayCluster}


def cluster_of(config: Mapping[str, Any]) -> Cluster | None:
    """The cluster that the settings of a pack launcher name, if any.

    Raises:
        InputError: a value is of another kind than its key takes.
    """
    engine = config.get("engine", LOCAL)
    if engine == LOCAL:
        return None
    kind = _KINDS.get(str(engine))
    keys = () if kind is None else tuple(field.name for field in fields(kind))
    if kind is None or not config.keys() >= set(keys):
        choices = " or ".join(f"hydra/launcher=pack_{name}" for name in _KINDS)
        raise bad_value("hydra.launcher.engine", engine, f"what a launcher has: {choices}")
    return kind(**{key: _text(key, config[key]) for key in keys})


def _text(key: str, value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise bad_value(f"hydra.launcher.{key}", value, "a text, or null")
