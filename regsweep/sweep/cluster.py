"""Where packs are sent to beyond this machine's cores: what the keys of a launcher say of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf

from regsweep.errors import InputError, bad_value

# What ``hydra/launcher=pack`` says: no cluster.
LOCAL = "local"


@dataclass(frozen=True)
class DaskCluster:
    """The scheduler at ``address``, or that of a class which starts a cluster.

    ``cluster`` is JSON: the class as ``_target_``, beside its keyword arguments. Without both, the
    scheduler is one of this process, with this machine's cores.
    """

    address: str | None
    cluster: str | None = None


@dataclass(frozen=True)
class RayCluster:
    """The cluster at ``address``; ``None`` starts one on this machine.

    ``gpu``: each pack has one.
    """

    address: str | None
    gpu: bool = False


@dataclass(frozen=True)
class SlurmCluster:
    """The most that Slurm is asked for, for each pack: ``None`` leaves it to Slurm.

    ``folder`` is one that this machine and the nodes share. ``gpu``: each pack has one.
    """

    folder: str
    minutes: int
    memory: str | None
    partition: str | None
    account: str | None
    qos: str | None
    constraint: str | None
    gpu: bool = False


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
            return _dask(config)
        case "ray":
            return RayCluster(_text(config, "address"), _gpu(config))
        case "slurm":
            return SlurmCluster(
                folder=str(config.get("folder")),
                minutes=_minutes(config),
                memory=_memory(config),
                partition=_text(config, "partition"),
                account=_text(config, "account"),
                qos=_text(config, "qos"),
                constraint=_text(config, "constraint"),
                gpu=_gpu(config),
            )
        case other:
            expected = "local, dask, ray or slurm, which hydra/launcher=pack_NAME sets"
            raise bad_value("hydra.launcher.engine", other, expected)


def _dask(config: Mapping[str, Any]) -> DaskCluster:
    address, node = _text(config, "address"), config.get("cluster")
    if node is None:
        return DaskCluster(address)
    given = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
    if not isinstance(given, dict) or not isinstance(given.get("_target_"), str):
        raise bad_value(
            "hydra.launcher.cluster",
            given,
            "a class that starts a Dask cluster and its keyword arguments, such as "
            "{_target_: dask_jobqueue.SLURMCluster, cores: 8, memory: 16GB}, or null",
        )
    if address is not None:
        raise InputError(
            f"hydra.launcher.cluster._target_={given['_target_']}: it starts a scheduler of its "
            f"own; leave out hydra.launcher.address={address}"
        )
    return DaskCluster(None, json.dumps(given, sort_keys=True))


def _gpu(config: Mapping[str, Any]) -> bool:
    """Whether packs are for a GPU: their ``device`` is that of ``trainer``."""
    return str(config.get("device")).startswith("cuda")


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
