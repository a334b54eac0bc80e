"""Targets as they are given, in one column or several: classes, labels or numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from regsweep.data.own import Array
from regsweep.data.tasks import Targets, class_targets, number_targets
from regsweep.errors import InputError, bad_value
from regsweep.records.task import LossChoice

# Whole numbers of so many values, and of few rows a value, are no names of classes.
_MOST_CLASSES = 1_000
_FEW, _ROWS_A_CLASS = 20, 5


def read_targets(
    values: "pd.Series[Any] | pd.DataFrame", where: str, loss: LossChoice = "auto"
) -> Targets:
    """The targets in one column or several; ``where`` is what messages call them.

    ``loss`` settles the task. ``auto`` takes a column of few values for classes and one of many
    numbers for numbers, several columns of 0 and 1 for labels and all others for numbers.

    Raises:
        InputError: a value is missing, all are alike, or they do not fit the ``loss``.
    """
    if isinstance(values, pd.DataFrame):
        return _labels_or_numbers(values, where, loss)
    _refuse_missing(values, where)
    distinct = values.unique()
    if len(distinct) < 2:
        raise InputError(
            f"{where}: every row is {_name(distinct[0]) if len(distinct) else 'missing'}; "
            "expected at least two classes, or numbers that differ"
        )
    if loss == "mse" or _is_regression(values, len(distinct)):
        return number_targets(_numbers(values.to_frame(), where), where, loss)
    ordered = (
        sorted(distinct) if pd.api.types.is_numeric_dtype(values) else sorted(distinct, key=str)
    )
    names = tuple(map(_name, ordered))
    if broken := [name for name in names if "\0" in name]:
        raise InputError(f"{where}: class {broken[0]!r} has a NUL byte; expected text without")
    if doubled := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InputError(
            f"{where}: {doubled[0]} stands for several classes, as number and as text; expected "
            "names that differ"
        )
    codes = pd.Categorical(values, categories=ordered).codes.astype(np.int64)
    return class_targets(codes, names, where, loss)


def read_test_targets(
    values: "pd.Series[Any] | pd.DataFrame", where: str, training: Targets
) -> Array:
    """The targets of a test part, as those of the ``training`` part are.

    Raises:
        InputError: one is missing, or is no class, no label or no number as those are.
    """
    if isinstance(values, pd.DataFrame) or training.task == "regression":
        frame = values if isinstance(values, pd.DataFrame) else values.to_frame()
        numbers = _numbers(frame, where)
        if training.task == "binary" and not _are_labels(numbers):
            raise InputError(f"{where}: there are other numbers than 0 and 1, which labels are")
        return numbers
    _refuse_missing(values, where)
    names = training.names
    places = {name: place for place, name in enumerate(names)}
    shown = values.map(_name)
    unknown = ~shown.isin(names)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise InputError(
            f"{where}: row {row + 1} is {shown.iloc[row]}, which no training row is; "
            f"known: {', '.join(names[:_FEW])}"
        )
    codes = shown.map(places).to_numpy(np.int64)
    return codes if training.task == "classification" else codes[:, None].astype(np.float64)


def _labels_or_numbers(values: pd.DataFrame, where: str, loss: LossChoice) -> Targets:
    if loss == "cross_entropy":
        raise bad_value(
            "loss",
            loss,
            f"bce, mse or auto: {where} is {values.shape[1]} columns, and cross_entropy tells the "
            "classes of one column apart",
        )
    numbers = _numbers(values, where)
    for name, column in zip(values.columns, numbers.T, strict=True):
        if column.min() == column.max():
            raise InputError(
                f"{where}: column {name}: every row is {_name(float(column[0]))}; "
                "expected values that differ"
            )
    labels = _are_labels(numbers)
    if loss == "bce" and not labels:
        raise bad_value("loss", loss, f"mse or auto: {where} has other numbers than 0 and 1")
    if labels and loss != "mse":
        return Targets(numbers, tuple(map(str, values.columns)), "binary")
    return Targets(numbers, (), "regression")


def _are_labels(numbers: Array) -> bool:
    return bool(np.isin(numbers, (0, 1)).all())


def _numbers(values: pd.DataFrame, where: str) -> Array:
    """The columns as float64 (n, columns)."""
    for name in values.columns:
        column = values[name]
        place = f"{where}: column {name}" if values.shape[1] > 1 else where
        _refuse_missing(column, place)
        if not pd.api.types.is_numeric_dtype(column):
            text = pd.to_numeric(column, errors="coerce").isna()
            raise InputError(f"{place}: {_first(column, text)}, expected numbers to be predicted")
        infinite = ~np.isfinite(column.to_numpy(np.float64))
        if infinite.any():
            raise InputError(f"{place}: {_first(column, infinite)}, expected finite numbers")
    return values.to_numpy(np.float64)


def _first(column: "pd.Series[Any]", chosen: "Sequence[bool] | Array | pd.Series[bool]") -> str:
    row = int(np.flatnonzero(chosen)[0])
    return f"row {row + 1} is {column.iloc[row]}"


def _refuse_missing(values: "pd.Series[Any]", where: str) -> None:
    missing = np.flatnonzero(values.isna())
    if len(missing):
        more = f", as are {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(
            f"{where}: row {missing[0] + 1} is missing{more}; every row needs a target"
        )


def _is_regression(values: "pd.Series[Any]", distinct: int) -> bool:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return False
    numbers = values.to_numpy(np.float64)
    many = distinct > _FEW and len(values) < _ROWS_A_CLASS * distinct
    return bool((numbers % 1 != 0).any()) or many or distinct > _MOST_CLASSES


def _name(value: object) -> str:
    """What a class is called: ``1`` also where it was read as ``1.0``."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
