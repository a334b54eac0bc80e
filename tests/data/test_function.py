"""What a data function of a study gives, and what is said where it cannot be used."""

import hashlib
import inspect
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix

from regsweep import Arrays
from regsweep.data.arrays import read_arrays
from regsweep.data.function import read_function
from regsweep.data.own import divided
from regsweep.data.own_file import read_file
from regsweep.data.sizes import Sizes
from regsweep.data.table import read_table
from regsweep.errors import InputError, MachineFault

SIZES = Sizes(None, 0.2, 0.2, 0)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 3)).astype(np.float32), np.arange(60) % 3
FRAME = pd.DataFrame(
    {"age": [1.0, np.nan, 3.0, 4.0] * 15, "sex": ["f", "m", None, "f"] * 15, "site": "here"}
)


def given(*arrays, **parts):
    return read_function("mine", lambda: Arrays(*arrays, **parts), {}, ".")


def same(one, other):
    for part in ("train", "validation", "test"):
        mine, theirs = getattr(one.dataset, part), getattr(other.dataset, part)
        assert torch.equal(mine.inputs, theirs.inputs)
        assert torch.equal(mine.targets, theirs.targets)


def test_arrays_are_those_of_a_file_with_the_same(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=X, y=Y, x_test=X[:9], y_test=Y[:9])
    of_file = divided(read_arrays(read_file("data.path", str(path))), SIZES)

    for kind in (np.asarray, torch.from_numpy):
        of_function = divided(given(*map(kind, (X, Y, X[:9], Y[:9]))), SIZES)
        same(of_function, of_file)
        assert of_function.facts.classes == ("0", "1", "2")


def test_a_data_frame_is_the_table_of_a_file_with_the_same(tmp_path):
    path = tmp_path / "x.csv"
    FRAME.assign(y=Y).to_csv(path, index=False)
    table = read_table(read_file("data.path", str(path)), None, "y", None, None)

    mine = given(FRAME.set_axis(range(7, 67)), pd.Series(Y, index=range(60)))

    same(divided(mine, SIZES), divided(table, SIZES))
    assert mine.notes == ("data=mine: left out site (constant)",)


def test_what_may_not_be_written_is_copied():
    images = np.ones((60, 4), np.uint8)
    images.flags.writeable = False

    assert given(images, Y, images, Y).test.inputs.flags.writeable


def test_bytes_stay_bytes_and_groups_stay_whole():
    groups = np.repeat(np.arange(20), 3)
    bytes_ = np.repeat(groups[:, None], 2, 1).astype(np.uint8)

    parts = divided(given(bytes_, Y, groups=groups), SIZES).dataset

    assert parts.train.inputs.dtype == torch.uint8
    tabled = divided(given(pd.DataFrame({"who": groups}), Y, groups=groups), SIZES).dataset
    assert len(tabled.train) == len(parts.train)
    held = [set(part.inputs[:, 0].tolist()) for part in (parts.train, parts.validation, parts.test)]
    assert sorted(group for part in held for group in part) == list(range(20))


def test_what_it_gives_has_a_hash_of_its_values():
    def sha256(*arrays, **parts):
        [(key, value)] = given(*arrays, **parts).files.items()
        assert key == "data=mine"
        return value

    assert sha256(X, Y) == sha256(torch.from_numpy(X), Y.copy()) == sha256(X[:, :], Y)
    other = X.copy()
    other[5, 1] = np.nextafter(other[5, 1], 1)
    names = np.array(["a", "b", "c"], object)[Y]
    ones = [
        sha256(X, Y), sha256(other, Y), sha256(X, Y, groups=np.repeat(np.arange(20), 3)),
        sha256(X, Y, X, Y), sha256(X, names), sha256(X[:, None], Y), sha256(FRAME, Y),
        sha256(FRAME.rename(columns={"age": "years"}), Y), sha256(FRAME.fillna({"sex": "m"}), Y),
    ]  # fmt: skip
    assert len(set(ones)) == len(ones)
    assert len(ones[0]) == len(hashlib.sha256().hexdigest())


def test_names_of_classes_may_be_objects():
    names = np.array(["low", "mid", "top"], object)[Y]

    assert given(X, names).names == given(FRAME, names).names == ("low", "mid", "top")


def test_it_is_called_where_the_command_was_with_its_keys(tmp_path):
    np.save(tmp_path / "x.npy", X)

    def load(path, times):
        return Arrays(times * np.load(path), Y)

    mine = read_function("mine", load, {"path": "x.npy", "times": 2}, str(tmp_path))

    assert np.array_equal(mine.rows.inputs, 2 * X)


def test_raw_inputs_become_those_of_its_rows():
    assert np.array_equal(given(X, Y).read(X[:2].tolist()), X[:2])
    loaded = divided(given(FRAME, Y), SIZES)
    assert loaded.encode(FRAME.assign(more=1)).shape == (60, loaded.facts.shape[0])
    with pytest.raises(InputError, match=r"^inputs: column sex is missing, which data=mine has$"):
        loaded.encode(FRAME[["age"]])
    with pytest.raises(InputError, match=r"inputs is float32 of shape \(2, 2\), expected rows as"):
        given(X, Y).read(X[:2, :2])


def test_raw_integers_are_those_of_its_rows():
    of_integers, of_floats = given(np.int16([[1, 2]] * 60), Y), given(np.ones((60, 2)), Y)

    assert of_integers.read([[3, 4]]).dtype == np.int64
    assert of_floats.read([[3, 4]]).dtype == np.float32
    with pytest.raises(
        InputError, match=r"inputs is float32 .* as those of inputs, int64 of shape"
    ):
        of_integers.read([[3.0, 4.0]])


TWICE = pd.DataFrame([[1, 2]] * 60, columns=["a", "a"])
WRONG = {
    "a tuple": (lambda: (X, Y), "the function gives a tuple; expected regsweep.Arrays(inputs, ta"),
    "nothing": (lambda: None, "the function gives a NoneType; expected regsweep.Arrays(inputs, ta"),
    "lists": (
        lambda: Arrays(X.tolist(), Y),
        "inputs is a list; expected an array, such as numpy.asarray(inputs)",
    ),
    "a list of targets": (
        lambda: Arrays(X, Y.tolist()),
        "targets is a list; expected an array, such as numpy.asarray(targets)",
    ),
    "a sparse matrix": (
        lambda: Arrays(csr_matrix(X), Y),
        "inputs is a sparse csr_matrix; expected an array that holds its zeros, such as "
        "inputs.toarray()",
    ),
    "a class with a NUL byte": (
        lambda: Arrays(X, np.array(["a", "b\0c", "d"])[Y]),
        r"targets: class 'b\x00c' has a NUL byte; expected text without",
    ),
    "lengths": (lambda: Arrays(X, Y[:50]), "inputs is 60 rows, and targets 50; expected as many"),
    "lengths of a frame": (lambda: Arrays(FRAME, Y[:50]), "inputs is 60 rows, and targets 50; exp"),
    "lengths of a test part": (
        lambda: Arrays(X, Y, X, Y[:5]), "test_inputs is 60 rows, and test_targets 5; expected as",
    ),
    "one class": (
        lambda: Arrays(X, 0 * Y), "targets: every row is 0; expected at least two classes",
    ),
    "NaN": (
        lambda: Arrays(np.where(np.arange(60)[:, None] == 3, np.nan, X), Y),
        "inputs[3, 0] is nan, expected finite numbers in float32",
    ),
    "a missing class": (lambda: Arrays(X, np.where(Y == 1, np.nan, Y)), "targets: row 2 is miss"),
    "text": (lambda: Arrays(X.astype(str), Y), "inputs is <U32 of shape (60, 3), expected numbers"),
    "flat": (lambda: Arrays(X[:, 0], Y), "inputs is float32 of shape (60,), expected rows of inp"),
    "nested": (
        lambda: Arrays(X, Y[:, None, None]),
        "targets is int64 of shape (60, 1, 1), expected a class ",
    ),
    "nested beside a frame": (
        lambda: Arrays(FRAME, Y[:, None, None]),
        "targets is int64 of shape (60, 1, 1), expected a class ",
    ),
    "test shape": (
        lambda: Arrays(X, Y, X[:, :2], Y),
        "test_inputs is float32 of shape (60, 2), expected rows as those of inputs, float32 of sh",
    ),
    "half a test part": (
        lambda: Arrays(X, Y, X), "expected both of test_inputs and test_targets, or neither",
    ),
    "an array to test a frame": (
        lambda: Arrays(FRAME, Y, X, Y), "inputs is a data frame; expected both of inputs and test",
    ),
    "a frame to test an array": (
        lambda: Arrays(X, Y, FRAME, Y), "test_inputs is a data frame; expected both of inputs and",
    ),
    "one number": (lambda: Arrays(np.array(1.0), Y), "inputs is one float64; expected a row"),
    "a column less": (
        lambda: Arrays(FRAME, Y, FRAME[["age"]], Y),
        "test_inputs: column sex is missing, which inputs has",
    ),
    "a class more": (
        lambda: Arrays(X, Y, X, Y + 1), "test_targets: row 3 is 3, which no training row is; known",
    ),
    "groups": (lambda: Arrays(X, Y, groups=Y[:5]), "inputs is 60 rows, and groups 5"),
    "columns": (
        lambda: Arrays(TWICE, Y), "inputs: column 2 is called 'a'; expected a name of its own",
    ),
    "numbers for names": (
        lambda: Arrays(pd.DataFrame(X), Y), "inputs: column 1 is called 0; expected a name of its",
    ),
    "complex numbers": (
        lambda: Arrays(FRAME.assign(z=1j * FRAME.index), Y),
        "column z holds no numbers, categories or text (complex128); expected",
    ),
    "lists in cells": (
        lambda: Arrays(FRAME.assign(z=[[1]] * 60), Y),
        "column z holds no numbers, categories or text (unhashable type: 'list'); expected",
    ),
    "bfloat16": (
        lambda: Arrays(torch.tensor(X).bfloat16(), Y),
        "inputs is a tensor of torch.bfloat16, torch.strided, on cpu, which makes no array (Got",
    ),
    "a sparse tensor": (
        lambda: Arrays(torch.tensor(X).to_sparse(), Y),
        "inputs is a tensor of torch.float32, torch.sparse_coo, on cpu, which makes no array (can",
    ),
    "masked": (
        lambda: Arrays(np.ma.masked_array(X, mask=np.arange(180).reshape(60, 3) == 4), Y),
        "inputs: of its values 1 are masked; expected none missing",
    ),
    "several groups a row": (
        lambda: Arrays(X, Y, groups=X),
        "groups is of shape (60, 3); expected one group a row, (60,)",
    ),
    "whole numbers that are rounded": (
        lambda: Arrays(X, Y, np.arange(180).reshape(60, 3) + 2**24, Y),
        "test_inputs[0, 1] is 16777217, a whole number that float32 rounds; expected smaller ones",
    ),
    "two classes of one name": (
        lambda: Arrays(X, np.array([1, "1"] * 30, dtype=object)),
        "targets: 1 stands for several classes, as number and as text; expected names that differ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_used_is_named(case):
    function, expected = WRONG[case]

    with pytest.raises(InputError) as caught:
        read_function("mine", function, {}, ".")

    assert str(caught.value).startswith(f"data=mine: {expected}")


@pytest.mark.parametrize(
    ("values", "width"),
    [
        (pd.Categorical(np.arange(60) % 4), 4),
        (pd.Series([True, None, False] * 20, dtype=object), 3),
        (pd.to_datetime(["2020-01-01", "2021-01-01", "2022-01-01"] * 20), 3),
        (["1", "2", "3"] * 20, 3),
        ([Decimal(n) for n in range(60)], 1),
    ],
    ids=["categories of numbers", "truth values", "dates", "text of numbers", "decimals"],
)
def test_a_column_of_a_frame_is_numbers_or_categories_by_its_type(values, width):
    mine = divided(given(pd.DataFrame({"age": X[:, 0], "z": values}), Y), SIZES)

    assert mine.facts.shape == (1 + width,)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_numbers_whose_squares_are_beyond_float64_are_refused(scale):
    with pytest.raises(InputError, match="targets: the numbers are too large or too small to be s"):
        divided(given(X, X[:, 0].astype(np.float64) * scale), SIZES)


def raises_below():
    return pd.DataFrame({"a": [1]})["b"]


def raises_in_another():
    return json_of("{")


def json_of(text):
    import json

    return json.loads(text)


def test_where_it_raises_is_said_by_the_line_of_its_own_file():
    line = inspect.getsourcelines(raises_below)[1] + 1
    with pytest.raises(InputError) as caught:
        read_function("mine", raises_below, {}, ".")
    assert str(caught.value) == f"data=mine: the function raises KeyError: 'b' ({__file__}:{line})"
    line = inspect.getsourcelines(json_of)[1] + 3
    with pytest.raises(InputError, match=rf"the function raises JSONDecodeError: .*{line}\)$"):
        read_function("mine", raises_in_another, {}, ".")


def test_a_file_that_is_not_there_is_no_fault_of_a_run():
    with pytest.raises(MachineFault, match=r"^data=mine: the function raises FileNotFoundError: "):
        read_function("mine", lambda: np.load("nowhere.npy"), {}, ".")
    with pytest.raises(InputError, match=r"missing 1 required .* \(its call\)$"):
        read_function("mine", lambda path: path, {}, ".")
