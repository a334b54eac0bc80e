"""The classification sets of torchvision, downloaded by it where they are not there."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torchvision import datasets

from regsweep.data.own import Array, Given, Rows
from regsweep.errors import MachineFault, bad_value

# What a download, a damaged file or an archive of another kind raises.
_FAILURES = (OSError, RuntimeError, EOFError, ValueError)
_BY_SPLIT = ("SVHN",)


def read_vision(name: str, root: str) -> Given:
    """The set of that name, bytes (n, [channels,] height, width), with its published test part.

    Raises:
        MachineFault: it is not below ``root``, and could not be had.
    """
    train, test = (_part(name, root, training) for training in (True, False))
    names = _names(train)
    return Given(
        rows=_rows(train),
        test=_rows(test),
        names=names,
        fit=lambda train: _as_it_is,
        where=f"data.dataset={name}",
    )


def _as_it_is(inputs: Array) -> Array:
    return inputs


def _part(name: str, root: str, training: bool) -> Any:
    asked = {"split": "train" if training else "test"} if name in _BY_SPLIT else {"train": training}
    try:
        return getattr(datasets, name)(root, download=True, **asked)
    except _FAILURES as error:
        expected = f"a folder that holds torchvision's {name}, or a network to get it ({error})"
        raise MachineFault(str(bad_value("data.root", root, expected))) from error


def _labels(part: Any) -> Array:
    return np.asarray(part.labels if hasattr(part, "labels") else part.targets, np.int64)


def _names(part: Any) -> tuple[str, ...]:
    numbers: Sequence[object] = range(int(_labels(part).max()) + 1)
    return tuple(map(str, getattr(part, "classes", numbers)))


def _rows(part: Any) -> Rows:
    images = np.asarray(part.data)
    # CIFAR has its channels behind, where a convolution wants them in front.
    if images.ndim == 4 and images.shape[-1] == 3:
        images = images.transpose(0, 3, 1, 2)
    return Rows(np.ascontiguousarray(images), _labels(part))
