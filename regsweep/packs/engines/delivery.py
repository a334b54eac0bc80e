"""What runs need on a worker of a cluster: packages as here, and files, each brought there once."""

import ast
import hashlib
import pickle
import socket
import sys
import zlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, TypeVar

import cloudpickle

from regsweep.errors import ClusterFault
from regsweep.packs.engines.engine import ClusterEngine
from regsweep.packs.engines.peers import (
    refuse_other_versions,
    refuse_others,
    tell_of_processors,
    versions_of,
)
from regsweep.records.atomic import write_bytes
from regsweep.settings.data import Published
from regsweep.settings.run import Run
from regsweep.sweep.processor import processor

T = TypeVar("T")


class Lacking(Exception):
    """A worker lacks a file that the runs read."""


@dataclass(frozen=True)
class Needs:
    """What runs need: the SHA-256 of files, by their paths, the versions of packages, a GPU.

    A worker has the files at the same paths; ``~`` is the home of who runs it.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    gpu: bool = False


def needs_of(runs: Sequence[Run], start: Path) -> Needs:
    """What ``runs`` read: their data, and a study's file with the modules that lie beside it.

    Packages are regsweep's, and those that a study imports. What a data function reads is not
    known. Relative paths begin at ``start``.
    """
    found: dict[str, str] = {}
    studies: set[str] = set()
    for run in {run.at(start) for run in runs}:
        if isinstance(run.data, Published):
            raw = Path(run.data.root) / run.data.source.torchvision / "raw"
            found |= {str(raw / name): sha256 for name, sha256 in run.data.source.files.items()}
        else:
            found |= {path: _sha256_of(path) for path in run.data.files.values()}
        if run.study is not None:
            studies |= _with_modules_beside(run.study.path)
    found |= {path: _sha256_of(path) for path in studies}
    gpu = any(run.trainer.device.startswith("cuda") for run in runs)
    return Needs(found, versions_of(sorted(_imported_by(studies))), gpu)


def _with_modules_beside(study: str) -> set[str]:
    """The file of a study, and those of the modules in its folder that this process has loaded."""
    beside = Path(study).parent
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    own = {file for file in files if file and Path(file).is_relative_to(beside)}
    return {study} | {file for file in own if not Path(file).is_relative_to(sys.prefix)}


def _imported_by(files: Iterable[str]) -> set[str]:
    """The packages, as they are installed, that Python files import; none that several share."""
    modules: set[str] = set()
    for file in files:
        if not file.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(Path(file).read_bytes())):
            if isinstance(node, ast.Import):
                modules |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    installed = packages_distributions() if modules else {}
    found = [set(installed.get(module, ())) for module in modules]
    return {name for names in found if len(names) == 1 for name in names}


def _sha256_of(path: str) -> str:
    file = Path(path)
    stat = file.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


@lru_cache(maxsize=1024)
def _sha256(path: str, *stamp: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Delivering:
    """``engine``, whose workers have what calls need before they do them, or refuse.

    A call that finds a file lacking is done again, and the files come along.
    """

    apart = True

    def __init__(self, engine: ClusterEngine) -> None:
        self.engine = engine
        self.takes_all = engine.takes_all
        self.needs = Needs()
        self.processors: frozenset[str] = frozenset()  # of the workers, as far as they are known

    def reach(self, workers: int | None) -> int:
        """As ``engine`` does."""
        return self.engine.reach(workers)

    def equip(self, needs: Needs) -> None:
        """Have calls find what ``needs`` names; ask the workers for their packages first.

        Raises:
            ClusterFault: a package is not there, or has another version.
        """
        if needs == self.needs:
            return
        workers = self.engine.peers(tuple(needs.versions))
        refuse_others(workers, needs.versions)
        self.processors = frozenset(there.processor for there in workers.values())
        self.needs = needs

    def submit(self, call: Callable[[], T], at_once: int, kind: Hashable = None) -> Future[T]:
        """``call``, where its needs are met; where a file lacks, again, and all come along."""
        future: Future[T] = Future()
        needs, pickled = self.needs, cloudpickle.dumps(call)

        def settle(done: Future[tuple[str, T]], again: bool) -> None:
            error = done.exception()
            if error is None:
                found, result = done.result()
                self._meet(found)
                future.set_result(result)
            elif again or not isinstance(error, Lacking):
                future.set_exception(error)
            else:
                try:
                    second = self.engine.submit(
                        partial(delivered, contents_of(needs), needs, pickled), at_once, kind
                    )
                except Exception as failed:  # a callback's error would be nobody's
                    future.set_exception(failed)
                else:
                    second.add_done_callback(partial(settle, again=True))

        first = self.engine.submit(partial(where_met, needs, pickled), at_once, kind)
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

    def _meet(self, found: str) -> None:
        """Take note of a worker's processor, which may be another than those before."""
        if found not in self.processors:
            self.processors |= {found}
            tell_of_processors(self.processors)


def contents_of(needs: Needs) -> bytes:
    """The files, compressed."""
    return _contents_of(tuple(needs.files.items()))


@lru_cache(maxsize=1)
def _contents_of(files: tuple[tuple[str, str], ...]) -> bytes:
    read = {path: Path(path).expanduser().read_bytes() for path, _ in files}
    return zlib.compress(pickle.dumps(read), level=1)


def where_met(needs: Needs, call: bytes) -> tuple[str, Any]:
    """Do the pickled ``call`` on a worker; its processor, and the result.

    Raises:
        Lacking: a file is not here.
        ClusterFault: one is another than that of its SHA-256, a package's version is another, or
            there is no GPU.
    """
    worker = socket.gethostname()
    refuse_other_versions(worker, versions_of(needs.versions), needs.versions)
    if needs.gpu:
        from torch import cuda

        if not cuda.is_available():
            raise ClusterFault(f"worker {worker}: trainer.device=cuda: PyTorch finds no GPU there")
    for path, sha256 in needs.files.items():
        here = Path(path).expanduser()
        if not here.exists():
            raise Lacking(path)
        if _sha256_of(str(here)) != sha256:
            raise ClusterFault(f"{here}: another file on the worker {worker}")
    return processor(), pickle.loads(call)()


def delivered(contents: bytes, needs: Needs, call: bytes) -> tuple[str, Any]:
    """As ``where_met``, once what lacks is put where it lies for the leading process.

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
    return where_met(needs, call)
