"""What a run has learned, used on raw inputs: it scores on test rows what the run recorded."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from command import command, only_folder
from safetensors.torch import load_file, save_file

import regsweep
from regsweep.data.idx import read_images, read_labels
from regsweep.data.source import TEST_IMAGES, TEST_LABELS, default_root
from regsweep.errors import InputError

QUICK = ("trainer.epochs=2", "trainer.batch_size=32", "trainer.compile=false")


def table(path, seed):
    rng = np.random.default_rng(seed)
    sick = rng.integers(0, 2, 200)
    age = np.where(rng.random(200) < 0.1, np.nan, 40 + 9 * sick + 10 * rng.normal(size=200))
    sex = rng.choice(["f", "m", "x"], 200)
    frame = pd.DataFrame({"age": age, "sex": sex, "outcome": np.array(["well", "ill"])[sick]})
    frame.to_csv(path, index=False)


@pytest.fixture(scope="module")
def of_table(tmp_path_factory):
    """The folder of a run on a table, which has its test rows in a file of their own."""
    place = tmp_path_factory.mktemp("table")
    table(place / "heart.csv", 0)
    table(place / "test.csv", 1)
    done = command(
        "data=csv", f"data.path={place}/heart.csv", f"data.test_path={place}/test.csv",
        "data.target=outcome", "model.norm=layer", "regularizer=l1", *QUICK, cwd=place,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return only_folder(place / "outputs")


def recorded(folder):
    return json.loads((folder / "record.json").read_text())["metrics"]["test_accuracy"]


def test_a_data_frame_gives_the_names_of_classes(of_table):
    rows = pd.read_csv(of_table.parents[2] / "test.csv")

    predict = regsweep.predictor(of_table)

    said = predict(rows.drop(columns="outcome"))
    assert set(said) <= {"well", "ill"}
    assert (said == rows["outcome"]).mean() == recorded(of_table)
    # No part of the scaling is fitted to what is asked.
    assert np.array_equal(predict(rows.iloc[:3]), said[:3])
    assert predict(rows.iloc[:0].astype({"age": float})).shape == (0,)


def test_images_give_the_numbers_of_classes(tmp_path):
    done = command("data.train_size=2000", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "outputs")
    raw = default_root().expanduser() / "MNIST" / "raw"
    images = read_images(raw / TEST_IMAGES).numpy()

    predict = regsweep.predictor(folder)

    right = predict(images) == read_labels(raw / TEST_LABELS).numpy()
    assert right.mean() == recorded(folder)
    with pytest.raises(
        InputError, match=r"^inputs: of shape \(28, 28\), expected rows of shape \(2"
    ):
        predict(images[0])


@pytest.fixture
def copied(of_table, tmp_path):
    """The folder of a run, to be changed."""
    return shutil.copytree(of_table, tmp_path / "copied")


def record_of(folder, change):
    content = json.loads((folder / "record.json").read_text())
    change(content)
    (folder / "record.json").write_text(json.dumps(content))


def refused(folder, expected):
    with pytest.raises(InputError, match=expected):
        regsweep.predictor(folder)


def test_a_run_without_weights_is_refused(copied):
    (copied / "weights.safetensors").unlink()

    refused(copied, r"copied: a single run that completed has no weights.safetensors; take a comp")


def test_data_that_are_gone_or_others_are_said(copied, tmp_path):
    record_of(copied, lambda record: record["environment"]["files"].update({"data.path": "0" * 64}))
    refused(copied, r"copied: data.path is other data than the run's: its SHA-256 was 0{64} and is")
    record_of(
        copied, lambda record: record["config"].update({"data.path": str(tmp_path / "x.csv")})
    )
    refused(copied, r"copied: what its data were scaled and encoded by is fitted .*: data.path=.*x")


def test_other_weights_are_refused(copied):
    path = copied / "weights.safetensors"
    weights = load_file(path)
    last = max(name for name in weights if name.endswith("weight"))
    save_file({**weights, last: -weights[last]}, path)
    refused(copied, r"copied: test_accuracy was 0\.\d{4} and is 0\.\d{4} with the network as it is")
    save_file({name: value for name, value in weights.items() if name != last}, path)
    refused(
        copied, r"weights.safetensors: not the weights of model=mlp as it is here \(.*Missing k"
    )


def test_a_run_of_a_study_wants_its_file(copied):
    def of_a_study(record):
        record["config"]["model.name"] = "mine"
        record["environment"]["study"] = {"study.py": ""}

    record_of(copied, of_a_study)

    refused(copied, r"copied: model=mine is a choice of study.py, which is not loaded here; import")


STUDY = """
import numpy as np
from torch import nn
import regsweep

@regsweep.model
def small(shape: tuple[int, ...], outputs: int, width: int = 8) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0], width), nn.BatchNorm1d(width),
                         nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, outputs))

def rows(seed):
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, 200)
    return np.eye(3)[classes] + rng.normal(size=(200, 3)), np.array(["a", "b", "c"])[classes]

@regsweep.data
def blobs() -> regsweep.Arrays:
    return regsweep.Arrays(*rows(0), *rows(1))

if __name__ == "__main__":
    regsweep.main("data=blobs", "model=small")
"""


def test_within_its_study_a_network_of_ones_own_predicts(tmp_path):
    (tmp_path / "study.py").write_text(STUDY)
    done = command(*QUICK, "model.width=5", cwd=tmp_path, module="study")
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "outputs")
    code = (
        "import sys, regsweep, study; predict = regsweep.predictor(sys.argv[1]); "
        "inputs, classes = study.rows(1); print((predict(inputs) == classes).mean()); "
        # Neither masks nor the other rows have a say.
        "assert [predict(row[None])[0] for row in inputs] == predict(inputs).tolist()"
    )

    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, folder],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert float(said.stdout) == recorded(folder)
