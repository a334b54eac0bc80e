import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from regsweep.data.source import SOURCES, check_sizes, default_root, find_source
from regsweep.errors import InputError

MNIST = SOURCES["mnist"]


def test_a_mistyped_name_gets_the_nearest_one():
    with pytest.raises(InputError) as error:
        find_source("fashion-mnist")
    assert str(error.value) == (
        "data=fashion-mnist: expected the name of a data set; did you mean fashion_mnist? "
        "known: fashion_mnist, mnist"
    )


@pytest.mark.parametrize("sizes", [(0, None), (0, 60000), (10000, 50000), (59990, 10), (0, 10)])
def test_every_size_that_leaves_each_class_an_example_is_legal(sizes):
    check_sizes(MNIST, *sizes)

    fewer = replace(MNIST, train_examples=sum(filter(None, sizes)) - 1)
    with pytest.raises(InputError):
        check_sizes(fewer, *sizes)


@pytest.mark.parametrize("size", [-1, 59991, 60000, 70000])
def test_a_validation_split_that_leaves_too_little_is_refused(size):
    with pytest.raises(InputError) as error:
        check_sizes(MNIST, size, None)
    assert str(error.value) == (
        f"data.validation_size={size}: expected 0 to 59990: of 60000 examples, each of the 10 "
        "classes keeps at least one for training"
    )


@pytest.mark.parametrize("size", [-1, 0, 9, 50001])
def test_a_training_set_that_is_too_small_or_too_large_is_refused(size):
    with pytest.raises(InputError) as error:
        check_sizes(MNIST, 10000, size)
    assert str(error.value) == (
        f"data.train_size={size}: expected null (all) or 10 to 50000: at least one example for "
        "each of the 10 classes, at most what data.validation_size=10000 leaves of 60000"
    )


def test_the_environment_says_where_the_data_is(monkeypatch):
    monkeypatch.setenv("REGSWEEP_DATA", "/some/where")
    assert default_root() == Path("/some/where")
    monkeypatch.setenv("REGSWEEP_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert default_root() == Path("/caches/regsweep")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_root() == Path("~/.cache/regsweep")


def test_sizes_are_checked_without_torch():
    code = "import sys, regsweep.data.source; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
