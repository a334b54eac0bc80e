"""Fixtures for all tests."""

from pathlib import Path

import pytest

from regsweep.data.dataset import Dataset, Examples, load_dataset
from regsweep.data.idx import read_images, read_labels
from regsweep.data.source import default_root
from regsweep.data.split import stratified_split

RAW = Path(__file__).parent / "data" / "digits" / "MNIST" / "raw"


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Real digits: 300 training, 100 validation and 100 test examples. Not to be written to."""
    images = read_images(RAW / "train-images-idx3-ubyte")
    labels = read_labels(RAW / "train-labels-idx1-ubyte")
    train, validation = stratified_split(labels, 100, None, 0)
    return Dataset(
        train=Examples(images[train], labels[train]),
        validation=Examples(images[validation], labels[validation]),
        test=Examples(
            read_images(RAW / "t10k-images-idx3-ubyte"),
            read_labels(RAW / "t10k-labels-idx1-ubyte"),
        ),
        outputs=10,
    )


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """All of MNIST without a validation part, as the article has it; downloaded if need be."""
    return load_dataset(
        "mnist", default_root(), validation_size=0, train_size=None, split_seed=0, test=True
    )
