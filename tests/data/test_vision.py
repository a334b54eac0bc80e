"""The sets of torchvision, from files that are there: real digits, and images of CIFAR's form."""

import hashlib
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from regsweep.data.idx import read_images
from regsweep.errors import InputError, MachineFault
from regsweep.settings.data import Torchvision
from regsweep.training.load import facts_of, load_data

RAW = Path(__file__).parent / "digits" / "MNIST" / "raw"


def spec(name, root, **changed):
    sizes = {"train_size": None, "validation_size": 0.2, "split_seed": 0}
    return Torchvision(name, str(root), **sizes | changed)


def test_the_published_test_part_tests(tmp_path):
    shutil.copytree(RAW, tmp_path / "KMNIST" / "raw")

    data, facts = load_data(spec("KMNIST", tmp_path), test=True), facts_of(spec("KMNIST", tmp_path))

    assert (facts.train, facts.validation, facts.test) == (320, 80, 100)
    assert (facts.shape, facts.outputs, facts.classes[:2]) == ((28, 28), 10, ("o", "ki"))
    assert torch.equal(data.test.inputs, read_images(RAW / "t10k-images-idx3-ubyte"))


def test_colours_are_channels_in_front(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (60, 3, 32, 32), np.uint8)
    content = {"data": images.reshape(60, -1), "labels": [n % 10 for n in range(60)]}
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    sums = {}
    for name, held in {"a": content, "meta": {"label_names": list("abcdefghij")}}.items():
        (folder / name).write_bytes(pickle.dumps(held))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [["a", sums["a"]]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["a", sums["a"]]])
    meta = {"filename": "meta", "key": "label_names", "md5": sums["meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)

    data = load_data(spec("CIFAR10", tmp_path), test=True)

    assert data.shape == (3, 32, 32)
    assert torch.equal(data.test.inputs, torch.from_numpy(images))
    assert facts_of(spec("CIFAR10", tmp_path)).classes == tuple("abcdefghij")


def test_what_cannot_be_had_is_no_runs_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.KMNIST, "mirrors", ["http://127.0.0.1:9/"])

    expected = (
        r"data.root=.*: expected a folder that holds torchvision's KMNIST, or a network to get it"
    )
    with pytest.raises(MachineFault, match=expected):
        facts_of(spec("KMNIST", tmp_path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CIFAR", "data.dataset=CIFAR: did you mean CIFAR10? known: CIFAR10, CIFAR100, KMNIST"),
        ("MNIST", "data.dataset=MNIST: expected data=mnist, which is verified"),
    ],
)
def test_other_sets_are_refused(name, message):
    with pytest.raises(InputError) as caught:
        spec(name, "unused")

    assert str(caught.value).startswith(message)
