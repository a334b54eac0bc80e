"""The state of a pack between two epochs, in a file from which it can go on with the same bits."""

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from regsweep.records.atomic import write_bytes

log = logging.getLogger(__name__)

_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Progress:
    """How far a pack has come: what its next epoch depends on, and what it has told so far.

    ``moved`` is all that epochs change in place, ``orders`` are the states of the generators of
    shuffles, ``drawn`` those of the global generators, where a network draws from them. ``history``
    and ``validation`` are of every run, ``alive`` are the runs that have not diverged. ``seconds``
    is how long it trained. What a network of the user's keeps in neither parameters nor buffers is
    not known, here or to a pack.
    """

    epoch: int
    seconds: float
    moved: list[Tensor]
    orders: list[Tensor]
    drawn: list[Any]
    alive: list[int]
    history: list[list[tuple[Any, ...]]]
    validation: list[tuple[float, float]] | None
    batches: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Checkpoint:
    """The file ``path``, to which a pack's progress goes every ``seconds``, between two epochs.

    It is taken by the pack that its name stands for, where ``made_by`` is as it was: what the bits
    of a run depend on beside its spec, such as versions. Its first line is ``head``, as JSON, which
    is for who deals out packs.
    """

    path: Path
    seconds: float
    head: Mapping[str, Any] = field(default_factory=dict)
    made_by: Mapping[str, str] = field(default_factory=dict)

    def write(self, progress: Progress) -> None:
        """Put ``progress`` in place of what was kept before.

        Raises:
            OSError: it cannot be written.
        """
        file = io.BytesIO()
        file.write(bytes(_DIGEST) + json.dumps(self.head).encode() + b"\n")
        torch.save({"made_by": dict(self.made_by), **vars(progress)}, file)
        content = file.getvalue()
        self.path.parent.mkdir(exist_ok=True)
        write_bytes(self.path, _digest(self.path, content) + content[_DIGEST:])

    def read(self) -> Progress | None:
        """What was kept, if it can be gone on from; if not, why is said. It can run no code."""
        if not self.path.is_file():
            return None
        content = self.path.read_bytes()
        if content[:_DIGEST] != _digest(self.path, content):
            log.warning("%s: damaged, or of another pack; trained from the start", self.path)
            return None
        file = io.BytesIO(content[content.index(b"\n", _DIGEST) + 1 :])
        kept = torch.load(file, map_location="cpu", weights_only=True)
        before, now = kept.pop("made_by"), self.made_by
        keys = sorted(before.keys() | now.keys())
        changed = [
            f"{key} was {before.get(key)} and is {now.get(key)}"
            for key in keys
            if before.get(key) != now.get(key)
        ]
        if changed:
            why = ", ".join(changed)
            log.warning("%s: not gone on from, as %s; trained from the start", self.path, why)
            return None
        progress = Progress(**kept)
        log.info("%s: a pack goes on after epoch %d", self.path, progress.epoch)
        return progress


def head_of(path: Path) -> Any:
    """What the checkpoint ``path`` has as its ``head``; ``None`` where it is damaged."""
    content = path.read_bytes()
    if content[:_DIGEST] != _digest(path, content):
        return None
    return json.loads(content[_DIGEST : content.index(b"\n", _DIGEST)])


def _digest(path: Path, content: bytes) -> bytes:
    """Of what is behind its place, under the name of the file: so none passes for another one's."""
    digest = hashlib.sha256(path.name.encode())
    digest.update(memoryview(content)[_DIGEST:])
    return digest.digest()
