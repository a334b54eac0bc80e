"""What the columns of a table are: numbers, categories, or nothing to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regsweep.errors import InputError

# Text of more values names its rows, or wants words taken apart.
MOST_CATEGORIES = 50
# Of a column of so many numbers, what is no number is an oversight.
_MOSTLY = 0.5
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Columns:
    """Names, in the order of the file; ``left_out`` are those with why."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    left_out: tuple[str, ...]


def kinds_of(frame: pd.DataFrame, names: Sequence[str], where: str) -> Columns:
    """Which of the columns ``names`` are what; ``where`` is what messages call the file.

    Raises:
        InputError: a number is not finite, a column is almost one of numbers, or none is left.
    """
    numbers, categories, left_out = [], [], []
    for name in names:
        column = frame[name]
        values = column.nunique()
        if values == 0 or (values == 1 and not column.isna().any()):
            left_out.append(f"{name} ({'empty' if values == 0 else 'constant'})")
        elif pd.api.types.is_numeric_dtype(column):
            numbers.append(name)
        else:
            _refuse_mixed(column, where)
            if values > MOST_CATEGORIES or values == len(column):
                left_out.append(f"{name} (text of {values} values)")
            else:
                categories.append(name)
    if not numbers and not categories:
        why = f": {', '.join(left_out)}" if left_out else ""
        raise InputError(f"{where}: there is no column to learn from{why}")
    return Columns(tuple(numbers), tuple(categories), tuple(left_out))


def as_inputs(frame: pd.DataFrame, columns: Columns, where: str) -> pd.DataFrame:
    """The columns that are learned from: numbers as float64, categories as text, missing as "".

    Raises:
        InputError: what should be a number is none, or not finite.
    """
    made = {name: _numbers(frame[name], where) for name in columns.numbers}
    made |= {
        name: frame[name].astype(object).where(frame[name].notna(), "").map(str)
        for name in columns.categories
    }
    return pd.DataFrame(made)


def _numbers(column: "pd.Series[float]", where: str) -> "pd.Series[float]":
    if not pd.api.types.is_numeric_dtype(column):
        row = int(np.flatnonzero(_is_text(column))[0])
        raise InputError(f"{where}: {_place(column, row)}, expected a number")
    numbers = column.astype(np.float64)
    wrong = np.flatnonzero(numbers.abs() > _LARGEST)
    if len(wrong):
        raise InputError(
            f"{where}: {_place(column, int(wrong[0]))}, expected a finite number in float32"
        )
    return numbers


def _refuse_mixed(column: "pd.Series[float]", where: str) -> None:
    """Refuse a column of numbers that a word here and there has made one of text."""
    text = _is_text(column)
    share = 1 - text.sum() / column.notna().sum()
    if share > _MOSTLY:
        row = int(np.flatnonzero(text)[0])
        raise InputError(
            f"{where}: {_place(column, row)}, and {share:.0%} of the column are numbers; leave "
            "what is missing empty, or name the columns to take in data.columns"
        )


def _is_text(column: "pd.Series[float]") -> "pd.Series[bool]":
    return pd.to_numeric(column, errors="coerce").isna() & column.notna()


def _place(column: "pd.Series[float]", row: int) -> str:
    return f"column {column.name}, row {row + 1} is {column.iloc[row]}"
