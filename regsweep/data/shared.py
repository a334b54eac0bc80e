"""Examples that the processes of a sweep hold once: tensors in files that all of them map."""

import fcntl
import hashlib
import logging
import os
import pickle
from collections.abc import Callable
from io import BufferedReader, BufferedWriter
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from regsweep.data.shared_folder import VARIABLE, remove

log = logging.getLogger(__name__)

T = TypeVar("T")

# So many things are kept, those used last: a sweep may draw other rows for every seed.
KEPT = 4

_INDEX = "index"


def is_shared() -> bool:
    """Whether this process shares what it loads with others."""
    return bool(os.environ.get(VARIABLE))


def held_once(key: object, load: Callable[[], T]) -> T:
    """What ``load`` gives, which one of the processes that share a folder does for all of them.

    ``key`` is what it depends on, with a ``repr`` that tells it from others. Tensors are mapped,
    each from a page's beginning, and are private where they are written to: what a process writes
    no other sees. All else is pickled. Without a folder, or one that has no room, which is logged,
    it is this process's own. Errors of ``load`` are raised, and are not shared.
    """
    if not is_shared():
        return load()
    place = Path(os.environ[VARIABLE], hashlib.sha256(repr(key).encode()).hexdigest())
    try:
        lock = os.open(f"{place}.lock", os.O_CREAT | os.O_RDWR)
    except OSError as error:  # the folder went with the sweep
        return _own(load(), error)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _held_once(place, load)
    finally:
        os.close(lock)


def _held_once(place: Path, load: Callable[[], T]) -> T:
    found: T | None = _read(place)
    if found is not None:
        return found
    thing = load()
    try:
        _write(place, thing)
        _keep_the_last(place.parent)
    except OSError as error:
        remove(place)
        return _own(thing, error)
    found = _read(place)
    return thing if found is None else found


def _own(thing: T, error: OSError) -> T:
    log.warning("a process holds examples of its own, which are not shared: %s", error)
    return thing


def _write(place: Path, thing: object) -> None:
    """Write ``thing``, the index last, by which it is there; to new files, as old may be mapped."""
    remove(place)
    place.mkdir()
    with open(place / "begun", "wb") as file:
        _Pickler(file, place).dump(thing)
    os.replace(place / "begun", place / _INDEX)


def _read(place: Path) -> Any:
    """What is there, mapped; ``None`` where it is not there as it was written."""
    try:
        with open(place / _INDEX, "rb") as file:
            found = _Unpickler(file, place).load()
        os.utime(place / _INDEX)
    except (FileNotFoundError, EOFError, pickle.UnpicklingError):
        return None
    return found


def _keep_the_last(folder: Path) -> None:
    used = []
    for index in folder.glob(f"*/{_INDEX}"):
        try:
            used.append((index.stat().st_mtime_ns, index.parent))
        except FileNotFoundError:  # another process has just removed it
            continue
    for _, place in sorted(used)[:-KEPT]:
        remove(place)


class _Pickler(pickle.Pickler):
    """Writes each tensor to a file of its own."""

    def __init__(self, file: BufferedWriter, place: Path) -> None:
        super().__init__(file)
        self.place, self.tensors = place, 0

    def persistent_id(self, thing: object) -> tuple[str, torch.dtype, tuple[int, ...]] | None:
        if not isinstance(thing, Tensor):
            return None
        name = f"tensor_{self.tensors}"
        self.tensors += 1
        content = thing.contiguous().reshape(-1).view(torch.uint8).numpy().data
        (self.place / name).write_bytes(content)
        return name, thing.dtype, tuple(thing.shape)


class _Unpickler(pickle.Unpickler):
    """Maps each tensor; UnpicklingError where its file cannot be mapped or is of another size."""

    def __init__(self, file: BufferedReader, place: Path) -> None:
        super().__init__(file)
        self.place = place

    def persistent_load(self, found: tuple[str, torch.dtype, tuple[int, ...]]) -> Tensor:
        name, dtype, shape = found
        path, size = self.place / name, prod(shape)
        if path.stat().st_size != size * dtype.itemsize:
            raise pickle.UnpicklingError(f"{path}: expected {size} numbers of {dtype}")
        try:
            mapped = torch.from_file(str(path), shared=False, size=size, dtype=dtype)
        except RuntimeError as error:  # another process has removed it since
            raise pickle.UnpicklingError(str(error)) from error
        return mapped.reshape(shape)
