"""The checkpoints of a sweep's packs: in which file each is, and when it goes."""

import hashlib
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from regsweep.packs.worker import Pack
from regsweep.training.checkpoint import Checkpoint

log = logging.getLogger(__name__)

FOLDER = ".checkpoints"


class Checkpoints:
    """Those in the folder of a sweep, ``directory``; ``minutes`` are ``None`` where none are kept.

    Each is named by what its pack is: the specs of its runs in their order, device, mode and width.
    """

    def __init__(self, directory: Path, minutes: float | None) -> None:
        self.folder = directory.absolute() / FOLDER  # a worker may be at work elsewhere
        self.minutes = minutes
        self.given: dict[Path, int | None] = {}  # when each was written, as its pack was given

    def of(self, pack: Pack) -> Checkpoint | None:
        """That of ``pack``, which is given now; a worker adds by what it is made."""
        if self.minutes is None:
            return None
        path = self._path(pack)
        self.given[path] = _written(path)
        return Checkpoint(path, 60 * self.minutes, made_by={})

    def has_come_further(self, pack: Pack) -> bool:
        """Whether ``pack`` has kept its state since it was given last."""
        path = self._path(pack)
        return _written(path) not in (None, self.given.get(path))

    def tell_of_others(self, packs: Sequence[Pack]) -> None:
        """Say if there are some of other packs than those that are to train now."""
        others = set(self.folder.glob("*.pt")) - {self._path(pack) for pack in packs}
        if others:
            log.info(
                "%s: %d of packs of other runs than now; not gone on from", self.folder, len(others)
            )

    def remove(self, pack: Pack) -> None:
        """Let go of that of ``pack``, whose runs are published."""
        self._path(pack).unlink(missing_ok=True)

    def clear(self) -> None:
        """Let go of all, also of what a killed process left half written."""
        # A worker that was given up may still write.
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, pack: Pack) -> Path:
        # A pack that is given again has jobs of other numbers.
        named = hashlib.sha256(repr(replace(pack, jobs=())).encode()).hexdigest()
        return self.folder / f"{named[:32]}.pt"


def _written(path: Path) -> int | None:
    """When, in nanoseconds of the clock of its file system; ``None`` where it is not."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
