"""A table in a CSV file: which columns are learned from, and what is made of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from regsweep.data.columns import Columns, as_inputs, kinds_of
from regsweep.data.csv_file import read_csv
from regsweep.data.own import Array, Encode, Given, Rows
from regsweep.data.own_file import OwnFile
from regsweep.data.targets import read_targets, read_test_targets
from regsweep.data.tasks import Targets
from regsweep.errors import InputError, bad_value, nearest
from regsweep.records.task import LossChoice

# Values of a column that are named.
_SHOWN = 5


def read_table(
    file: OwnFile,
    test_file: OwnFile | None,
    target: str | Sequence[str],
    columns: Sequence[str] | None,
    group: str | None,
    loss: LossChoice = "auto",
) -> Given:
    """The rows of ``file``; each of its ``columns``, or all but targets and group, is an input.

    Numbers are imputed by their median and standardised, categories one-hot encoded, as training
    rows have them. What is missing of a category is a category of its own. Several targets are
    labels or numbers, as ``loss`` and they themselves say.

    Raises:
        InputError: a file, a column or a value cannot be used.
    """
    frame, notes = read_csv(file)
    where = _where(file)
    named = [target] if isinstance(target, str) else list(target)
    for name in named:
        _check_column("data.target", name, frame)
    if group is not None:
        _check_column("data.group", group, frame)
    taken = dict.fromkeys(named, "data.target") | ({group: "data.group"} if group else {})
    names = _inputs(frame, taken, columns)
    kinds = kinds_of(frame, names, where)
    wanted = f"column {named[0]}" if len(named) == 1 else f"columns {', '.join(named)}"
    targets = read_targets(_targets(frame, named), f"{where}: {wanted}", loss)
    files, test = {file.key: file.sha256}, None
    if test_file is not None:
        files |= {test_file.key: test_file.sha256}
        test_frame, of_test = read_csv(test_file)
        notes += of_test
        test = _test_rows(test_frame, _where(test_file), named, kinds, targets)
        if group is not None:
            _refuse_shared(frame, test_frame, _where(test_file), group)
    if kinds.left_out:
        notes += (f"{where}: left out {', '.join(kinds.left_out)}",)
    return Given(
        rows=Rows(as_inputs(frame, kinds, where), targets.values),
        test=test,
        names=targets.names,
        fit=lambda train: fitted(train, kinds),
        where=f"{where}: {wanted}",
        groups=None if group is None else _groups(frame[group], where),
        files=files,
        notes=notes,
        task=targets.task,
        read=reading(kinds, where),
        unseen=telling_unseen(kinds, where),
    )


def _targets(frame: pd.DataFrame, names: Sequence[str]) -> "pd.Series[Any] | pd.DataFrame":
    return frame[names[0]] if len(names) == 1 else frame[list(names)]


def _inputs(
    frame: pd.DataFrame, taken: Mapping[str, str], columns: Sequence[str] | None
) -> list[str]:
    """The names of the columns to learn from; those ``taken`` are, by the key that they map to."""
    if columns is None:
        return [name for name in frame.columns if name not in taken]
    for name in columns:
        _check_column("data.columns", name, frame)
        if name in taken:
            raise bad_value("data.columns", name, f"columns other than {taken[name]}")
    return [name for name in frame.columns if name in columns]


def _check_column(key: str, name: str, frame: pd.DataFrame) -> None:
    if name not in frame.columns:
        raise bad_value(key, name, f"a column of the file; {nearest(name, frame.columns)}")


def _groups(column: "pd.Series[str]", where: str) -> Array:
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise InputError(
            f"{where}: column {column.name}, row {missing[0] + 1} is missing; "
            "every row needs a group"
        )
    return pd.factorize(column)[0].astype(np.int64)


def _refuse_shared(frame: pd.DataFrame, test: pd.DataFrame, where: str, group: str) -> None:
    """Refuse a test file with a group that is trained on."""
    if group not in test.columns:
        raise InputError(f"{where}: column {group} is missing, which data.path has")
    shared = np.flatnonzero(test[group].isin(frame[group].unique()))
    if len(shared):
        row = int(shared[0])
        raise InputError(
            f"{where}: column {group}, row {row + 1} is {test[group].iloc[row]}, a group that "
            "data.path has too"
        )


def _test_rows(
    frame: pd.DataFrame, where: str, named: Sequence[str], kinds: Columns, training: Targets
) -> Rows:
    refuse_missing(frame, (*named, *kinds.numbers, *kinds.categories), where, "data.path")
    wanted = f"{where}: column {named[0]}" if len(named) == 1 else where
    values = read_test_targets(_targets(frame, named), wanted, training)
    return Rows(as_inputs(frame, kinds, where), values)


def reading(kinds: Columns, where: str) -> Encode:
    """What takes the columns ``kinds`` out of a data frame like that of ``where``."""

    def read(raw: Any) -> Any:
        if not isinstance(raw, pd.DataFrame):
            raise InputError(f"{where}: expected a data frame of its columns, not {type(raw)}")
        refuse_missing(raw, (*kinds.numbers, *kinds.categories), "inputs", where)
        return as_inputs(raw, kinds, "inputs")

    return read


def refuse_missing(frame: pd.DataFrame, names: Sequence[str], where: str, other: str) -> None:
    """Refuse a ``frame`` that lacks one of the columns ``names``, which ``other`` has."""
    for name in names:
        if name not in frame.columns:
            raise InputError(f"{where}: column {name} is missing, which {other} has")


def fitted(train: pd.DataFrame, kinds: Columns) -> Encode:
    """What encodes rows as the rows ``train`` have their columns ``kinds``, float32 (n, width)."""
    # A column of which no training row has a number stays, as 0.
    imputed = SimpleImputer(strategy="median", keep_empty_features=True)
    transformer: Any = ColumnTransformer(
        [
            ("numbers", make_pipeline(imputed, StandardScaler()), list(kinds.numbers)),
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                list(kinds.categories),
            ),
        ]
    ).fit(train)
    return lambda rows: transformer.transform(rows).astype(np.float32)


def telling_unseen(kinds: Columns, where: str) -> Callable[[Any, Any, str], list[str]]:
    """What tells the categories in ``rows`` of a ``part`` that no row of ``train`` has.

    ``where`` is what its lines call the source.
    """

    def tell(train: pd.DataFrame, rows: pd.DataFrame, part: str) -> list[str]:
        told = []
        for name in kinds.categories:
            others = rows[name][~rows[name].isin(train[name].unique())]
            values = [repr(value) for value in others.unique()]
            if values:
                shown = ", ".join(values[:_SHOWN] + ["..."] * (len(values) > _SHOWN))
                told.append(
                    f"{where}: column {name}: {len(others)} of {len(rows)} {part} rows have "
                    f"values that no training row has ({shown}), encoded as none of its categories"
                )
        return told

    return tell


def _where(file: OwnFile) -> str:
    return f"{file.key}={file.path}"
