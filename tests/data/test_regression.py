"""Data of numbers and of labels, from the file to the examples."""

import numpy as np
import pytest
import torch

from regsweep.errors import InputError
from regsweep.settings.data import Arrays, ScikitLearn, Table
from regsweep.training.load import facts_of, load_data

SIZES = {"train_size": None, "validation_size": 0.25, "test_size": 0.2, "split_seed": 0}
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(100, 3))
Y = np.stack([10 + 5 * X[:, 0], X[:, 1] - 2], axis=1)


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "x.npz", **arrays)
        return str(tmp_path / "x.npz")

    return save


def test_numbers_are_standardised_as_the_training_rows_have_them(saved):
    spec = Arrays(path=saved(x=X, y=Y), **SIZES)

    data, facts = load_data(spec, test=True), facts_of(spec)

    assert (data.outputs, data.task, facts.task) == (2, "regression", "regression")
    assert facts.classes == ()
    back = data.train.targets[0].double() * torch.tensor(facts.deviation) + torch.tensor(facts.mean)
    assert np.abs(Y - back.numpy()).max(1).min() < 1e-5  # one of the rows that were given
    assert (facts.train, facts.validation, facts.test) == (60, 20, 20)
    train = data.train.targets.double()
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(0, correction=0), 1, rtol=1e-6)
    # The same scaling holds for the other parts: they lie on the lines that the inputs give.
    lines = np.polyfit(data.train.inputs[:, 0], train[:, 0], 1)
    for part in (data.validation, data.test):
        np.testing.assert_allclose(
            part.targets[:, 0], np.polyval(lines, part.inputs[:, 0]), atol=1e-5
        )
    assert len(facts.notes) == 1
    assert "a loss of 1 is that of predicting the mean" in facts.notes[0]


def test_one_source_is_read_by_the_task_that_the_loss_settles(saved):
    spec = Arrays(path=saved(x=X, y=(Y[:, 0] > 10).astype(int)), **SIZES)

    classes, labels, numbers = (load_data(spec, loss, test=True) for loss in ("auto", "bce", "mse"))

    assert (classes.task, classes.outputs) == ("classification", 2)
    assert (labels.task, labels.outputs) == ("binary", 1)
    assert (numbers.task, numbers.outputs) == ("regression", 1)
    # Two classes are divided alike, whatever the loss is.
    assert (classes.train.targets == labels.train.targets[:, 0]).all()
    assert labels.train.targets.shape == (60, 1)


def test_a_table_may_have_several_targets_and_groups(tmp_path):
    lines = ["a,b,who,wet,cold"]
    lines += [f"{x[0]},{x[1]},{n // 5},{n % 2},{n % 3 // 2}" for n, x in enumerate(X)]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines))
    spec = Table(
        path=str(path), target=("wet", "cold"), test_path=None, columns=None, group="who", **SIZES
    )

    data, facts = load_data(spec, test=True), facts_of(spec)

    assert (data.task, data.outputs, facts.classes) == ("binary", 2, ("wet", "cold"))
    assert data.shape == (2,)
    assert facts.train + facts.validation + facts.test == 100
    assert {facts.train % 5, facts.validation % 5, facts.test % 5} == {0}  # whole groups


@pytest.mark.parametrize(
    ("arrays", "sizes", "message"),
    [
        ({"x": X[:2], "y": Y[:2]}, {}, "y=2 rows: expected at least 3 rows: one for each part"),
        ({"x": X, "y": Y}, {"test_size": 101}, "data.test_size=101: expected at most 99 rows: of "),
        ({"x": X, "y": Y}, {"train_size": 90}, "data.train_size=90: expected null (all) or 1 to 6"),
        (
            {"x": X, "y": Y},
            {"validation_size": 1},
            "y: all is alike in the validation part, 1 rows, so R² is not defined",
        ),
    ],
)
def test_parts_that_are_too_small_are_refused(saved, arrays, sizes, message):
    with pytest.raises(InputError) as caught:
        facts_of(Arrays(path=saved(**arrays), **{**SIZES, **sizes}))

    assert message in str(caught.value)
    assert "classes" not in str(caught.value)


def test_scikit_learns_sets_of_numbers_are_there():
    for name, outputs in (("diabetes", 1), ("linnerud", 3)):
        data = load_data(ScikitLearn(dataset=name, **SIZES), test=True)
        assert (data.task, data.outputs) == ("regression", outputs)
    with pytest.raises(InputError, match="loss=cross_entropy: expected mse or auto"):
        facts_of(ScikitLearn(dataset="diabetes", **SIZES), "cross_entropy")
    with pytest.raises(InputError, match=r"loss=bce: .* of 10 classes .*, and bce tells two apart"):
        facts_of(ScikitLearn(dataset="digits", **SIZES), "bce")
    with pytest.raises(InputError, match=r"loss=mse: .* of 2 classes .malignant, benign., and mse"):
        facts_of(ScikitLearn(dataset="breast_cancer", **SIZES), "mse")
