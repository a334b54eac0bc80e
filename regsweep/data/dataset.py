"""What training is given: arrays, split into training, validation and test."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from regsweep.data.fetch import ensure_files
from regsweep.data.idx import read_images, read_labels
from regsweep.data.parts import stopping_half
from regsweep.data.shared import held_once
from regsweep.data.source import (
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    check_sizes,
    find_source,
)
from regsweep.data.split import stratified_split
from regsweep.records.task import TaskName


@dataclass(frozen=True)
class Examples:
    """Inputs (n, *shape), contiguous, of which bytes are scaled to [0, 1], and their targets.

    Inputs are bytes, float32, or int64, which a network of the user's takes as they are.
    Targets are int64 (n,), classes, or float32 (n, outputs): 0 and 1, or standardised numbers.
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.targets)

    def to(self, device: torch.device) -> "Examples":
        """The same examples on `device`; not copied where they are there already."""
        return Examples(self.inputs.to(device), self.targets.to(device))

    def at(self, rows: Tensor) -> "Examples":
        """Those `rows`: their indices, or a bool for each."""
        return Examples(self.inputs[rows], self.targets[rows])


@dataclass(frozen=True)
class Dataset:
    """The examples of one source; a part that was not asked for is None.

    A network is to have ``outputs`` outputs, as the ``task`` is. Validation rows where ``stopping``
    is true, bool (n,), may stop a run that is judged by the others.
    """

    train: Examples
    validation: Examples | None
    test: Examples | None
    outputs: int
    task: TaskName = "classification"
    stopping: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return tuple(self.train.inputs.shape[1:])

    def to(self, device: torch.device) -> "Dataset":
        """The same data on `device`."""
        return self._each(lambda part: part.to(device))

    def with_inputs(self, change: Callable[[Tensor], Tensor]) -> "Dataset":
        """The same data, with what `change` makes of the inputs of each part."""
        return self._each(lambda part: Examples(change(part.inputs), part.targets))

    def _each(self, change: Callable[[Examples], Examples]) -> "Dataset":
        return replace(
            self,
            train=change(self.train),
            validation=None if self.validation is None else change(self.validation),
            test=None if self.test is None else change(self.test),
        )


def scale(inputs: Tensor) -> Tensor:
    """Bytes as float32 in [0, 1], divided by 255 as torchvision's ToTensor; all else as it is."""
    if inputs.dtype != torch.uint8:
        return inputs
    return inputs.to(torch.float32, copy=True).div_(255)


def load_dataset(
    source_name: str,
    root: Path | str,
    *,
    validation_size: int,
    train_size: int | None,
    split_seed: int,
    test: bool,
) -> Dataset:
    """The data set, downloaded into `root` if need be, and split by `stratified_split`.

    `validation_size` 0 gives no validation part; without `test` the test files are hashed but
    not loaded. The jobs of one process share the tensors: they must not be written to. Processes
    that share a folder hold them once.
    InputError where the source, the root, a file or a size is wrong.
    """
    source = find_source(source_name)
    check_sizes(source, validation_size, train_size)
    raw = ensure_files(source, Path(root)).resolve()
    train, validation, stopping = _training_parts(raw, validation_size, train_size, split_seed)
    return Dataset(
        train, validation, _test_part(raw) if test else None, source.outputs, stopping=stopping
    )


@lru_cache(maxsize=2)
def _training_parts(
    raw: Path, validation_size: int, train_size: int | None, split_seed: int
) -> tuple[Examples, Examples | None, Tensor | None]:
    """Those that train, those that validate, and which of them may stop a run."""

    def load() -> tuple[Examples, Examples | None, Tensor | None]:
        images, labels = read_images(raw / TRAIN_IMAGES), read_labels(raw / TRAIN_LABELS)
        train, validation = stratified_split(labels, validation_size, train_size, split_seed)
        of_training = Examples(images[train], labels[train])
        if not validation_size:
            return of_training, None, None
        of_validation = Examples(images[validation], labels[validation])
        return of_training, of_validation, stopping_half(of_validation.targets, split_seed)

    return held_once(("training parts", raw, validation_size, train_size, split_seed), load)


@lru_cache(maxsize=2)
def _test_part(raw: Path) -> Examples:
    return held_once(
        ("test part", raw),
        lambda: Examples(read_images(raw / TEST_IMAGES), read_labels(raw / TEST_LABELS)),
    )
