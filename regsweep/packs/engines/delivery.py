"""What runs read, brought to the workers of a cluster that do not have it, each file once."""

import hashlib
import pickle
import socket
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TypeVar

from regsweep.errors import ClusterFault
from regsweep.packs.engines.engine import ClusterEngine
from regsweep.records.atomic import write_bytes
from regsweep.settings.data import Published
from regsweep.settings.run import Run

T = TypeVar("T")


class Lacking(Exception):
    """A worker lacks a file that the runs read."""


@dataclass(frozen=True)
class Files:
    """Files of the process that leads the sweep: the SHA-256 of each, by its path.

    A worker has them at the same paths; ``~`` is the home of who runs it.
    """

    sha256: Mapping[str, str]

    @cached_property
    def contents(self) -> bytes:
        """All of them, compressed."""
        read = {path: Path(path).expanduser().read_bytes() for path in self.sha256}
        return zlib.compress(pickle.dumps(read), level=1)


def files_of(runs: Sequence[Run], start: Path) -> Files:
    """What ``runs`` read: their data, and a study's file with the modules that lie beside it.

    What a data function reads is not known. Relative paths begin at ``start``.
    """
    found: dict[str, str] = {}
    for run in {run.at(start) for run in runs}:
        if isinstance(run.data, Published):
            raw = Path(run.data.root) / run.data.source.torchvision / "raw"
            found |= {str(raw / name): sha256 for name, sha256 in run.data.source.files.items()}
        else:
            found |= {path: _sha256_of(path) for path in run.data.files.values()}
        if run.study is not None:
            found |= {path: _sha256_of(path) for path in _with_modules_beside(run.study.path)}
    return Files(found)


def _with_modules_beside(study: str) -> set[str]:
    """The file of a study, and those of the modules in its folder that this process has loaded."""
    beside = Path(study).parent
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    own = {file for file in files if file and Path(file).is_relative_to(beside)}
    return {study} | {file for file in own if not Path(file).is_relative_to(sys.prefix)}


def _sha256_of(path: str) -> str:
    file = Path(path)
    stat = file.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


@lru_cache(maxsize=1024)
def _sha256(path: str, *stamp: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Delivering:
    """``engine``, whose workers get the ``files`` that they lack before a call is tried again."""

    apart = True

    def __init__(self, engine: ClusterEngine) -> None:
        self.engine = engine
        self.files = Files({})

    def reach(self, workers: int | None) -> int:
        """As ``engine`` does."""
        return self.engine.reach(workers)

    def submit(self, call: Callable[[], T], at_once: int) -> Future[T]:
        """``call``, where the files are there; where one lacks, again, and they come along."""
        future: Future[T] = Future()

        def settle(done: Future[T], again: bool) -> None:
            error = done.exception()
            if error is None:
                future.set_result(done.result())
            elif again or not isinstance(error, Lacking):
                future.set_exception(error)
            else:
                try:
                    with_contents = partial(delivered, self.files.contents, wanted, call)
                    second = self.engine.submit(with_contents, at_once)
                except Exception as failed:  # a callback's error would be nobody's
                    future.set_exception(failed)
                else:
                    second.add_done_callback(partial(settle, again=True))

        wanted = self.files.sha256
        first = self.engine.submit(partial(with_files, wanted, call), at_once)
        first.add_done_callback(partial(settle, again=False))
        return future

    def blames_the_machine(self, lost: BrokenExecutor) -> bool:
        """As ``engine`` does."""
        return self.engine.blames_the_machine(lost)

    def dismiss(self) -> None:
        """As ``engine`` does."""
        self.engine.dismiss()

    def kill(self) -> None:
        """As ``engine`` does."""
        self.engine.kill()


def with_files(wanted: Mapping[str, str], call: Callable[[], T]) -> T:
    """Do ``call`` on a worker.

    Raises:
        Lacking: a file that is ``wanted`` is not here.
        ClusterFault: one is another than that of its SHA-256.
    """
    for path, sha256 in wanted.items():
        here = Path(path).expanduser()
        if not here.exists():
            raise Lacking(path)
        if _sha256_of(str(here)) != sha256:
            raise ClusterFault(f"{here}: another file on the worker {socket.gethostname()}")
    return call()


def delivered(contents: bytes, wanted: Mapping[str, str], call: Callable[[], T]) -> T:
    """As ``with_files``, once what lacks is put where it lies for the leading process.

    Raises:
        ClusterFault: it cannot be written there.
    """
    for path, content in pickle.loads(zlib.decompress(contents)).items():
        here = Path(path).expanduser()
        if here.exists():
            continue
        try:
            here.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(here, content)
        except OSError as error:
            raise ClusterFault(
                f"{here}: lacks on the worker {socket.gethostname()}, and cannot be put there "
                f"({error.strerror}); have it on a file system that the workers see"
            ) from error
    return with_files(wanted, call)
