"""Whether the workers of a cluster are as the process that leads the sweep."""

import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from regsweep.errors import ClusterFault
from regsweep.jobs.environment import package_versions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Peer:
    """The versions of the packages that results depend on, and the processor."""

    versions: Mapping[str, str]
    processor: str


def peer() -> Peer:
    """This process as one."""
    return Peer(package_versions(), _processor())


def refuse_others(workers: Mapping[str, Peer]) -> None:
    """Refuse workers whose packages differ from this process's; say where processors do.

    Raises:
        ClusterFault: a package has another version.
    """
    here = peer()
    for name, there in workers.items():
        for package, version in here.versions.items():
            found = there.versions.get(package, "none")
            if found != version:
                raise ClusterFault(
                    f"worker {name}: has {package} {found}, and here it is {version}; "
                    "install the same there"
                )
    others = sorted({there.processor for there in workers.values()} | {here.processor})
    if len(others) > 1:
        log.warning("processors differ, and so may last digits: %s", "; ".join(others))


@cache
def _processor() -> str:
    """The name of the processor's model, as the kernel has it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
