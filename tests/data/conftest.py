"""The real digits beside these tests, as a source of their own."""

import shutil
from pathlib import Path

import pytest

from regsweep.data.source import SOURCES, Source

FOLDER = Path(__file__).parent / "digits"


@pytest.fixture
def source(monkeypatch):
    """A source "digits" with pinned hashes, no package and no mirror that can be reached."""
    source = Source(
        name="digits",
        torchvision="MNIST",
        files={
            "train-images-idx3-ubyte": (
                "23c12e9a95f10c9ed0199efbd7077743274b1f31cdbbaf9b2763ac63d52975e9"
            ),
            "train-labels-idx1-ubyte": (
                "a6af1fb7aacc0682e84fbfcc901cf32e3d116ebc9fd803a90900fabcdc6552d5"
            ),
            "t10k-images-idx3-ubyte": (
                "6dcfdca51e7ffd8439e3beb25e740631135a288e0ee6323b6c01bd39f50d0ba8"
            ),
            "t10k-labels-idx1-ubyte": (
                "1af84127308babff2b3f0b586f0c438fa637643b7da5c1306f4de4d0923f02a7"
            ),
        },
        fallback=None,
        train_examples=400,
        test_examples=100,
    )
    monkeypatch.setitem(SOURCES, "digits", source)
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    return source


@pytest.fixture
def packed():
    """The folder with the source's raw files, to be read only."""
    return FOLDER / "MNIST" / "raw"


@pytest.fixture
def root(tmp_path):
    """A data root that holds the source's files."""
    shutil.copytree(FOLDER, tmp_path / "root")
    return tmp_path / "root"
