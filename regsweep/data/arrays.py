"""Arrays in an ``.npz`` file: ``x`` and ``y``, and ``x_test`` and ``y_test`` if there are any."""

import io
import zipfile
from collections.abc import Mapping, Sized
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

    Bytes stay bytes, which are divided by 255 when they are used; other numbers become float32 as
    they are. No pickle is read.

    Raises:
        InputError: an array is missing, of the wrong shape or type, or holds what is not finite.
    """
    arrays = _load(file)
    x, y = _inputs(file, "x", arrays["x"]), _targets(file, "y", arrays["y"])
    _refuse_lengths(file, "x", x, "y", y)
    targets = read_targets(y, f"{file.key}={file.path}: y", loss)
    test = None
    if "x_test" in arrays:
        x_test = _inputs(file, "x_test", arrays["x_test"])
        y_test = _targets(file, "y_test", arrays["y_test"])
        _refuse_lengths(file, "x_test", x_test, "y_test", y_test)
        if y_test.shape[1:] != y.shape[1:]:
            raise _wrong(file, "y_test", "of other columns than y; expected the same")
        if x_test.shape[1:] != x.shape[1:] or x_test.dtype != x.dtype:
            raise _wrong(
                file,
                "x_test",
                f"{_described(x_test)}, expected rows as those of x, {_described(x)}",
            )
        where = f"{file.key}={file.path}: y_test"
        test = Rows(x_test, read_test_targets(y_test, where, targets))
    return Given(
        rows=Rows(x, targets.values),
        test=test,
        names=targets.names,
        fit=lambda train: _as_it_is,
        where=f"{file.key}={file.path}: y",
        files={file.key: file.sha256},
        task=targets.task,
    )


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
            file, name, f"of Python objects ({error}); expected numbers or text"
        ) from error


def _inputs(file: OwnFile, name: str, array: Array) -> Array:
    if array.dtype.kind not in "biuf":
        raise _wrong(file, name, f"{_described(array)}, expected numbers")
    if array.ndim < 2 or 0 in array.shape:
        raise _wrong(
            file,
            name,
            f"{_described(array)}, expected rows of inputs, of shape (rows, columns, ...)",
        )
    if array.dtype == np.uint8:
        return array
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32)
    finite = np.isfinite(numbers)
    if not finite.all():
        row, *place = (int(i) for i in np.argwhere(~finite)[0])
        at = ", ".join(map(str, (row, *place)))
        raise _wrong(
            file, f"{name}[{at}]", f"{array[(row, *place)]}, expected finite numbers in float32"
        )
    return numbers


def _targets(file: OwnFile, name: str, array: Array) -> "pd.Series[Any] | pd.DataFrame":
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.shape[1] and array.dtype.kind in "biuf":
        return pd.DataFrame(array)
    if array.ndim != 1 or array.dtype.kind not in "biufUS":
        raise _wrong(
            file,
            name,
            f"{_described(array)}, expected a class or a number for each row, of shape (rows,), "
            "or several numbers, of shape (rows, columns)",
        )
    return pd.Series(array.astype(str) if array.dtype.kind in "US" else array)


def _refuse_lengths(file: OwnFile, name: str, x: Array, other: str, y: Sized) -> None:
    if len(x) != len(y):
        raise _wrong(file, name, f"{len(x)} rows, and {other} {len(y)}; expected as many")


def _described(array: Array) -> str:
    return f"{array.dtype} of shape {array.shape}"


def _wrong(file: OwnFile, name: str, what: str) -> InputError:
    return InputError(f"{file.key}={file.path}: {name} is {what}")
