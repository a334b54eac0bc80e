"""Targets as they are given, as the numbers of their classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regsweep.data.own import Array
from regsweep.errors import InputError

# Whole numbers of so many values, and of few rows a value, are no names of classes.
_MOST_CLASSES = 1_000
_FEW, _ROWS_A_CLASS = 20, 5


@dataclass(frozen=True)
class Targets:
    """``codes``, int64 (n,), are places in ``names``, the classes in their order."""

    codes: Array
    names: tuple[str, ...]


def read_targets(values: "pd.Series[Any]", where: str) -> Targets:
    """The classes of ``values``, sorted; ``where`` is what messages call them.

    Raises:
        InputError: one is missing, all are alike, or they are numbers to be predicted as such.
    """
    _refuse_missing(values, where)
    distinct = values.unique()
    if len(distinct) < 2:
        raise InputError(
            f"{where}: every row is {_name(distinct[0]) if len(distinct) else 'missing'}; "
            "expected at least two classes"
        )
    if _is_regression(values, len(distinct)):
        raise InputError(
            f"{where}: {len(distinct)} different numbers in {len(values)} rows are no classes, and "
            "regression is not there yet; expected the names or whole numbers of a few classes"
        )
    ordered = (
        sorted(distinct) if pd.api.types.is_numeric_dtype(values) else sorted(distinct, key=str)
    )
    codes = pd.Categorical(values, categories=ordered).codes.astype(np.int64)
    return Targets(codes, tuple(map(_name, ordered)))


def read_test_targets(values: "pd.Series[Any]", where: str, names: tuple[str, ...]) -> Array:
    """The places in ``names`` of the classes of a test part.

    Raises:
        InputError: one is missing, or is no class of the training part.
    """
    _refuse_missing(values, where)
    places = {name: place for place, name in enumerate(names)}
    shown = values.map(_name)
    unknown = ~shown.isin(names)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise InputError(
            f"{where}: row {row + 1} is {shown.iloc[row]}, which no training row is; "
            f"known: {', '.join(names[:_FEW])}"
        )
    return shown.map(places).to_numpy(np.int64)


def _refuse_missing(values: "pd.Series[Any]", where: str) -> None:
    missing = np.flatnonzero(values.isna())
    if len(missing):
        more = f", as are {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{where}: row {missing[0] + 1} is missing{more}; every row needs a class")


def _is_regression(values: "pd.Series[Any]", distinct: int) -> bool:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return False
    numbers = values.to_numpy(np.float64)
    many = distinct > _FEW and len(values) < _ROWS_A_CLASS * distinct
    return bool((numbers % 1 != 0).any()) or many or distinct > _MOST_CLASSES


def _name(value: object) -> str:
    """What a class is called: ``1`` also where it was read as ``1.0``."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
