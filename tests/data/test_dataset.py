from dataclasses import replace

import pytest
import torch
from torchvision.transforms.functional import to_tensor

from regsweep.data import dataset
from regsweep.data.dataset import load_dataset, scale
from regsweep.data.source import SOURCES, default_root
from regsweep.data.verify import missing_files
from regsweep.errors import InputError

SIZES = {"validation_size": 100, "train_size": None, "split_seed": 0}
ROOT = default_root().expanduser()


def test_a_data_set_has_the_parts_that_were_asked_for(source, root, digits):
    data = load_dataset("digits", root, **SIZES, test=True)
    assert data.outputs == 10
    for ours, theirs in zip(
        (data.train, data.validation, data.test),
        (digits.train, digits.validation, digits.test),
        strict=True,
    ):
        assert len(ours) == len(theirs)
        assert torch.equal(ours.inputs, theirs.inputs)
        assert torch.equal(ours.targets, theirs.targets)
        assert ours.inputs.is_contiguous()


def test_no_validation_split_and_no_test_give_none(source, root):
    data = load_dataset("digits", root, validation_size=0, train_size=50, split_seed=0, test=False)
    assert len(data.train) == 50
    assert data.validation is None
    assert data.test is None


def test_the_test_files_are_not_loaded_unless_asked_for(source, root, monkeypatch):
    read = []
    monkeypatch.setattr(dataset, "read_images", lambda path: read.append(path.name))
    monkeypatch.setattr(dataset, "_training_parts", lambda *arguments: (None, None, None))
    dataset._test_part.cache_clear()
    load_dataset("digits", root, **SIZES, test=False)
    assert read == []
    load_dataset("digits", root, **SIZES, test=True)
    assert read == ["t10k-images-idx3-ubyte"]


def test_jobs_of_one_process_share_the_tensors(source, root):
    search = load_dataset("digits", root, **SIZES, test=False)
    confirm = load_dataset("digits", str(root), **SIZES, test=True)
    assert search.train is confirm.train
    assert search.validation is confirm.validation


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    [
        ("digit", {}, "data=digit: .* did you mean digits?"),
        ("digits", {"validation_size": 391}, "data.validation_size=391"),
        ("digits", {"train_size": 9}, "data.train_size=9"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_downloaded(
    source, tmp_path, name, sizes, message
):
    with pytest.raises(InputError, match=message):
        load_dataset(name, tmp_path / "new", **(SIZES | sizes), test=True)
    assert not (tmp_path / "new").exists()


def test_a_data_set_moves_to_a_device_as_a_whole(digits):
    # "meta" is a device that every machine has.
    moved = replace(digits, validation=None).to(torch.device("meta"))
    assert moved.validation is None
    assert moved.outputs == 10
    for part in (moved.train, moved.test):
        assert {part.inputs.device.type, part.targets.device.type} == {"meta"}
    assert digits.to(torch.device("cpu")).train.inputs is digits.train.inputs


def test_scaled_images_are_those_of_to_tensor(digits):
    images = digits.train.inputs
    scaled = scale(images)
    assert scaled.shape == images.shape
    assert torch.equal(scaled[:20], torch.cat([to_tensor(i.numpy()) for i in images[:20]]))
    assert images.dtype == torch.uint8


def test_the_real_fashion_mnist(fashion_mnist):
    data = load_dataset(
        *("fashion_mnist", fashion_mnist),
        validation_size=10000,
        train_size=None,
        split_seed=0,
        test=True,
    )
    assert (len(data.train), len(data.validation), len(data.test)) == (50000, 10000, 10000)
    assert data.train.targets.bincount().tolist() == [5000] * 10
    mean = scale(data.train.inputs).mean()
    assert mean.item() == pytest.approx(0.2860, abs=5e-4)


@pytest.mark.skipif(
    bool(missing_files(SOURCES["mnist"], ROOT / "MNIST" / "raw")), reason="needs MNIST"
)
def test_the_real_mnist():
    data = load_dataset(
        "mnist", ROOT, validation_size=10000, train_size=None, split_seed=0, test=True
    )
    assert (len(data.train), len(data.validation), len(data.test)) == (50000, 10000, 10000)
    assert data.train.targets.bincount().tolist()[:2] == [4936, 5618]
    mean = scale(data.train.inputs).mean()
    assert mean.item() == pytest.approx(0.1307, abs=5e-4)
