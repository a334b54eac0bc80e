"""The sets that scikit-learn ships: nothing is downloaded."""

from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from regsweep.data.own import Array, Encode, Given, Rows
from regsweep.data.tasks import Targets, class_targets, number_targets
from regsweep.errors import InputError
from regsweep.records.task import LossChoice

_BRIGHTEST = 16  # of a pixel of digits


def read_bundled(name: str, loss: LossChoice = "auto") -> Given:
    """The set of that name, of classes or of numbers.

    Columns of inputs are standardised on training rows.
    ``digits`` are images of 8x8 pixels from 0 to 16, which are divided by 16.
    """
    bunch: Any = getattr(datasets, f"load_{name}")()
    images = name == "digits"
    raw = bunch.images if images else bunch.data

    def read(given: Array) -> Array:
        rows = np.asarray(given)
        if rows.shape[1:] != raw.shape[1:]:
            raise InputError(f"inputs: of shape {rows.shape}, expected (rows, *{raw.shape[1:]})")
        return rows / _BRIGHTEST if images else rows

    where = f"data.dataset={name}"
    targets = _targets(bunch, where, loss)
    return Given(
        rows=Rows(read(raw), targets.values),
        test=None,
        names=targets.names,
        fit=_as_float32 if images else _standardised,
        where=where,
        task=targets.task,
        read=read,
    )


def _targets(bunch: Any, where: str, loss: LossChoice) -> Targets:
    if bunch.target.dtype.kind in "iu":
        codes = bunch.target.astype(np.int64)
        return class_targets(codes, tuple(map(str, bunch.target_names)), where, loss)
    return number_targets(bunch.target.reshape(len(bunch.target), -1), where, loss)


def _as_float32(train: Array) -> Encode:
    return lambda inputs: inputs.astype(np.float32)


def _standardised(train: Array) -> Encode:
    scaler = StandardScaler().fit(train)
    return lambda inputs: scaler.transform(inputs).astype(np.float32)
