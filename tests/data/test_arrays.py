"""Arrays of the user's: read, checked, divided."""

import numpy as np
import pytest
import torch

from regsweep.errors import InputError, MachineFault
from regsweep.settings.data import Arrays
from regsweep.training.load import facts_of, load_data

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 4))
Y = np.arange(60) % 3


def spec(path, **changed):
    sizes = {"train_size": None, "validation_size": 0.2, "test_size": 0.2, "split_seed": 0}
    return Arrays(str(path), **sizes | changed)


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "x.npz", **arrays)
        return tmp_path / "x.npz"

    return save


def test_rows_are_set_aside_by_class_and_numbers_are_taken_as_they_are(saved):
    path = saved(x=X, y=np.array(["b", "a", "c"])[Y])

    data, facts = load_data(spec(path), test=True), facts_of(spec(path))

    assert (facts.train, facts.validation, facts.test) == (38, 10, 12)
    assert (facts.shape, facts.outputs, facts.classes) == ((4,), 3, ("a", "b", "c"))
    assert torch.bincount(data.test.targets).tolist() == [4, 4, 4]
    parts = (data.train, data.validation, data.test)
    rows = torch.cat([part.inputs for part in parts])
    assert {tuple(row) for row in rows.tolist()} == {
        tuple(row) for row in X.astype(np.float32).tolist()
    }
    of = {tuple(row): label for row, label in zip(X.astype(np.float32).tolist(), Y, strict=True)}
    for part in parts:
        names = [facts.classes[target] for target in part.targets]
        rows = part.inputs.tolist()
        assert names == [("b", "a", "c")[of[tuple(row)]] for row in rows]


def test_a_search_is_given_no_test_part(saved):
    assert load_data(spec(saved(x=X, y=Y)), test=False).test is None


def test_whole_numbers_are_rows_and_a_seed_says_which(saved):
    path = saved(x=X, y=Y)
    whole = {"validation_size": 7, "test_size": 9, "train_size": 20}

    facts = facts_of(spec(path, **whole))
    one, other = (load_data(spec(path, split_seed=seed), test=True) for seed in (0, 1))

    assert (facts.train, facts.validation, facts.test) == (20, 7, 9)
    assert not torch.equal(one.test.inputs, other.test.inputs)


def test_test_arrays_are_the_test_part_and_bytes_stay_bytes(saved):
    images = RANDOM.integers(0, 256, (60, 8, 8), np.uint8)

    path = saved(x=images, y=Y, x_test=images[:5], y_test=Y[:5])
    data = load_data(spec(path, test_size=50), test=True)

    assert data.test.inputs.dtype == torch.uint8
    assert torch.equal(data.test.inputs, torch.from_numpy(images[:5]))
    assert (data.shape, len(data.train) + len(data.validation)) == ((8, 8), 60)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint16, np.int32, np.int64, np.uint64])
def test_integers_stay_the_whole_numbers_that_they_are(saved, kind):
    largest = min(np.iinfo(kind).max, np.iinfo(np.int64).max)
    x = np.array([[0, 1, largest]] * 60, kind)

    data, facts = load_data(spec(saved(x=x, y=Y)), test=True), facts_of(spec(saved(x=x, y=Y)))

    for part in (data.train, data.validation, data.test):
        assert part.inputs.dtype == torch.int64
        assert part.inputs.unique(dim=0).tolist() == [[0, 1, largest]]
    assert facts.largest == largest
    assert "largest" not in facts.stored()


def test_a_negative_number_may_be_the_largest(saved):
    assert facts_of(spec(saved(x=np.array([[-9, 3]] * 60), y=Y))).largest == 9


@pytest.mark.parametrize("kind", [bool, np.float16, np.float64])
def test_truth_values_and_floats_are_float32(saved, kind):
    path = saved(x=np.array([[0, 1]] * 60, kind), y=Y)

    assert load_data(spec(path), test=False).train.inputs.dtype == torch.float32
    assert facts_of(spec(path)).largest is None


def test_whole_numbers_to_test_on_are_floats_beside_floats(saved):
    path = saved(x=X, y=Y, x_test=np.arange(240).reshape(60, 4), y_test=Y)

    assert load_data(spec(path), test=True).test.inputs.dtype == torch.float32


def test_a_file_that_is_written_anew_is_read_anew(saved):
    assert facts_of(spec(saved(x=X, y=Y))).outputs == 3
    first = facts_of(spec(saved(x=X, y=Y))).files
    assert facts_of(spec(saved(x=X, y=Y % 2))).outputs == 2
    assert facts_of(spec(saved(x=X, y=Y % 2))).files != first


def with_value(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


REFUSED = [
    ({"x": X}, "expected an array y in it; it holds x"),
    ({"x": X, "y": Y, "x_test": X}, "expected an array y_test in it; it holds x, x_test, y"),
    ({"x": X[:50], "y": Y}, "x is 50 rows, and y 60; expected as many"),
    ({"x": X[:, 0], "y": Y}, "x is float64 of shape (60,), expected rows of inputs"),
    ({"x": X.astype(str), "y": Y}, "expected numbers"),
    ({"x": with_value(X, (7, 2), np.nan), "y": Y}, "x[7, 2] is nan, expected finite numbers"),
    ({"x": with_value(X, (7, 2), 1e300), "y": Y}, "x[7, 2] is 1e+300, expected finite numbers"),
    (
        {"x": with_value(np.ones((60, 2), np.uint64), (7, 1), 2**63), "y": Y},
        "x[7, 1] is 9223372036854775808, expected whole numbers that int64 holds, up to 9223372036",
    ),
    (
        {"x": np.ones((60, 4), int), "y": Y, "x_test": X, "y_test": Y},
        "x_test is float32 of shape (60, 4), expected rows as those of x, int64 of shape (60, 4)",
    ),
    ({"x": X.astype(object), "y": Y}, "x is of Python objects"),
    ({"x": X, "y": Y * 0}, "y: every row is 0; expected at least two classes"),
    (
        {"x": X, "y": with_value(Y * 1.0, 4, np.nan)},
        "y: row 5 is missing; every row needs a target",
    ),
    ({"x": X, "y": with_value(X, (7, 2), np.inf)}, "y: column 2: row 8 is inf, expected finite nu"),
    ({"x": X, "y": with_value(Y, 0, 9)}, "y=9 (1 row): expected at least 3 rows of each class"),
    (
        {"x": X, "y": X[:, :, None]},
        "y is float64 of shape (60, 4, 1), expected a class or a number",
    ),
    (
        {"x": X, "y": X, "x_test": X, "y_test": X[:, :3]},
        "y_test is of other columns than y; expected the same",
    ),
    (
        {"x": X, "y": Y, "x_test": X[:, :3], "y_test": Y},
        "x_test is float32 of shape (60, 3), expected rows as those of x, float32 of shape (60, 4)",
    ),
    ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "y_test: row 3 is 3, which no training row"),
]


@pytest.mark.parametrize(("arrays", "message"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_cannot_be_learned_from_is_refused_by_its_place(saved, arrays, message):
    path = saved(**arrays)

    with pytest.raises(InputError) as caught:
        facts_of(spec(path))

    assert str(caught.value).startswith(f"data.path={path}: ")
    assert message in str(caught.value)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    expected = "expected an .npz file, as numpy.savez"
    for content in (b"", b"x,y\n1,2\n", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=expected):
            facts_of(spec(path))
    np.save(tmp_path / "one.npy", X)
    with pytest.raises(InputError, match=expected):
        facts_of(spec(tmp_path / "one.npy"))


def test_a_file_that_is_not_there_is_no_runs_fault(tmp_path):
    with pytest.raises(MachineFault, match="expected a file that can be read"):
        facts_of(spec(tmp_path / "none.npz"))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"test_size": 59}, "data.test_size=59: expected at most 57 rows"),
        ({"validation_size": 46}, "data.validation_size=46: expected 0 to 45"),
        ({"train_size": 39}, "data.train_size=39: expected null (all) or 3 to 38"),
    ],
)
def test_sizes_that_the_rows_do_not_allow_are_refused(saved, sizes, message):
    with pytest.raises(InputError) as caught:
        facts_of(spec(saved(x=X, y=Y), **sizes))

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"test_size": 0}, "data.test_size=0: expected a whole number of rows, 1 or above, or a"),
        ({"test_size": 1.5}, "data.test_size=1.5: expected a whole number of rows, 1 or above, or"),
        ({"validation_size": -0.1}, "data.validation_size=-0.1: expected a whole number of rows"),
        ({"train_size": 0}, "data.train_size=0: expected a whole number, 1 or above"),
    ],
)
def test_sizes_that_are_none_are_refused_without_a_look_at_the_file(sizes, message):
    with pytest.raises(InputError) as caught:
        spec("unread", **sizes)

    assert str(caught.value).startswith(message)
