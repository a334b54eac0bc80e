"""Where packs are sent to beyond this machine's cores: what the keys of a launcher say of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
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


def cluster_of(config: Mapping[str, Any]) -> Cluster | None:
    """The cluster that the settings of a pack launcher name, if any.

    Raises:
        InputError: a value is of another kind than its key takes.
    """
    match config.get("engine", LOCAL):
        case "local":
            return None
        case "dask":
            return DaskCluster(_text(config, "address"))
        case "ray":
            return RayCluster(_text(config, "address"))
        case "slurm":
            return SlurmCluster(
                folder=str(config.get("folder")),
                minutes=_minutes(config),
                memory=_memory(config),
                partition=_text(config, "partition"),
                account=_text(config, "account"),
                qos=_text(config, "qos"),
                constraint=_text(config, "constraint"),
            )
        case other:
            expected = "local, dask, ray or slurm, which hydra/launcher=pack_NAME sets"
            raise bad_value("hydra.launcher.engine", other, expected)


def _text(config: Mapping[str, Any], key: str) -> str | None:
    value = config.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise bad_value(f"hydra.launcher.{key}", value, "a text, or null")


def _minutes(config: Mapping[str, Any]) -> int:
    value = config.get("minutes")
    if type(value) is int and value > 0:
        return value
    raise bad_value("hydra.launcher.minutes", value, "a whole number, 1 or above")


def _memory(config: Mapping[str, Any]) -> str | None:
    value = _text(config, "memory")
    if value is None or re.fullmatch(r"[1-9]\d*[KMGT]", value):
        return value
    raise bad_value("hydra.launcher.memory", value, "a size, such as 4G, or null")
