"""The checkpoints of a sweep's packs: in which file each is, of what it is, and when it goes."""

import hashlib
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from regsweep.packs.worker import Pack
from regsweep.settings.run import Run
from regsweep.training.checkpoint import Checkpoint, head_of

log = logging.getLogger(__name__)

FOLDER = ".checkpoints"


@dataclass(frozen=True)
class Kept:
    """A checkpoint that is there: that of a pack of ``runs``, by their names, in their order."""

    path: Path
    runs: tuple[str, ...]
    width: int


class Checkpoints:
    """Those in the folder of a sweep, ``directory``; ``minutes`` are ``None`` where none are kept.

    Each is named by what its pack is: the specs of its runs in their order, device, mode and width.
    """

    def __init__(self, directory: Path, minutes: float | None) -> None:
        self.folder = directory.absolute() / FOLDER  # a worker may be at work elsewhere
        self.minutes = minutes
        self.given: dict[Path, int | None] = {}  # when each was written, as its pack was given

    def path_of(self, pack: Pack) -> Path:
        """Where that of ``pack`` is, or would be."""
        # A pack that is given again has jobs of other numbers.
        return self.folder / f"{name_of(replace(pack, jobs=()))}.pt"

    def give(self, pack: Pack) -> Checkpoint | None:
        """That of ``pack``, which is given to a worker now; the worker adds by what it is made."""
        if self.minutes is None:
            return None
        path = self.path_of(pack)
        self.given[path] = _written(path)
        head = {"runs": [name_of(run) for run in pack.runs], "width": pack.width}
        return Checkpoint(path, 60 * self.minutes, head)

    def has_come_further(self, pack: Pack) -> bool:
        """Whether ``pack`` has kept its state since it was given last."""
        path = self.path_of(pack)
        return _written(path) not in (None, self.given.get(path))

    def kept(self) -> list[Kept]:
        """Those that are there from before, but for damaged ones."""
        paths = [] if self.minutes is None else sorted(self.folder.glob("*.pt"))
        heads = {path: head_of(path) for path in paths}
        return [
            Kept(path, tuple(head["runs"]), head["width"]) for path, head in heads.items() if head
        ]

    def tell_of_others(self, packs: Sequence[Pack]) -> None:
        """Say how many are there of which none of ``packs`` goes on, which train now."""
        there = set(self.folder.glob("*.pt"))
        if others := there - {self.path_of(pack) for pack in packs if there}:
            told = "%s: %d of packs of other runs than now, or damaged; not gone on from"
            log.info(told, self.folder, len(others))

    def remove(self, pack: Pack) -> None:
        """Let go of that of ``pack``, whose runs are published."""
        self.path_of(pack).unlink(missing_ok=True)

    def clear(self) -> None:
        """Let go of all, also of what a killed process left half written."""
        # A worker that was given up may still write.
        shutil.rmtree(self.folder, ignore_errors=True)


def name_of(spec: Run | Pack) -> str:
    """A name that no other spec has."""
    return hashlib.sha256(repr(spec).encode()).hexdigest()[:32]


def _written(path: Path) -> int | None:
    """When, in nanoseconds of the clock of its file system; ``None`` where it is not."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
