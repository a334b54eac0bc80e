"""The classification sets that scikit-learn ships: nothing is downloaded."""

from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from regsweep.data.own import Array, Encode, Given, Rows
from regsweep.errors import InputError

_BRIGHTEST = 16  # of a pixel of digits


def read_bundled(name: str) -> Given:
    """The set of that name; its columns are standardised on training rows.

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

    return Given(
        rows=Rows(read(raw), bunch.target.astype(np.int64)),
        test=None,
        names=tuple(map(str, bunch.target_names)),
        fit=_as_float32 if images else _standardised,
        where=f"data.dataset={name}",
        read=read,
    )


def _as_float32(train: Array) -> Encode:
    return lambda inputs: inputs.astype(np.float32)


def _standardised(train: Array) -> Encode:
    scaler = StandardScaler().fit(train)
    return lambda inputs: scaler.transform(inputs).astype(np.float32)
