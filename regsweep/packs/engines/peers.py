"""Whether the workers of a cluster are as the process that leads the sweep."""

import logging
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from regsweep.errors import ClusterFault
from regsweep.jobs.environment import PACKAGES
from regsweep.sweep.processor import processor

log = logging.getLogger(__name__)

# Of no other version either, though no record names them.
BESIDE = ("numpy", "torchvision")


@dataclass(frozen=True)
class Peer:
    """The versions of the packages that results depend on, and the processor."""

    versions: Mapping[str, str]
    processor: str


def peer(packages: Iterable[str] = ()) -> Peer:
    """This process as one, with the versions of ``packages`` too."""
    return Peer(versions_of(packages), processor())


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """The versions of Python, of what regsweep needs and of ``packages``; ``none`` where one lacks.

    Only what is installed is looked up, nothing is imported.
    """
    names = (*PACKAGES, *BESIDE, *packages)
    return {name: _version(name) for name in names} | {"python": platform.python_version()}


def refuse_others(workers: Mapping[str, Peer], here: Mapping[str, str]) -> None:
    """Refuse workers whose packages have not the versions ``here``; say where processors differ.

    Raises:
        ClusterFault: a package is not there, or has another version.
    """
    for name, there in workers.items():
        refuse_other_versions(name, there.versions, here)
    tell_of_processors({there.processor for there in workers.values()})


def refuse_other_versions(worker: str, there: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Refuse ``worker``, whose packages are of the versions ``there``; raises as above."""
    found = [
        f"has {package} {there.get(package, 'none')}, and here it is {version}"
        for package, version in here.items()
        if there.get(package, "none") != version
    ]
    if found:
        raise ClusterFault(f"worker {worker}: {'; '.join(found)}; install the same there")


def tell_of_processors(names: Iterable[str]) -> None:
    """Say that ``names``, where they are several, may differ in what they compute."""
    several = sorted(set(names))
    if len(several) > 1:
        log.warning("processors differ, and so may last digits: %s", "; ".join(several))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
