"""Where packs are sent to beyond this machine's cores: what the keys of a launcher say of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
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


@dataclass(frozen=True)
class SlurmCluster:
    """What Slurm is asked for, for each pack: ``None`` leaves it to Slurm.

    ``folder`` is one that this machine and the nodes share.
    """

    folder: str
    minutes: int
    memory: str | None
    partition: str | None
    account: str | None
    qos: str | None
    constraint: str | None


Cluster = DaskCluster | RayCluster | SlurmCluster
_KINDS: Mapping[str, Any] = {
    "dask": DaskCluster,
    "ray": RayCluster,
    "slurm": SlurmCluster,
}


def cluster_of(config: Mapping[str, Any]) -> Cluster | None:
    """The cluster that the settings of a pack launcher name, if any.

    Raises:
        InputError: a value is of another kind than its key takes.
    """
    engine = config.get("engine", LOCAL)
    if engine == LOCAL:
        return None
    kind = _KINDS.get(str(engine))
    keys = () if kind is None else tuple(signature(kind).parameters)
    if kind is None or not config.keys() >= set(keys):
        choices = " or ".join(f"hydra/launcher=pack_{name}" for name in _KINDS)
        raise bad_value("hydra.launcher.engine", engine, f"what a launcher has: {choices}")
    values = {key: _READ.get(key, _text)(key, config[key]) for key in keys}
    made: Cluster = kind(**values)
    return made


def _minutes(key: str, value: Any) -> int:
    if type(value) is int and value > 0:
        return value
    raise bad_value(f"hydra.launcher.{key}", value, "a whole number, 1 or above")


def _memory(key: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"[1-9]\d*[KMGT]", value):
        return value
    raise bad_value(f"hydra.launcher.{key}", value, "a size, such as 4G, or null")


def _text(key: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value.strip():
        return value
    raise bad_value(f"hydra.launcher.{key}", value, "a text, or null")


_READ: Mapping[str, Callable[[str, Any], Any]] = {"minutes": _minutes, "memory": _memory}
