"""Arrays in an ``.npz`` file: ``x`` and ``y``, and ``x_test`` and ``y_test`` if there are any."""

import io
import zipfile
from collections.abc import Mapping, Sequence, Sized
from typing import Any

import numpy as np
import pandas as pd

from regsweep.data.own import Array, Given, Rows
from regsweep.data.own_file import OwnFile
from regsweep.data.targets import read_targets, read_test_targets
from regsweep.errors import InputError, bad_value
from regsweep.records.task import LossChoice

_KNOWN = ("x", "y", "x_test", "y_test")


def read_arrays(file: OwnFile, loss: LossChoice = "auto") -> Given:
    """What ``file`` holds, with targets as ``loss`` and they themselves say.

    Bytes stay bytes, which are divided by 255 when they are used; other integers become int64,
    floats float32. No pickle is read.

    Raises:
        InputError: an array is missing, of the wrong shape or type, or holds what is not finite.
    """
    return given_of(
        _load(file), _KNOWN, f"{file.key}={file.path}", {file.key: file.sha256}, loss=loss
    )


def given_of(
    arrays: Mapping[str, Any],
    called: Sequence[str],
    where: str,
    files: Mapping[str, str],
    groups: Array | None = None,
    loss: LossChoice = "auto",
) -> Given:
    """``arrays``, two or four, by what inputs and targets are ``called``, then those to test on.

    ``where`` is what messages call their source. Raises as ``read_arrays``.
    """
    x, y, x_test, y_test = called
    inputs, targets = _inputs(where, x, arrays[x]), targets_of(where, y, arrays[y])
    _refuse_lengths(where, x, inputs, y, targets)
    read = read_targets(targets, f"{where}: {y}", loss)
    test = None
    if x_test in arrays:
        aside = _inputs(where, x_test, arrays[x_test], like=inputs)
        of_aside = targets_of(where, y_test, arrays[y_test])
        _refuse_lengths(where, x_test, aside, y_test, of_aside)
        if of_aside.shape[1:] != targets.shape[1:]:
            raise _wrong(where, y_test, f"of other columns than {y}; expected the same")
        _refuse_unlike(where, x_test, aside, x, inputs)
        test = Rows(aside, read_test_targets(of_aside, f"{where}: {y_test}", read))
    return Given(
        rows=Rows(inputs, read.values),
        test=test,
        names=read.names,
        fit=lambda train: _as_it_is,
        where=f"{where}: {y}",
        groups=groups,
        files=files,
        read=lambda raw: _read(where, raw, x, inputs),
        task=read.task,
    )


def _read(where: str, raw: Any, x: str, inputs: Array) -> Array:
    """``raw``, inputs that are not of the source, as those of it."""
    read = _inputs(where, "inputs", np.asarray(raw), like=inputs)
    _refuse_unlike(where, "inputs", read, x, inputs)
    return read


def _refuse_unlike(where: str, name: str, array: Array, x: str, inputs: Array) -> None:
    if array.shape[1:] != inputs.shape[1:] or array.dtype != inputs.dtype:
        what = f"{_described(array)}, expected rows as those of {x}, {_described(inputs)}"
        raise _wrong(where, name, what)


def _as_it_is(inputs: Array) -> Array:
    return inputs


def _load(file: OwnFile) -> Mapping[str, Array]:
    try:
        with np.load(io.BytesIO(file.content), allow_pickle=False) as loaded:
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                raise ValueError("one array")
            held = set(loaded.files)
            arrays = {name: _array(file, loaded, name) for name in _KNOWN if name in held}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise bad_value(
            file.key, file.path, "an .npz file, as numpy.savez(path, x=x, y=y) writes it"
        ) from error
    needed = {"x", "y"} | ({"x_test", "y_test"} if held & {"x_test", "y_test"} else set())
    for name in _KNOWN:
        if name in needed - held:
            listed = ", ".join(sorted(held)) or "nothing"
            raise bad_value(file.key, file.path, f"an array {name} in it; it holds {listed}")
    return arrays


def _array(file: OwnFile, loaded: Mapping[str, Array], name: str) -> Array:
    try:
        return loaded[name]
    except ValueError as error:
        raise _wrong(
            f"{file.key}={file.path}",
            name,
            f"of Python objects ({error}); expected numbers or text",
        ) from error


def _inputs(where: str, name: str, array: Array, like: Array | None = None) -> Array:
    """``array`` as bytes, int64 or float32; integers as float32 where it is ``like`` floats."""
    if array.dtype.kind not in "biuf":
        raise _wrong(where, name, f"{_described(array)}, expected numbers")
    if array.ndim < 2 or 0 in array.shape:
        raise _wrong(
            where,
            name,
            f"{_described(array)}, expected rows of inputs, of shape (rows, columns, ...)",
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind in "iu" and (like is None or like.dtype != np.float32):
        return _integers(where, name, array)
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32)
    finite = np.isfinite(numbers)
    if not finite.all():
        row, *place = (int(i) for i in np.argwhere(~finite)[0])
        at = ", ".join(map(str, (row, *place)))
        raise _wrong(
            where, f"{name}[{at}]", f"{array[(row, *place)]}, expected finite numbers in float32"
        )
    if array.dtype.kind in "iu" and (rounded := numbers.astype(np.float64) != array).any():
        row, *place = (int(i) for i in np.argwhere(rounded)[0])
        at = ", ".join(map(str, (row, *place)))
        raise _wrong(
            where,
            f"{name}[{at}]",
            f"{array[(row, *place)]}, a whole number that float32 rounds; expected smaller ones, "
            f"or {array.dtype.name} made floats where rounding does not matter",
        )
    return numbers


def _integers(where: str, name: str, array: Array) -> Array:
    most = np.iinfo(np.int64).max
    if array.dtype == np.uint64 and (beyond := array > most).any():
        row, *place = (int(i) for i in np.argwhere(beyond)[0])
        at = ", ".join(map(str, (row, *place)))
        what = f"{array[(row, *place)]}, expected whole numbers that int64 holds, up to {most}"
        raise _wrong(where, f"{name}[{at}]", what)
    return array.astype(np.int64)


def targets_of(
    where: str, name: str, array: "Array | pd.Series[Any]"
) -> "pd.Series[Any] | pd.DataFrame":
    """The targets in ``array``, a column or several; ``where`` and ``name`` are for messages.

    Raises:
        InputError: it has another shape, or holds neither numbers nor text.
    """
    if isinstance(array, pd.Series):
        return array.reset_index(drop=True)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.shape[1] and array.dtype.kind in "biuf":
        return pd.DataFrame(array)
    if array.ndim != 1 or array.dtype.kind not in "biufUS":
        raise _wrong(
            where,
            name,
            f"{_described(array)}, expected a class or a number for each row, of shape (rows,), "
            "or several numbers, of shape (rows, columns)",
        )
    return pd.Series(array.astype(str) if array.dtype.kind in "US" else array)


def _refuse_lengths(where: str, name: str, x: Array, other: str, y: Sized) -> None:
    if len(x) != len(y):
        raise _wrong(where, name, f"{len(x)} rows, and {other} {len(y)}; expected as many")


def _described(array: Array) -> str:
    return f"{array.dtype} of shape {array.shape}"


def _wrong(where: str, name: str, what: str) -> InputError:
    return InputError(f"{where}: {name} is {what}")
