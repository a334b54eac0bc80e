"""The rows that a data function of a study gives: checked, and encoded as those of files are."""

import hashlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from regsweep.data.arrays import given_of, targets_of
from regsweep.data.columns import as_inputs, kinds_of
from regsweep.data.own import Array, Given, Rows
from regsweep.data.own_arrays import Arrays
from regsweep.data.table import fitted, reading, refuse_missing, telling_unseen
from regsweep.data.targets import read_targets, read_test_targets
from regsweep.errors import InputError, MachineFault
from regsweep.records.task import LossChoice

_CALLED = ("inputs", "targets", "test_inputs", "test_targets")


def read_function(
    name: str,
    function: Callable[..., Any],
    keywords: Mapping[str, Any],
    start: str,
    loss: LossChoice = "auto",
) -> Given:
    """What ``function``, the choice ``data=name``, gives of ``keywords``, in the folder ``start``.

    Its SHA-256 stands beside those of files.

    Raises:
        InputError: it fails, or gives what cannot be used.
        MachineFault: a file cannot be read.
    """
    where = f"data={name}"
    given = _called(where, function, keywords, start)
    if not isinstance(given, Arrays):
        raise InputError(
            f"{where}: the function gives {_a(given)}; expected regsweep.Arrays(inputs, targets)"
        )
    arrays = {part: _array(where, part, getattr(given, part)) for part in _CALLED}
    if (arrays["test_inputs"] is None) != (arrays["test_targets"] is None):
        raise InputError(f"{where}: expected both of test_inputs and test_targets, or neither")
    arrays = {part: array for part, array in arrays.items() if array is not None}
    framed = {part for part, array in arrays.items() if isinstance(array, pd.DataFrame)}
    if "test_inputs" in arrays and len(framed) == 1:
        raise InputError(
            f"{where}: {framed.pop()} is a data frame; expected both of inputs and test_inputs "
            "as one, or neither"
        )
    rows = len(arrays["inputs"])
    groups = None if given.groups is None else _groups(where, given.groups, rows)
    files = {where: _sha256({**arrays, "groups": groups})}
    if framed:
        return _of_frames(arrays, where, files, groups, loss)
    return given_of(arrays, _CALLED, where, files, groups, loss)


def _called(
    where: str, function: Callable[..., Any], keywords: Mapping[str, Any], start: str
) -> Any:
    try:
        with chdir(start):
            return function(**keywords)
    except Exception as error:
        kind = MachineFault if isinstance(error, OSError) else InputError
        raise kind(
            f"{where}: the function raises {type(error).__name__}: {error} ({_line(error)})"
        ) from error


def _line(error: Exception) -> str:
    """Where in the user's own code it was raised: behind the call above, before any library."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [f for f in frames if "site-packages" not in f.filename and f.lineno]
    first = frames[0].filename if frames else ""
    last = [f for f in own if f.filename == first] or own or frames
    return f"{last[-1].filename}:{last[-1].lineno}" if last else "its call"


def _array(where: str, part: str, given: Any) -> Any:
    """``given`` as an array, a data frame or a series; what is a test part may be ``None``."""
    if given is None and part.startswith("test_"):
        return None
    if isinstance(given, Tensor):
        given = _numpy(where, part, given)
    if isinstance(given, pd.DataFrame) and part.endswith("inputs"):
        return _frame(where, part, given)
    if isinstance(given, pd.Series) and part.endswith("targets"):
        return given
    if not isinstance(given, np.ndarray):
        if hasattr(given, "toarray"):  # as scipy's sparse ones have
            raise InputError(
                f"{where}: {part} is a sparse {type(given).__name__}; expected an array that "
                f"holds its zeros, such as {part}.toarray()"
            )
        raise InputError(
            f"{where}: {part} is {_a(given)}; expected an array, such as numpy.asarray({part})"
        )
    if isinstance(given, np.ma.MaskedArray) and (masked := int(np.sum(given.mask))):
        raise InputError(
            f"{where}: {part}: of its values {masked} are masked; expected none missing"
        )
    if given.ndim == 0:
        raise InputError(f"{where}: {part} is one {given.dtype}; expected a row for each example")
    if not given.flags.writeable:  # which tensors are to be
        given = given.copy()
    if given.dtype == object and given.ndim == 1 and part.endswith("targets"):
        return pd.Series(given)
    return given


def _numpy(where: str, part: str, given: Tensor) -> Array:
    try:
        array: Array = given.detach().cpu().numpy()
    except (TypeError, RuntimeError) as error:  # of a type or a layout that numpy has not
        raise InputError(
            f"{where}: {part} is a tensor of {given.dtype}, {given.layout}, on {given.device}, "
            f"which makes no array ({str(error).splitlines()[0]}); expected one that does, such "
            f"as {part}.to_dense().float()"
        ) from error
    return array


def _frame(where: str, part: str, frame: pd.DataFrame) -> pd.DataFrame:
    for place, name in enumerate(frame.columns):
        if not isinstance(name, str) or name in frame.columns[:place]:
            raise InputError(
                f"{where}: {part}: column {place + 1} is called {name!r}; expected a name of its "
                "own, in text"
            )
    return frame.reset_index(drop=True)


def _of_frames(
    arrays: Mapping[str, Any],
    where: str,
    files: Mapping[str, str],
    groups: Array | None,
    loss: LossChoice,
) -> Given:
    frame, test = arrays["inputs"], None
    kinds = kinds_of(frame, list(frame.columns), where)
    targets = read_targets(_column(where, "targets", arrays, frame), f"{where}: targets", loss)
    if "test_inputs" in arrays:
        aside = arrays["test_inputs"]
        refuse_missing(
            aside, (*kinds.numbers, *kinds.categories), f"{where}: test_inputs", "inputs"
        )
        column = _column(where, "test_targets", arrays, aside)
        codes = read_test_targets(column, f"{where}: test_targets", targets)
        test = Rows(as_inputs(aside, kinds, f"{where}: test_inputs"), codes)
    left_out = ", ".join(kinds.left_out)
    return Given(
        rows=Rows(as_inputs(frame, kinds, where), targets.values),
        test=test,
        names=targets.names,
        task=targets.task,
        fit=lambda train: fitted(train, kinds),
        where=f"{where}: targets",
        groups=groups,
        files=files,
        notes=(f"{where}: left out {left_out}",) if left_out else (),
        read=reading(kinds, where),
        unseen=telling_unseen(kinds, where),
    )


def _column(
    where: str, part: str, arrays: Mapping[str, Any], frame: pd.DataFrame
) -> "pd.Series[Any] | pd.DataFrame":
    targets = arrays[part]
    if len(targets) != len(frame):
        other = part.replace("targets", "inputs")
        raise InputError(
            f"{where}: {other} is {len(frame)} rows, and {part} {len(targets)}; expected as many"
        )
    return targets_of(where, part, targets)


def _groups(where: str, groups: Any, rows: int) -> Array:
    array = _array(where, "groups", groups.to_numpy() if _is_series(groups) else groups)
    if array.ndim > 1:
        raise InputError(
            f"{where}: groups is of shape {array.shape}; expected one group a row, ({rows},)"
        )
    column = pd.Series(array)
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise InputError(f"{where}: groups: row {missing[0] + 1} is missing; every row needs one")
    if len(column) != rows:
        raise InputError(f"{where}: inputs is {rows} rows, and groups {len(column)}")
    return pd.factorize(column)[0].astype(np.int64)


def _is_series(value: Any) -> bool:
    return isinstance(value, pd.Series)


def _sha256(arrays: Mapping[str, Any]) -> str:
    """Of names, types, shapes and values, whatever holds them."""
    found = hashlib.sha256()
    for part, array in arrays.items():
        for name, column in _columns(array):
            values = np.asarray(column)
            found.update(f"{part} {name} {values.dtype} {values.shape}\n".encode())
            if values.dtype == object:
                found.update("\0".join(map(repr, values.ravel().tolist())).encode())
            else:
                found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def _columns(array: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(array, pd.DataFrame):
        yield from ((str(name), array[name]) for name in array.columns)
    elif array is not None:
        yield "", array


def _a(thing: object) -> str:
    return f"a {type(thing).__name__}"
