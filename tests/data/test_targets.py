import numpy as np
import pandas as pd
import pytest

from regsweep.data.targets import read_targets, read_test_targets
from regsweep.errors import InputError

CLASSES = pd.Series([3, 1, 3, 1])
WORDS = pd.Series(["b", "a", "c", "a"])
NUMBERS = pd.Series([0.5, 1.5, 2.0, 0.5])
LABELS = pd.DataFrame({"wet": [0, 1, 1, 0], "cold": [1, 1, 0, 0]})
SEVERAL = pd.DataFrame({"low": [0, 1, 2, 0], "high": [1, 1, 0, 0]})


@pytest.mark.parametrize(
    ("values", "loss", "task", "names", "first"),
    [
        (CLASSES, "auto", "classification", ("1", "3"), 1),
        (CLASSES, "cross_entropy", "classification", ("1", "3"), 1),
        (CLASSES, "bce", "binary", ("1", "3"), [1.0]),
        (CLASSES, "mse", "regression", (), [3.0]),
        (WORDS, "auto", "classification", ("a", "b", "c"), 1),
        (NUMBERS, "auto", "regression", (), [0.5]),
        (NUMBERS, "mse", "regression", (), [0.5]),
        (LABELS, "auto", "binary", ("wet", "cold"), [0.0, 1.0]),
        (LABELS, "bce", "binary", ("wet", "cold"), [0.0, 1.0]),
        (LABELS, "mse", "regression", (), [0.0, 1.0]),
        (SEVERAL, "auto", "regression", (), [0.0, 1.0]),
    ],
)
def test_targets_and_loss_make_the_task(values, loss, task, names, first):
    targets = read_targets(values, "y", loss)

    assert (targets.task, targets.names) == (task, names)
    assert targets.values[0].tolist() == first
    assert targets.values.dtype == (np.int64 if task == "classification" else np.float64)
    assert (read_test_targets(values, "y_test", targets) == targets.values).all()


@pytest.mark.parametrize(
    ("values", "loss", "message"),
    [
        (
            NUMBERS,
            "cross_entropy",
            "loss=cross_entropy: expected mse or auto: y is 3 different numbers in 4 rows, which "
            "are no classes",
        ),
        (NUMBERS, "bce", "loss=bce: expected mse or auto: y is 3 different numbers in 4 rows"),
        (
            WORDS,
            "bce",
            "loss=bce: expected cross_entropy or auto: y is of 3 classes (a, b, c), and bce tells "
            "two apart",
        ),
        (WORDS, "mse", "y: row 1 is b, expected numbers to be predicted"),
        (
            LABELS,
            "cross_entropy",
            "loss=cross_entropy: expected bce, mse or auto: y is 2 columns, and cross_entropy ",
        ),
        (SEVERAL, "bce", "loss=bce: expected mse or auto: y has other numbers than 0 and 1"),
        (LABELS.assign(wet=1), "auto", "y: column wet: every row is 1; expected values that diff"),
        (LABELS.assign(wet=WORDS), "auto", "y: column wet: row 1 is b, expected numbers to be pr"),
        (LABELS.assign(wet=[0, None, 1, 1]), "auto", "y: column wet: row 2 is missing; every row"),
    ],
)
def test_targets_that_do_not_fit_the_loss_are_refused(values, loss, message):
    with pytest.raises(InputError) as caught:
        read_targets(values, "y", loss)

    assert str(caught.value).startswith(message)


def test_test_rows_are_of_the_same_task():
    with pytest.raises(InputError, match="t: there are other numbers than 0 and 1, which labels"):
        read_test_targets(SEVERAL, "t", read_targets(LABELS, "y"))
    with pytest.raises(InputError, match="t: row 1 is b, expected numbers to be predicted"):
        read_test_targets(WORDS, "t", read_targets(NUMBERS, "y"))
