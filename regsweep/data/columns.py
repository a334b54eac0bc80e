"""What the columns of a table are: numbers, categories, or nothing to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
        InputError: a column is almost one of numbers, holds no numbers, categories or text, or
            none is left.
    """
    numbers, categories, left_out = [], [], []
    for name in names:
        column = frame[name]
        values = _distinct(column, where)
        if values == 0 or (values == 1 and not column.isna().any()):
            left_out.append(f"{name} ({'empty' if values == 0 else 'constant'})")
        elif _holds_numbers(column):
            numbers.append(name)
        else:
            if not isinstance(column.dtype, pd.CategoricalDtype):
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


def _distinct(column: "pd.Series[Any]", where: str) -> int:
    try:
        if not pd.api.types.is_complex_dtype(column):
            return column.nunique()
        what = str(column.dtype)
    except TypeError as error:  # lists and the like, which have no hash
        what = str(error)
    raise InputError(
        f"{where}: column {column.name} holds no numbers, categories or text ({what}); expected "
        "one of these in every row"
    )


def _holds_numbers(column: "pd.Series[Any]") -> bool:
    """Whether all are numbers, those included that only Python can hold: of many digits."""
    kinds = ("integer", "floating", "mixed-integer-float", "decimal")
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.infer_dtype(column) in kinds


def _numbers(column: "pd.Series[float]", where: str) -> "pd.Series[float]":
    if not pd.api.types.is_numeric_dtype(column):
        text = np.flatnonzero(_is_text(column))
        if len(text):
            raise InputError(f"{where}: {_place(column, int(text[0]))}, expected a number")
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
    if _MOSTLY < share < 1:
        row = int(np.flatnonzero(text)[0])
        raise InputError(
            f"{where}: {_place(column, row)}, and {share:.0%} of the column are numbers; leave "
            "what is missing empty, or name the columns to take in data.columns"
        )


def _is_text(column: "pd.Series[float]") -> "pd.Series[bool]":
    # Dates and truth values would count as numbers, as which they are not printed.
    printed = column.astype(object).map(str)
    return pd.to_numeric(printed, errors="coerce").isna() & column.notna()


def _place(column: "pd.Series[float]", row: int) -> str:
    return f"column {column.name}, row {row + 1} is {column.iloc[row]}"
