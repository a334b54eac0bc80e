"""The user's own rows as examples: divided, and encoded by what the training rows say alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from regsweep.data.dataset import Dataset, Examples
from regsweep.data.facts import Facts
from regsweep.data.parts import divide, stopping_half
from regsweep.data.sizes import Sizes
from regsweep.errors import InputError
from regsweep.records.task import TaskName

Array = np.ndarray[Any, np.dtype[Any]]
Encode = Callable[[Any], Array]
"""Rows in, an array (n, *shape) of bytes, int64 or float32 out."""
Decode = Callable[[Array], Array]
"""Outputs (n, outputs) in, what they predict of each row out."""


@dataclass(frozen=True)
class Rows:
    """``inputs``, an array or a data frame, and each one's target or targets."""

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
    """What a source holds: rows, test rows if it has any, the names of its classes or labels.

    Targets are those of ``data.tasks.Targets``, of the ``task``. ``fit`` makes an encoder of
    training rows; ``where`` is what messages call the targets, and ``groups``, int64 (n,), what no
    split may part. ``read`` makes inputs like those of ``rows`` of what a user has: of a row as it
    is in the source. ``unseen``, of training rows, others and the name of their part, tells what
    those others hold that an encoder of the training rows takes for nothing.
    """

    rows: Rows
    test: Rows | None
    names: tuple[str, ...]
    fit: Callable[[Any], Encode]
    where: str
    groups: Array | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    task: TaskName = "classification"
    read: Encode = np.asarray
    unseen: Callable[[Any, Any, str], Sequence[str]] = lambda train, rows, part: ()

    @property
    def strata(self) -> tuple[Array, tuple[str, ...]]:
        """What each part is to have its share of, int64 (n,), and its names: the classes, if any.

        Rows of numbers or of several labels are of one stratum.
        """
        targets = self.rows.targets
        if self.task == "classification":
            return targets, self.names
        if self.task == "binary" and targets.shape[1] == 1:
            return targets[:, 0].astype(np.int64), self.names
        return np.zeros(len(targets), np.int64), ("any kind",)


@dataclass(frozen=True)
class Loaded:
    """All parts of the data, and what is known of them.

    ``encode`` makes inputs of raw ones, and ``decode`` what is predicted of outputs (n, outputs).
    """

    dataset: Dataset
    facts: Facts
    encode: Encode
    decode: Decode


def bare(given: Given) -> Given:
    """The rows of ``given`` with inputs of nothing: dividing them costs what the targets do."""

    def without(rows: Rows) -> Rows:
        return Rows(np.zeros((len(rows.targets), 0), np.float32), rows.targets)

    return Given(
        rows=without(given.rows),
        test=None if given.test is None else without(given.test),
        names=given.names,
        fit=lambda train: np.asarray,
        where=given.where,
        groups=given.groups,
        task=given.task,
    )


def divided(given: Given, sizes: Sizes) -> Loaded:
    """``given`` as the parts of a data set.

    Raises:
        InputError: a size is not possible, or a class or the groups are too few.
    """
    strata, names = given.strata
    labels = torch.from_numpy(strata)
    groups = None if given.groups is None else torch.from_numpy(given.groups)
    parts = divide(labels, names, sizes, given.where, test=given.test is None, groups=groups)
    stopping = stopping_half(
        labels[parts.validation],
        sizes.drawn_by,
        None if groups is None else groups[parts.validation],
        large_first=sizes.rows_seed is None,
    )
    train = given.rows.at(parts.train.numpy())
    validation = given.rows.at(parts.validation.numpy())
    test = given.test
    if test is None:
        assert parts.test is not None
        test = given.rows.at(parts.test.numpy())
    encode = given.fit(train.inputs)
    told = list(given.notes)
    for part, rows in (("validation", validation), ("test", test)):
        told += given.unseen(train.inputs, rows.inputs, part)
    mean = deviation = np.zeros(0)
    scaled: Callable[[Array], Array] = np.copy
    decode = decoder(given.names, given.task)
    if given.task == "regression":
        named = {"training": train, "validation": validation, "test": test}
        _refuse_constant({name: rows.targets for name, rows in named.items()}, given.where)
        with np.errstate(all="ignore"):
            mean, deviation = train.targets.mean(0), train.targets.std(0)
        _refuse_scale(deviation, given.where)
        scaled = partial(_standardised, mean=mean, deviation=deviation)
        decode = partial(_unscaled, mean=mean, deviation=deviation)
        told.append(_told(given.where, mean, deviation))
    elif given.task == "binary":
        scaled = partial(np.ndarray.astype, dtype=np.float32)
    dataset = Dataset(
        _examples(train, encode, scaled),
        _examples(validation, encode, scaled) if len(validation.targets) else None,
        _examples(test, encode, scaled),
        len(given.names) if given.task == "classification" else given.rows.targets.shape[1],
        given.task,
        stopping if len(stopping) else None,
    )
    stop = int(stopping.sum())
    facts = Facts(
        shape=dataset.shape,
        outputs=dataset.outputs,
        train=len(train.targets),
        validation=len(validation.targets),
        test=len(test.targets),
        classes=given.names,
        files=given.files,
        notes=tuple(told),
        task=given.task,
        mean=tuple(mean.tolist()),
        deviation=tuple(deviation.tolist()),
        largest=_largest(dataset),
        halves=(stop, len(stopping) - stop),
    )
    read = given.read  # the rows that were given are not held
    return Loaded(dataset, facts, lambda raw: encode(read(raw)), decode)


def decoder(names: tuple[str, ...], task: TaskName = "classification") -> Decode:
    """What names the class of each row; by its number where there are no ``names``.

    Of several labels, 0 and 1, (n, labels).
    """
    shown = np.asarray(names) if names else None

    def decode(outputs: Array) -> Array:
        if task == "binary" and outputs.shape[1] > 1:
            return (outputs > 0).astype(np.int64)
        places = outputs.argmax(1) if task == "classification" else (outputs[:, 0] > 0).astype(int)
        found: Array = places if shown is None else shown[places]
        return found

    return decode


def _largest(dataset: Dataset) -> int | None:
    parts = [part for part in (dataset.train, dataset.validation, dataset.test) if part is not None]
    if dataset.train.inputs.dtype != torch.int64:
        return None
    return max(max(-int(part.inputs.min()), int(part.inputs.max())) for part in parts)


def _examples(rows: Rows, encode: Encode, scaled: Callable[[Array], Array]) -> Examples:
    inputs = np.ascontiguousarray(encode(rows.inputs))
    return Examples(torch.from_numpy(inputs), torch.from_numpy(scaled(rows.targets)))


def _standardised(numbers: Array, mean: Array, deviation: Array) -> Array:
    """Of the training rows, numbers of mean 0 and variance 1."""
    return ((numbers - mean) / deviation).astype(np.float32)


def _unscaled(outputs: Array, mean: Array, deviation: Array) -> Array:
    """The numbers that were standardised so; (n,) where a row has one."""
    numbers = outputs * deviation + mean
    return numbers[:, 0] if numbers.shape[1] == 1 else numbers


def _told(where: str, mean: Array, deviation: Array) -> str:
    return (
        f"{where}: numbers, standardised as the training rows have them (mean {_listed(mean)}, "
        f"standard deviation {_listed(deviation)}): a loss of 1 is that of predicting the mean"
    )


def _listed(numbers: Array) -> str:
    return ", ".join(f"{number:.4g}" for number in numbers)


def _refuse_scale(deviation: Array, where: str) -> None:
    """Refuse numbers whose squares are beyond float64."""
    if not (np.isfinite(deviation) & (deviation > 0)).all():
        raise InputError(
            f"{where}: the numbers are too large or too small to be standardised (standard "
            f"deviation {_listed(deviation)}); expected others, such as their logarithms"
        )


def _refuse_constant(parts: Mapping[str, Array], where: str) -> None:
    """Refuse a part with rows but no variance, of which R² is not defined."""
    for name, numbers in parts.items():
        if len(numbers) and (numbers.min(0) == numbers.max(0)).any():
            raise InputError(
                f"{where}: all is alike in the {name} part, {len(numbers)} rows, so R² is not "
                "defined; expected more rows there"
            )
