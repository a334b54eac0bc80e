"""The examples are studies: their choices are known, their data read, their networks built."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from regsweep.cli.app import EXAMPLE, EXAMPLES
from regsweep.data.dataset import scale
from regsweep.settings.data import OwnData
from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.training.load import load_data

# The choices of each, and what a network of it gets and gives.
STUDIES = {
    "breast_cancer.py": ("tumors", "residual", (30,), 2),
    "digits.py": ("images", "convolutional", (1, 8, 8), 10),
}


def test_each_is_here():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(STUDIES)


@pytest.fixture
def study(request, no_choices):
    """The choices of an example, which is imported, not run."""
    spec = importlib.util.spec_from_file_location("an_example", EXAMPLES / request.param)
    module = importlib.util.module_from_spec(spec)
    sys.modules["an_example"] = module
    spec.loader.exec_module(module)
    yield STUDIES[request.param]
    del sys.modules["an_example"]


@pytest.mark.parametrize("study", STUDIES, indirect=True)
def test_its_network_takes_its_data(study):
    data, model, shape, outputs = study
    given = load_data(OwnData(data, None, 0.2, 0.2, 0), test=True)
    assert (given.shape, given.outputs) == (shape, outputs)
    network = OwnModel(model).function(shape=given.shape, outputs=given.outputs)

    assert network(scale(given.test.inputs)).shape == (len(given.test), outputs)


@pytest.mark.parametrize("study", ["breast_cancer.py"], indirect=True)
def test_its_penalty_is_that_of_its_formula(study):
    orthogonal = FUNCTIONS["regularizer"]["orthogonal"]

    rotated, doubled = torch.tensor([[0.0, 1.0], [-1.0, 0.0]]), 2 * torch.eye(3)

    assert orthogonal({"a": rotated, "b": doubled}, weight=0.5).item() == 0.5 * 3 * 9


@pytest.mark.parametrize("name", STUDIES)
def test_it_says_what_it_would_run(name, tmp_path):
    data, model, _, _ = STUDIES[name]
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name, "--cfg", "job", "trainer.epochs=7"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert f"data:\n  name: {data}\n" in done.stdout
    assert f"model:\n  name: {model}\n" in done.stdout
    assert "  epochs: 7\n  batch_size: 32\n" in done.stdout


def test_the_example_that_is_printed_is_one(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "regsweep", "--example"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == EXAMPLE.read_text()
    assert Path(EXAMPLE).name == "breast_cancer.py"
