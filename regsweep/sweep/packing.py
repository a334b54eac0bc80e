"""How runs are packed: what the pack launcher is asked for, and what the machine takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from regsweep.errors import bad_value
from regsweep.settings.model import BuiltIn
from regsweep.settings.run import Run
from regsweep.sweep.cluster import Cluster, cluster_of

if TYPE_CHECKING:
    import torch

PACK_LAUNCHER = "regsweep.packs.launcher.PackLauncher"

# On a CPU the parameters of more runs do not fit the caches; benchmarks/width.py measures it.
WIDEST_ON_CPU = 16
WIDEST_ON_GPU = 1024


@dataclass(frozen=True)
class Packing:
    """What the pack launcher is asked for; ``None`` leaves it to the machine.

    ``pack_size`` is the most runs that train as one, ``workers`` the number of processes: 0 where
    all is done in the process that leads the sweep. They are on ``cluster``, whose ``processors``
    are known once it is reached, or on this machine. A pack keeps its state every
    ``checkpoint_minutes`` as it trains; ``None``: never.
    """

    pack_size: int | None
    workers: int | None
    cluster: Cluster | None = None
    checkpoint_minutes: float | None = None
    processors: tuple[str, ...] = ()

    @property
    def here(self) -> bool:
        """Whether runs train on this machine."""
        return self.cluster is None or self.workers == 0


def read_packing(launcher: DictConfig) -> Packing | None:
    """What ``hydra.launcher`` asks of the pack launcher; ``None`` for any other launcher.

    Raises:
        InputError: a value is not what its key takes, or those of the cluster are wrong.
    """
    return packing_of(launcher) if launcher["_target_"] == PACK_LAUNCHER else None


def trains_here(launcher: DictConfig) -> bool:
    """Whether this launcher's runs train on this machine, as far as regsweep knows."""
    packing = read_packing(launcher)
    return packing is None or packing.here


def packing_of(config: Mapping[str, Any]) -> Packing:
    """What the settings of the pack launcher ask for; raises as ``read_packing``."""
    return Packing(
        pack_size=_auto_or_whole("pack_size", config, low=1),
        workers=_auto_or_whole("workers", config, low=0),
        cluster=cluster_of(config),
        checkpoint_minutes=_minutes_or_none("checkpoint_minutes", config),
    )


def _auto_or_whole(key: str, config: Mapping[str, Any], low: int) -> int | None:
    value = config[key]
    if value == "auto":
        return None
    if type(value) is not int or value < low:
        raise bad_value(f"hydra.launcher.{key}", value, f"auto, or a whole number, {low} or above")
    return value


def _minutes_or_none(key: str, config: Mapping[str, Any]) -> float | None:
    value = config[key]
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < math.inf:
        raise bad_value(f"hydra.launcher.{key}", value, "minutes, 0 or above, or null for never")
    return float(value)


def even_width(jobs: int, workers: int, widest: int) -> int:
    """The least width at which ``jobs`` take as few turns of ``workers`` as at ``widest``."""
    turns = math.ceil(jobs / (workers * widest))
    return math.ceil(jobs / (workers * turns))


def count_workers(packing: Packing, device: "torch.device") -> int:
    """How many packs train at once.

    One a core that this process may use, by affinity and cgroup; one a GPU that is visible, where
    ``device`` is none of a number; or this process.
    """
    if packing.workers is not None:
        return max(1, packing.workers)
    if device.type == "cpu":
        from loky import cpu_count

        return int(cpu_count())
    if device.index is not None:
        return 1
    import torch

    return max(1, torch.cuda.device_count())


def widest(run: Run, device: "torch.device") -> int:
    """The most runs like ``run`` that one pack holds without being slower than several packs."""
    if device.type != "cpu":
        return WIDEST_ON_GPU
    convolves = isinstance(run.model, BuiltIn) and run.model.convolves
    return 1 if convolves else WIDEST_ON_CPU
