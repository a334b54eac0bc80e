"""The sets of scikit-learn."""

import pytest
import torch

from regsweep.errors import InputError
from regsweep.settings.data import SCIKIT_LEARN, ScikitLearn
from regsweep.training.load import facts_of, load_data


def spec(name, **changed):
    sizes = {"train_size": None, "validation_size": 0.2, "test_size": 0.2, "split_seed": 0}
    return ScikitLearn(name, **sizes | changed)


@pytest.mark.parametrize("name", [name for name in SCIKIT_LEARN if name != "digits"])
def test_columns_are_standardised_on_training_rows_alone(name):
    data = load_data(spec(name), test=True)

    train = data.train.inputs.double()
    torch.testing.assert_close(train.mean(0), torch.zeros(data.shape).double(), atol=1e-5, rtol=0)
    deviations = train.std(0, unbiased=False)
    torch.testing.assert_close(deviations, torch.ones(data.shape).double(), atol=1e-5, rtol=0)
    assert data.test.inputs.mean(0).abs().max() > 1e-3
    assert data.train.inputs.dtype == torch.float32


def test_digits_are_images_from_0_to_1():
    data, facts = load_data(spec("digits"), test=True), facts_of(spec("digits"))

    assert (facts.shape, facts.outputs, facts.classes[:2]) == ((8, 8), 10, ("0", "1"))
    assert (facts.train, facts.validation, facts.test) == (1150, 288, 359)
    assert (data.train.inputs.min(), data.train.inputs.max()) == (0, 1)


def test_classes_have_the_names_that_the_set_gives_them():
    assert facts_of(spec("breast_cancer")).classes == ("malignant", "benign")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("irs", "data.dataset=irs: did you mean iris? known: breast_cancer, diabetes, digits, i"),
    ],
)
def test_other_sets_are_refused(name, message):
    with pytest.raises(InputError) as caught:
        spec(name)

    assert str(caught.value).startswith(message)
