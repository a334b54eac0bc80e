"""The user's own rows as examples: divided, and encoded by what the training rows say alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from regsweep.data.dataset import Dataset, Examples
from regsweep.data.facts import Facts
from regsweep.data.parts import divide
from regsweep.data.sizes import Sizes

Array = np.ndarray[Any, np.dtype[Any]]
Encode = Callable[[Any], Array]
"""Rows in, an array (n, *shape) of bytes or float32 out."""
Decode = Callable[[Array], Array]
"""Outputs (n, outputs) in, what they predict of each row out."""


@dataclass(frozen=True)
class Rows:
    """``inputs``, an array or a data frame, and the number of each one's class."""

    inputs: Any
    targets: Array

    def at(self, places: Array) -> "Rows":
        """Those rows."""
        inputs = self.inputs
        return Rows(
            inputs.iloc[places] if hasattr(inputs, "iloc") else inputs[places],
            self.targets[places],
        )


@dataclass(frozen=True)
class Given:
    """What a source holds: rows, test rows if it has any, the names of the classes.

    ``fit`` makes an encoder of training rows; ``where`` is what messages call the targets, and
    ``groups``, int64 (n,), what no split may part. ``read`` makes inputs like those of ``rows`` of
    what a user has: of a row as it is in the source.
    """

    rows: Rows
    test: Rows | None
    names: tuple[str, ...]
    fit: Callable[[Any], Encode]
    where: str
    groups: Array | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    read: Encode = np.asarray


@dataclass(frozen=True)
class Loaded:
    """All parts of the data, and what is known of them.

    ``encode`` makes inputs of raw ones, and ``decode`` what is predicted of outputs (n, outputs).
    """

    dataset: Dataset
    facts: Facts
    encode: Encode
    decode: Decode


def divided(given: Given, sizes: Sizes) -> Loaded:
    """``given`` as the parts of a data set.

    Raises:
        InputError: a size is not possible, or a class or the groups are too few.
    """
    parts = divide(
        torch.from_numpy(given.rows.targets),
        given.names,
        sizes,
        given.where,
        test=given.test is None,
        groups=None if given.groups is None else torch.from_numpy(given.groups),
    )
    train = given.rows.at(parts.train.numpy())
    validation = given.rows.at(parts.validation.numpy())
    test = given.test
    if test is None:
        assert parts.test is not None
        test = given.rows.at(parts.test.numpy())
    encode = given.fit(train.inputs)
    dataset = Dataset(
        _examples(train, encode),
        _examples(validation, encode) if len(validation.targets) else None,
        _examples(test, encode),
        len(given.names),
    )
    facts = Facts(
        shape=dataset.shape,
        outputs=dataset.outputs,
        train=len(train.targets),
        validation=len(validation.targets),
        test=len(test.targets),
        classes=given.names,
        files=given.files,
        notes=tuple(given.notes),
    )
    return Loaded(dataset, facts, lambda raw: encode(given.read(raw)), decoder(given.names))


def decoder(names: tuple[str, ...]) -> Decode:
    """What names the class of the largest output; by its number where there are no ``names``."""
    shown = np.asarray(names) if names else None

    def decode(outputs: Array) -> Array:
        places = outputs.argmax(1)
        found: Array = places if shown is None else shown[places]
        return found

    return decode


def _examples(rows: Rows, encode: Encode) -> Examples:
    inputs = np.ascontiguousarray(encode(rows.inputs))
    return Examples(torch.from_numpy(inputs), torch.from_numpy(rows.targets.copy()))
