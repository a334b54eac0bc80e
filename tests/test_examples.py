"""The examples are studies: their choices are known, their data read, their networks built.

One shows a callback instead, with MLflow's own store in a file.
"""

import importlib.util
import json
import os
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
CALLBACK = "mlflow_callback.py"

# Logs again what is logged, then prints what MLflow has.
LOGGED = """
import json, sys
sys.path.insert(0, sys.argv[1])
import mlflow
from omegaconf import OmegaConf
from mlflow_callback import LogRuns

LogRuns().on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": "here"}}}))
client, curve = mlflow.MlflowClient(), "history/val_loss"
runs = mlflow.search_runs(experiment_names=["regsweep"], output_format="list")
print(json.dumps([
    {
        "name": run.info.run_name,
        "status": run.info.status,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "epochs": [one.value for one in client.get_metric_history(run.info.run_id, curve)],
        "files": [file.path for file in client.list_artifacts(run.info.run_id)],
    }
    for run in runs
]))
"""


def test_each_is_here():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*STUDIES, CALLBACK}


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


def test_the_runs_of_a_sweep_are_logged_to_mlflow_once(tmp_path, mnist):
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}

    def python(*arguments):
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    python(
        EXAMPLES / CALLBACK, "-m", "regularizer=l1,l2", "hydra/sweeper=basic",
        "data.train_size=256", "data.validation_size=100", "trainer.epochs=2",
        "trainer.compile=false", "hydra.sweep.dir=here",
    )  # fmt: skip
    runs = json.loads(python("-c", LOGGED, EXAMPLES).splitlines()[-1])

    assert sorted(run["name"] for run in runs) == ["0", "1"]
    found = {run["name"]: run for run in runs}
    records = [json.loads(path.read_text()) for path in tmp_path.glob("here/*/record.json")]
    for record in records:
        run = found[record["run"]]
        assert run["status"] == "FINISHED"
        assert run["params"] == {key: str(value) for key, value in record["config"].items()}
        metrics = {k: v for k, v in run["metrics"].items() if not k.startswith("history/")}
        assert metrics == record["metrics"]
        history = (tmp_path / "here" / record["run"] / "history.csv").read_text().splitlines()
        at = history[0].split(",").index("val_loss")
        assert run["epochs"] == [float(line.split(",")[at]) for line in history[1:]]
        assert {"record.json", "history.csv", "weights.safetensors"} <= set(run["files"])
