"""Inputs that are integers: a network of the user's looks them up, what is built in computes."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from command import command, only_folder
from torch import nn

import regsweep
from regsweep.data.dataset import Dataset, Examples
from regsweep.errors import InputError
from regsweep.settings.data import Arrays
from regsweep.settings.model import CNN, MLP, Linear
from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.sweep.machine import check_machine
from regsweep.training import probe
from regsweep.training.compiled import lacking
from regsweep.training.own_check import check_own
from regsweep.training.pack import train_pack, try_compiled
from regsweep.training.packable import try_packed
from tests.training.test_pack import CPU, assert_same_result, make_run

WORDS, CLASSES = 50, 3
WIDTH = 8


class Sentence(nn.Module):
    """The words of a row looked up, layer norm of their mean, and one linear layer."""

    def __init__(self, outputs, words=WORDS):
        super().__init__()
        self.table = nn.Embedding(words, 16)
        self.norm = nn.LayerNorm(16)
        self.last = nn.Linear(16, outputs)

    def forward(self, x):
        assert x.dtype == torch.int64
        return self.last(self.norm(self.table(x).mean(-2)))


class Numbers(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.last = nn.Linear(WIDTH, outputs)

    def forward(self, x):
        return self.last(x)


@pytest.fixture(autouse=True)
def models(monkeypatch):
    for build in (Sentence, Numbers):
        monkeypatch.setitem(FUNCTIONS["model"], build.__name__.lower(), build)


def rows(count, seed=0):
    """Words, of which each class has those of its own more often."""
    generator = np.random.default_rng(seed)
    classes = np.arange(count) % CLASSES
    words = generator.integers(0, WORDS, (count, WIDTH))
    own = generator.random((count, WIDTH)) < 0.3
    return np.where(own, classes[:, None], words), classes


@pytest.fixture
def saved(tmp_path):
    def save(x, y):
        np.savez(tmp_path / "x.npz", x=x, y=y)
        return Arrays(str(tmp_path / "x.npz"), None, 0.2, 0.2, 0)

    return save


def run_of(data, model, **trainer):
    return replace(make_run(model=model, **{"batch_size": 32} | trainer), data=data)


def dataset(shape):
    """Of each class numbers about a place of its own."""
    generator = torch.Generator().manual_seed(0)

    def examples(count):
        classes = torch.arange(count) % CLASSES
        noise = torch.randint(-9, 10, (count, *shape), generator=generator)
        return Examples(noise + classes.view(-1, *[1] * len(shape)), classes)

    return Dataset(examples(96), examples(30), examples(30), CLASSES)


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (MLP((16, 8)), (5,)),
        (MLP((16, 8), norm="batch"), (5,)),
        (Linear(), (2, 3)),
        (CNN((4,)), (6, 6)),
    ],
)
def test_to_what_is_built_in_they_are_the_floats_that_they_stand_for(model, shape):
    integers = dataset(shape)
    floats = integers.with_inputs(lambda inputs: inputs.float())
    runs = [make_run(seed, model=model, batch_size=32) for seed in (0, 1)]

    pairs = zip(train_pack(runs, integers, CPU), train_pack(runs, floats, CPU), strict=True)

    for one, other in pairs:
        assert one.status == "completed"
        assert_same_result(one, other)
    assert integers.train.inputs.dtype == torch.int64


def test_a_network_that_looks_them_up_packs_with_its_bits(saved):
    try_packed(run_of(saved(*rows(600)), OwnModel("sentence")), 8, CPU, "eager")


@pytest.mark.skipif(lacking(CPU) is not None, reason="needs a C++ compiler")
def test_what_was_tried_compiled_is_what_trains_on_them(saved):
    data = saved(*rows(200))
    run = run_of(data, OwnModel("sentence"))
    probe.check_compiled.cache_clear()

    try_compiled(run, 2, CPU)
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    of_data = Dataset(*(Examples(*map(torch.from_numpy, rows(n))) for n in (120, 40, 40)), CLASSES)
    other = replace(run, optimizer=replace(run.optimizer, lr=2e-3))
    packed = train_pack([run, other], of_data, CPU, mode="compiled", width=2)

    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before
    [narrower] = train_pack([run], of_data, CPU, mode="compiled", width=2)
    assert_same_result(packed[0], narrower)


def test_a_layer_that_computes_is_told_to_take_floats(saved):
    check_own(run_of(saved(*rows(200)), OwnModel("sentence")))

    with pytest.raises(InputError) as caught:
        check_own(run_of(saved(*rows(200)), OwnModel("numbers")))

    said = str(caught.value)
    assert said.startswith(
        "model=numbers: its forward of int64 inputs of shape (32, 8), from 0 to 49, failed ("
    )
    assert said.endswith(
        "; data of whole numbers come as int64, as nn.Embedding looks them up; expected "
        "inputs.float() for layers that compute with them"
    )


@pytest.mark.parametrize("word", [WORDS, -1])
def test_a_number_that_has_no_place_in_a_table_is_found_in_any_row(saved, word):
    x, y = rows(200)
    data = saved(x, y)
    part = {"training": 0, "test": 0}
    # The last rows of each class are in no first batch.
    for place in range(150, 200):
        changed = x.copy()
        changed[place, 3] = word
        data = saved(changed, y)
        with pytest.raises(InputError) as caught:
            check_own(run_of(data, OwnModel("sentence")))
        said = str(caught.value)
        assert "IndexError: index out of range in self; expected tables that have a row" in said
        for name in part:
            part[name] += said.startswith(f"model=sentence, {name} rows: its forward of int64")
        if all(part.values()):
            break
    else:
        raise AssertionError(part)


def test_what_float32_rounds_is_refused_before_what_is_built_in_trains(saved):
    x, y = rows(200)
    x[7, 2] = 2**24 + 1

    with pytest.raises(InputError) as caught:
        check_machine([run_of(saved(x, y), MLP((8,)))])

    assert str(caught.value) == (
        "data.path: inputs are whole numbers up to 16777217, and networks that are built in take "
        "float32, which rounds those above 16777216; expected smaller ones, or floats where "
        "rounding does not matter"
    )
    x[7, 2] = 2**24
    check_machine([run_of(saved(x, y), MLP((8,)))])


STUDY = """
import numpy as np
from torch import nn
import regsweep

@regsweep.model
def sentence(outputs: int, width: int = 8) -> nn.Module:
    return nn.Sequential(nn.Embedding(9, width), nn.Flatten(), nn.Linear(4 * width, outputs))

def rows(seed):
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, 200)
    words = rng.integers(0, 9, (200, 4))
    return np.where(rng.random((200, 4)) < 0.5, classes[:, None], words), classes

@regsweep.data
def sentences() -> regsweep.Arrays:
    return regsweep.Arrays(*rows(0), *rows(1))

if __name__ == "__main__":
    regsweep.main("data=sentences", "model=sentence")
"""


QUICK = ("trainer.epochs=3", "trainer.batch_size=32", "trainer.compile=false")


def test_within_its_study_a_network_that_looks_them_up_predicts(tmp_path):
    (tmp_path / "study.py").write_text(STUDY)
    done = command(*QUICK, cwd=tmp_path, module="study")
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "outputs")
    code = (
        "import sys, numpy as np, regsweep, study; predict = regsweep.predictor(sys.argv[1]); "
        "x, y = study.rows(1); print((predict(x) == y.astype(str)).mean()); "
        "assert predict(x.astype(np.int32).tolist()).tolist() == predict(x).tolist(); "
        "\ntry: predict(x + 1)\nexcept regsweep.errors.InputError as error: print(error)"
    )

    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, folder],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    share, refused = said.stdout.splitlines()
    assert float(share) == accuracy(folder) > 0.5
    assert refused == (
        "inputs: from 1 to 9, and the network has no place for all of these (index out of range in "
        "self); expected whole numbers as those of its data"
    )


def test_what_is_built_in_predicts_of_them(tmp_path):
    (x, y), (x_test, y_test) = rows(400), rows(100, seed=1)
    np.savez(tmp_path / "x.npz", x=x, y=y, x_test=x_test, y_test=y_test)
    done = command("data=arrays", f"data.path={tmp_path}/x.npz", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "outputs")

    predict = regsweep.predictor(folder)

    assert (predict(x_test) == y_test.astype(str)).mean() == accuracy(folder)
    predict(x_test + 2**24 - WORDS)
    with pytest.raises(
        InputError, match=r"^inputs: -16777217 is a whole number that float32 round"
    ):
        predict(np.full_like(x_test, -(2**24) - 1))


def accuracy(folder):
    return json.loads((folder / "record.json").read_text())["metrics"]["test_accuracy"]
