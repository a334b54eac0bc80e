"""Fixtures for all tests, and what a skip is worth."""

import logging
import os
from collections.abc import Iterator
from logging import FileHandler, StreamHandler
from pathlib import Path

import pytest

from regsweep.data.dataset import Dataset, Examples, load_dataset
from regsweep.data.fetch import ensure_files
from regsweep.data.idx import read_images, read_labels
from regsweep.data.parts import stopping_half
from regsweep.data.source import default_root, find_source
from regsweep.data.split import stratified_split
from regsweep.errors import InputError
from regsweep.packs.engines.choice import dismiss_all
from regsweep.settings.own import FUNCTIONS, LISTED
from regsweep.settings.study import SEARCHES

RAW = Path(__file__).parent / "data" / "digits" / "MNIST" / "raw"

# The names, with commas between, of what this machine need not have: a test that needs nothing
# else may be skipped, any other skip fails. Not set, all skips are allowed.
MAY_LACK = "REGSWEEP_MAY_LACK"
# How the reason of a skip begins that something missing has caused; then comes its name.
NEEDS = "needs "


def lacks(reason: str) -> bool:
    """Whether a skip for this reason is not allowed here."""
    allowed = os.environ.get(MAY_LACK)
    if allowed is None:
        return False
    return not any(reason.startswith(f"{NEEDS}{name}") for name in allowed.split(",") if name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Turn a skip that is not allowed into a failure, so that it is not overlooked."""
    return judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """The same for a whole module."""
    return judged((yield))


def judged(report: pytest.TestReport | pytest.CollectReport):
    """``report``, a failure where it is of a skip that is not allowed."""
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if lacks(reason):
            report.outcome = "failed"
            report.longrepr = f"skipped, though {MAY_LACK} is set: {reason}"
    return report


@pytest.fixture(autouse=True)
def logged_as_before() -> Iterator[None]:
    """What a test has Hydra log to, it takes with it: its streams are closed."""
    before = logging.root.handlers[:]
    yield
    for handler in logging.root.handlers[:]:
        if handler not in before and type(handler) in (StreamHandler, FileHandler):
            logging.root.removeHandler(handler)
            handler.close()


@pytest.fixture(scope="module")
def workers() -> Iterator[None]:
    """Worker processes that stay for the commands of a module's tests, and end behind them."""
    yield
    dismiss_all()


@pytest.fixture
def no_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """No choices of a study but those that the test adds, which end with it."""
    for registry in (FUNCTIONS, LISTED, SEARCHES):
        for group in registry:
            monkeypatch.setitem(registry, group, {})
    monkeypatch.setattr("regsweep.settings.own._LOADED", {})


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
        stopping=stopping_half(labels[validation], 0),
    )


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """All of MNIST without a validation part, as the article has it; downloaded if need be."""
    return load_dataset(
        "mnist", default_root(), validation_size=0, train_size=None, split_seed=0, test=True
    )


@pytest.fixture(scope="session")
def fashion_mnist() -> Path:
    """The root of Fashion-MNIST's files; downloaded if need be, and if it can be."""
    try:
        ensure_files(find_source("fashion_mnist"), default_root())
    except InputError as error:
        pytest.skip(f"needs Fashion-MNIST: {error}")
    return default_root()
